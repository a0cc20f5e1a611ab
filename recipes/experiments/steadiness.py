"""What batch normalization steadies: inputs of layers, gradients, large learning rates."""

import functools
from typing import Any

import numpy as np

from fashion_zoo.data import Dataset
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Contrast, Experiment, Quick, columns
from fashion_zoo.experiments.experiment import Row
from recipes.experiments import _looking
from recipes.experiments._figures import ACCURACY, Panel, Point, by_number
from recipes.experiments.dropout import loss_of

UNITS, EPOCHS = (128,) * 5, 10
STEP = 0.01
"""Length of the step along which gradients are compared, by the norm of all kernels."""
LOOKED_AT = 1_000  # training images, of which inputs are
RATES = (1e-3, 1e-2, 1e-1)
POINTS = {
    f"{word}, {rate:g}": Point(series, rate)
    for rate in RATES
    for word, series in (("none", "without normalization"), ("batch", "batch normalization"))
}


def roughness(model: Any, gradients: Any, data: Dataset) -> float:
    """Return |change of the gradient| / |gradient| along a step against it, of all kernels.

    The step is ``STEP`` times as long as the kernels. The model is as before afterwards.
    """
    kernels = [one for one in model.trainable_variables if _looking.is_kernel(one)]
    images, values = _looking.first(data), [np.asarray(one.numpy()) for one in kernels]
    before = gradients(images)
    size, norm = _norm(before), _norm(values)
    if not size:
        return 0.0
    for kernel, value, gradient in zip(kernels, values, before, strict=True):
        kernel.assign(value - STEP * norm / size * gradient)
    after = gradients(images)
    for kernel, value in zip(kernels, values, strict=True):
        kernel.assign(value)
    return _norm([new - old for new, old in zip(after, before, strict=True)]) / size


def _norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.square(one, dtype=float).sum() for one in arrays)))


def measure(word: str, rate: float, seed: int, data: Dataset) -> Row:
    """Train; return accuracies, and means over the epochs of drift and roughness."""
    changes = {
        "model": {"hidden_units": UNITS, "normalization": word},
        "training": {"epochs": EPOCHS, "learning_rate": rate},
    }
    done, kept = _looking.training("baseline_mlp", changes, seed, data)
    model = _looking.build("baseline_mlp", changes, seed, data)
    look, gradients = _looking.hidden_outputs(model), _looking.kernel_gradients(model)
    seen, rough = [], []
    for weights in kept:
        model.set_weights(weights)
        seen.append(look(data.train.images[:LOOKED_AT]))
        rough.append(roughness(model, gradients, data))
    return {
        **_looking.accuracies(done, data),
        "drift": float(np.mean(_looking.drifts(seen) or [0.0])),
        "roughness": float(np.mean(rough or [0.0])),
        "gap": loss_of(model, data.validation) - loss_of(model, data.train) if done else 0.0,
    }


def _tolerates(rate: str, least: float) -> Contrast:
    """Return the claim that batch normalization gains more at a rate than at the lowest one."""
    usual = f"{RATES[0]:g}"
    return Contrast(
        f"batch normalization at {rate}, beyond that at {usual},",
        weights={
            f"batch, {rate}": 1, f"none, {rate}": -1, f"batch, {usual}": -1, f"none, {usual}": 1,
        },
        least=least,
        text=f"Batch normalization gains more at a rate of {rate} than at {usual}.",
        number="C6",
    )  # fmt: skip


PLAIN: dict[str, Any] = {"direction": "lower", "unit": "", "scale": 1, "form": ".3f"}
EXPERIMENT = Experiment(
    name="steadiness",
    question="What does batch normalization steady?",
    arms=[
        Arm(name, program=functools.partial(measure, name.split(", ")[0], point.at))
        for name, point in POINTS.items()
    ],
    settings={"data": {"limit": 20_000}},
    claims=[
        Claim(
            "batch, 0.001",
            "none, 0.001",
            "drift",
            text="With batch normalization, the inputs of layers drift less.",
            **PLAIN,
            number="C4",
        ),
        Claim(
            "batch, 0.001",
            "none, 0.001",
            "roughness",
            text="With batch normalization, gradients change less.",
            **PLAIN,
            number="C4",
        ),
        _tolerates("0.01", least=0.005),
        _tolerates("0.1", least=0.1),
        Claim(
            "batch, 0.1",
            "batch, 0.001",
            least=-0.02,
            text="With batch normalization, little is lost at a hundred times the rate.",
            number="C6",
        ),
        Claim(
            "batch, 0.001",
            "none, 0.001",
            "gap",
            text="Batch normalization regularizes a little.",
            **PLAIN,
            number="C8",
        ),
    ],
    columns=[
        columns.part("normalization", 0, code=True),
        columns.part("learning rate", 1, right=True),
        columns.value("drift of inputs", "drift", bounds=POSITIVE),
        columns.value("change of the gradient", "roughness", bounds=POSITIVE),
        columns.value("gap", "gap", "+.3f"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.number("diverged", "diverged", ".0%"),
    ],
    note="`baseline_mlp` with five layers of 128 units, also with batch normalization, 20,000 "
    f"images, {EPOCHS} epochs, one-cycle up to the learning rate. The drift is how far the mean of "
    "a unit moves in an epoch, in standard deviations: the median over the units, from the end of "
    "the first epoch on. The change of the gradient is relative to it, along a step of "
    f"{100 * STEP:.0f} % of the norm of the kernels. Both are means over the epochs, until a "
    "training diverges, and 0 if there are too few. The gap is validation loss minus training "
    "loss, both of the final weights in prediction. A training that diverges has the accuracy of a "
    "guess and a gap of 0. Mean over {seeds} with {interval}, of drift and change on the "
    "logarithmic one; it is the interval for these images. {machine} `{command}` reproduces the "
    "table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}}),
    page="docs/claims/steadiness.md",
    figure=by_number(
        POINTS,
        [
            ACCURACY,
            Panel("drift", "drift of inputs", bounds=POSITIVE),
            Panel("roughness", "change of\nthe gradient", bounds=POSITIVE),
        ],
        "learning rate",
        "What batch normalization steadies",
        "By learning rate: what is reached, how far inputs of layers drift in an epoch, and how "
        "much the gradient changes along a step.",
    ),
)
