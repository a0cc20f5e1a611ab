"""He against Glorot against small normal kernels, with ReLU, by depth and normalization."""

from typing import Any

from fashion_zoo import experiments
from fashion_zoo.activations import WORDS, Activation
from fashion_zoo.experiments import Arm, Claim, Contrast, Experiment, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.runs import Run
from recipes.experiments._figures import Point, by_row
from recipes.experiments._kernels import relu
from recipes.experiments._looking import AFTER, BEFORE, gradient_ratios
from recipes.experiments._units import POWERS

WIDTH, DEPTHS = 128, (3, 10)
DEVIATION = 0.01
UNEVEN, UNEVEN_AFTER = "unevenness", "unevenness_after_training"
MODELS: dict[str, dict[str, Any]] = {
    "He": {"kernel_initializer": "he_normal"},
    "Glorot": {"kernel_initializer": "glorot_normal"},
    "small": {"activation": "relu_of_small_kernels"},
}
NORMALIZATIONS = {"without normalization": "none", "batch normalization": "batch"}
POINTS = {
    f"{name}, {depth} layers, {word}": Point(series, f"{name}, {depth} layers")
    for depth in DEPTHS
    for name in MODELS
    for series, word in NORMALIZATIONS.items()
}


@WORDS.register
def relu_of_small_kernels() -> Activation:
    """``max(x, 0)`` behind kernels with a standard deviation of 0.01."""
    return relu(DEVIATION)


def unevenness(run: Run) -> Row:
    """Return the ratios of gradients, and how far each is from 1, in powers of ten."""
    found = gradient_ratios(run)
    return {**found, UNEVEN: abs(found[BEFORE]), UNEVEN_AFTER: abs(found[AFTER])}


def _arm(name: str) -> Arm:
    own, layers, normalization = name.split(", ")
    units = (WIDTH,) * int(layers.split()[0])
    model = {"hidden_units": units, "normalization": normalization, **MODELS[own]}
    return Arm(name, "baseline_mlp", {"model": model})


def _beyond(text: str, name: str, kernels: str, here: str, there: str, **own: Any) -> Contrast:
    """Return the claim that kernels in place of He's change more at one place than at another."""
    weights = {f"{kernels}, {here}": 1, f"He, {here}": -1, f"{kernels}, {there}": -1}
    return Contrast(name, weights={**weights, f"He, {there}": 1}, text=text, **own)


EXPERIMENT = Experiment(
    name="initialization",
    question="How much does the initializer matter, by depth, with and without normalization?",
    arms=[_arm(name) for name in POINTS],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 10}},
    metrics=(*experiments.METRICS, unevenness),
    claims=[
        Claim(
            "Glorot, 10 layers, none",
            "He, 10 layers, none",
            direction="lower",
            text="Ten layers of ReLU train better from He than from Glorot initialization.",
            number="C21",
        ),
        Claim(
            "small, 10 layers, none",
            "He, 10 layers, none",
            direction="lower",
            least=0.1,
            text="Ten layers do not train from small kernels.",
            number="C21",
        ),
        Claim(
            "small, 3 layers, none",
            "He, 3 layers, none",
            direction="same",
            least=0.01,
            text="Three layers end within a point from small and from He kernels.",
        ),
        Claim(
            "small, 10 layers, batch",
            "He, 10 layers, batch",
            direction="same",
            least=0.01,
            text="With batch normalization, ten layers end within a point from small and from He "
            "kernels.",
            number="C7",
        ),
        Claim(
            "He, 10 layers, batch",
            "He, 10 layers, none",
            UNEVEN,
            "lower",
            text="Batch normalization evens the first gradients of ten layers with He kernels.",
            **POWERS,
            number="C5",
        ),
        Claim(
            "small, 10 layers, batch",
            "small, 10 layers, none",
            UNEVEN,
            "lower",
            text="Batch normalization evens the first gradients of ten layers with small kernels.",
            **POWERS,
            number="C5",
        ),
        *(
            Claim(
                f"{kernels}, 10 layers, batch",
                f"{kernels}, 10 layers, none",
                UNEVEN_AFTER,
                "lower",
                text="After the training, too, gradients of ten layers that began with "
                f"{kernels} kernels are more even with batch normalization.",
                **POWERS,
                number="C5",
            )
            for kernels in ("He", "small")
        ),
        *(
            _beyond(
                f"The deeper the network, the more {kernels} kernels cost.",
                f"{kernels} in place of He kernels in ten layers, beyond that in three,",
                kernels,
                "10 layers, none",
                "3 layers, none",
                direction="lower",
                number="C21",
            )
            for kernels in ("Glorot", "small")
        ),
        *(
            _beyond(
                f"In {layers} layers, small kernels cost less with batch normalization.",
                f"small in place of He kernels in {layers} layers with batch normalization, beyond "
                "that without it,",
                "small",
                f"{layers} layers, batch",
                f"{layers} layers, none",
                number="C7",
            )
            for layers in DEPTHS
        ),
    ],
    columns=[
        columns.part("kernels", 0),
        columns.Column("hidden layers", lambda measured, arm: arm.split()[1], right=True),
        columns.part("normalization", 2, code=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.value("log10 of gradient at layer 1 / at logits, untrained", BEFORE, ".1f"),
        columns.value("the same, trained", AFTER, ".1f"),
    ],
    note=f"`baseline_mlp` with layers of {WIDTH} units, also with batch normalization; 20,000 "
    f"images, 10 epochs. Small kernels are normal with a standard deviation of {DEVIATION}. The "
    "gradient with respect to the outputs of the first layer over that with respect to the logits, "
    "by their norms, as a power of ten: 0 is as large, -12 stands for less as well. Mean over "
    "{seeds} with {interval}; it is the interval for these images. {machine} `{command}` "
    "reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/initialization.md",
    figure=by_row(
        POINTS,
        "Kernel initializers by depth",
        "Test accuracy of layers of ReLU.",
    ),
)
