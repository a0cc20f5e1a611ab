"""What several experiments look at in the layers of a run: gradients, outputs, dead units."""

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, Images, class_counts, load
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.machine import precision
from fashion_zoo.registry import recipe
from fashion_zoo.runs import Run
from recipes.experiments._training import Figures, figures_of

if TYPE_CHECKING:
    import keras

BATCH = 256  # training images, of which gradients are
LEAST = 1e-12  # a ratio below it counts as this, so that its logarithm is a number
Weights = list[np.ndarray]

loaded = functools.lru_cache(maxsize=1)(load)  # all runs of an experiment have the same images


def untrained(run: Run, data: Dataset) -> "keras.Model":
    """Return the model of a run as it was before its first step."""
    from fashion_zoo.inspecting.moments import moments

    return next(moments(run, data)).model


@precision.keras_defaults()
def kernel_gradients(model: "keras.Model") -> "Callable[[Images], list[np.ndarray]]":
    """Return the function of ``BATCH`` images to the gradient of a step by each kernel.

    The kernels are those from the first layer to the logits; it follows the weights of the model.
    """
    from fashion_zoo.inspecting.probing import Probe
    from fashion_zoo.layers import as_array

    probe = Probe(model, BATCH)

    @precision.keras_defaults()
    def look(images: Images) -> list[np.ndarray]:
        probe.follow()
        found = probe.gradients(images.images, images.labels).weights
        pairs = zip(model.trainable_variables, found, strict=True)
        return [np.asarray(as_array(one)) for each, one in pairs if is_kernel(each)]

    return look


def is_kernel(variable: Any) -> bool:
    """Return whether a variable of a model is the kernel of a layer."""
    return bool(variable.path.endswith("/kernel"))


def first(data: Dataset) -> Images:
    """Return the first ``BATCH`` training images."""
    return Images(data.train.images[:BATCH], data.train.labels[:BATCH])


BEFORE, AFTER = "gradient_ratio_before_training", "gradient_ratio_after_training"


def gradient_ratios(run: Run) -> Row:
    """Return the power of ten of |gradient at the first activation| / |gradient at the logits|.

    ``BEFORE`` is that of the untrained model, ``AFTER`` that of the trained one.
    """
    data = loaded(run.config.data)
    models = {BEFORE: untrained(run, data), AFTER: run.load_model()}
    return {name: power_of_ratio(model, data) for name, model in models.items()}


@precision.keras_defaults()
def power_of_ratio(model: "keras.Model", data: Dataset) -> float:
    """Return log10 of the norm of the gradient at the first activation over that at the logits.

    Gradients are of the loss with respect to outputs. Those with respect to kernels say little of
    depth: behind ReLU without biases the product of a kernel and its gradient is the same in all
    layers.
    """
    from fashion_zoo.inspecting.probing import Probe, activation_of

    probe, images = Probe(model, BATCH), first(data)
    probe.follow()
    found = probe.gradients(images.images, images.labels).outputs
    norms = [
        float(np.linalg.norm(one))
        for tap, one in zip(probe.taps[:-1], found, strict=False)
        if activation_of(tap.layer) != "linear"
    ]
    logits = float(np.linalg.norm(found[-1]))
    ratio = norms[0] / logits if logits else 0.0
    return math.log10(max(ratio, LEAST)) if math.isfinite(ratio) else math.log10(LEAST)


@precision.keras_defaults()
def hidden_outputs(model: "keras.Model") -> "Callable[[np.ndarray], list[np.ndarray]]":
    """Return the function of images to the outputs of each activation, (images, units).

    It follows the weights of the model.
    """
    import keras

    from fashion_zoo.inspecting.probing import activation_of

    found = [one.output for one in model.layers if activation_of(one) != "linear"]
    inner = keras.Model(model.inputs, found)

    @precision.keras_defaults()
    def look(images: np.ndarray) -> list[np.ndarray]:
        made = inner.predict(images.astype("float32"), batch_size=1000, verbose=0)
        return made if isinstance(made, list) else [made]

    return look


def dead(outputs: Sequence[np.ndarray]) -> float:
    """Return the fraction of units with one value for all images, which of ReLU is 0."""
    constant = np.concatenate([one.min(axis=0) == one.max(axis=0) for one in outputs])
    return float(constant.mean())


def drifts(seen: Sequence[Sequence[np.ndarray]]) -> list[float]:
    """Return the drift from each epoch to the next one."""
    return [drift(*two) for two in itertools.pairwise(seen)]


def drift(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """Return how far the means of units moved, in their standard deviations; median over the units.

    Both are of each hidden layer, (images, units). A unit that is constant before does not count,
    and of one that nearly is the number of deviations may be anything, so it is no mean.
    """
    moved = []
    for old, new in zip(before, after, strict=True):
        deviation = old.std(axis=0)
        lives = deviation > 1e-6
        moved.append(np.abs(new.mean(axis=0) - old.mean(axis=0))[lives] / deviation[lives])
    every = np.concatenate(moved)
    return float(np.median(every)) if every.size else 0.0


@precision.keras_defaults()
def build(name: str, changes: Mapping[str, Any], seed: int, data: Dataset) -> "keras.Model":
    """Return the untrained model of a recipe, as ``training`` trains it."""
    from fashion_zoo.training.fit import build_model
    from fashion_zoo.training.plan import plan

    config = override(recipe(name).config, {**changes, "seed": seed})
    return build_model(recipe(name), config.model, plan(config, class_counts(data)))


def training(
    name: str, changes: Mapping[str, Any], seed: int, data: Dataset
) -> tuple[Figures | None, list[Weights]]:
    """Train a recipe; return what is left of it, and the weights of each epoch.

    The former is None if the loss diverges.
    """
    import keras

    kept: list[Weights] = []
    watch: Any = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: kept.append([one.copy() for one in watch.model.get_weights()])
    )
    return figures_of(name, data, seed, changes, callbacks=[watch]), kept


def accuracies(done: Figures | None, data: Dataset) -> Row:
    """Return the accuracies of a training, and which test images are correct.

    If it diverged, the accuracies are those of a guess.
    """
    guess = 1 / len(data.class_names)
    return {
        "validation_accuracy": done.validation_accuracy if done else guess,
        "test_accuracy": done.test_accuracy if done else guess,
        "diverged": float(done is None),
        **({"correct": done.correct} if done else {}),
    }
