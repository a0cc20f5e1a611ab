"""The numbers of each layer of a model: of its outputs, their gradients, and its weights."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fashion_zoo.data import Images
from fashion_zoo.inspecting.probing import Probe, Tap, activation_of
from fashion_zoo.layers import as_array
from fashion_zoo.machine import precision
from fashion_zoo.optimizers import counting, ensure_built

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_PLACES = 16  # of a feature map, evenly spaced; a picture has hundreds that are alike
# Activations between two values, beyond which nothing is passed on.
BOUNDED = {
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "soft_sign": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
}
_FLAT = 0.05  # of the steepest slope, below which an output counts as saturated


@precision.keras_defaults()
@np.errstate(over="ignore", invalid="ignore")  # of outputs that are not finite
def measure(probe: Probe, images: Images) -> list[dict[str, Any]]:
    """Return what is measured at each tap of a model, as for ``inspection.json``.

    Args:
        probe: the model, with its present values.
        images: a whole number of its batches, in the shape and the scale that it takes. Outputs are
            of all of them, gradients and update of the first batch.
    """
    probe.follow()
    starts = range(0, len(images.labels), probe.batch)
    parts = [_look(probe, images.images[start : start + probe.batch]) for start in starts]
    outputs = [np.concatenate(some) for some in zip(*(part[0] for part in parts), strict=True)]
    sources = {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}
    first = slice(probe.batch)
    gradients = probe.gradients(images.images[first], images.labels[first])
    moved = update_ratios(probe.model, gradients.weights)
    found = []
    for tap, output, gradient in zip(probe.taps, outputs, gradients.outputs, strict=True):
        name = tap.layer.name
        layer = {"name": name, "activation": activation_of(tap.layer), **of_outputs(tap, output)}
        layer["gradient"] = of_gradient(gradient)
        if (kernel := _kernel(tap.layer)) is not None:
            layer["kernel"] = {
                "shape": list(kernel.shape),
                "rms": _rms(as_array(kernel)),
                "effective_rank": effective_rank(_matrix(as_array(kernel))),
                "update_ratio": moved.get(kernel.path),
            }
        if name in sources:
            layer["batch_norm"] = of_statistics(tap.layer, sources[name])
        found.append(layer)
    return found


def _look(probe: Probe, batch: np.ndarray) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    outputs, sources = probe.look(batch)
    return [_units(one) for one in outputs], {name: _units(one) for name, one in sources.items()}


def _units(output: np.ndarray) -> np.ndarray:
    """Return (rows, units) of (batch, ..., units); of many places in an image only some."""
    places = output.reshape(len(output), -1, output.shape[-1])
    step = -(-places.shape[1] // _PLACES)
    return places[:, ::step].reshape(-1, output.shape[-1])


def of_outputs(tap: Tap, output: np.ndarray) -> dict[str, Any]:
    """Return the distribution of (rows, units) outputs, and the dead and saturated among them.

    A unit is dead if it has one value for all images. An output is saturated if its activation
    function has less than a twentieth of its steepest slope there:

        1 - u^2 < 0.05,  u the output, scaled from its bounds to -1..1

    which is the slope of tanh and the sigmoid.
    """
    constant = output.min(axis=0) == output.max(axis=0)
    found: dict[str, Any] = {
        "units": output.shape[1],
        **_distribution(output),
        "dead": float(constant.mean()),
        "effective_rank": effective_rank(output - output.mean(axis=0)),
    }
    if bounds := BOUNDED.get(activation_of(tap.layer)):
        low, high = bounds
        scaled = (2 * output - low - high) / (high - low)
        found["saturated"] = float((1 - scaled**2 < _FLAT).mean())
    return found


def of_gradient(gradient: np.ndarray) -> dict[str, Any]:
    """Return the distribution of the size of (batch, ..., units) gradients.

    ``norm`` is the root mean square over the images of the norm of an image's gradient.
    """
    norms = np.linalg.norm(gradient.reshape(len(gradient), -1).astype(float), axis=1)
    return {**_distribution(np.abs(gradient)), "norm": _finite(np.sqrt(np.mean(norms**2)))}


def of_statistics(layer: keras.layers.Layer, source: np.ndarray) -> dict[str, Any]:
    """Compare the statistics that batch normalization keeps with those of (rows, units) inputs.

    ``shift`` is the quantiles over the units of |kept mean - mean| in standard deviations of the
    data, ``ratio`` those of kept variance / variance. ``stale`` is the share of units whose mean is
    off by more than a standard deviation, or whose variance by more than a factor of 4.
    """
    mean, variance = source.mean(axis=0, dtype=float), source.var(axis=0, dtype=float)
    kept_mean, kept_variance = (
        as_array(one).astype(float) for one in (layer.moving_mean, layer.moving_variance)
    )
    shift = np.abs(kept_mean - mean) / np.sqrt(variance + layer.epsilon)
    ratio = (kept_variance + layer.epsilon) / (variance + layer.epsilon)
    stale = (shift > 1) | (ratio > 4) | (ratio < 1 / 4)
    return {
        "shift": _quantiles(shift),
        "ratio": _quantiles(ratio),
        "stale": float(stale.mean()),
    }


def effective_rank(matrix: np.ndarray) -> float | None:
    """Return the effective rank of a matrix, 0 of zeros, None if it is not finite.

        exp(-sum p ln p),  p the singular values, divided by their sum

    Reference: Roy & Vetterli 2007, EUSIPCO, definition 1.
    """
    if not np.isfinite(matrix).all():
        return None
    values = np.linalg.svd(matrix.astype(float), compute_uv=False)
    if not values.any():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def update_ratios(model: keras.Model, gradients: Sequence[Any]) -> dict[str, float | None]:
    """Return path of each kernel to |update| / |kernel| of one step of the model's optimizer.

    Model and optimizer are as before afterwards. A model that is not compiled has none.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return {}
    ensure_built(optimizer, model.trainable_variables)
    variables = [*model.trainable_variables, *optimizer.variables]
    before = [as_array(one).copy() for one in variables]
    try:
        scaled = [optimizer.scale_loss(one) for one in gradients]
        for _ in range(optimizer.gradient_accumulation_steps or 1):
            optimizer.apply(scaled, model.trainable_variables)
        after = [as_array(one).copy() for one in model.trainable_variables]
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    return {
        variable.path: _ratio(new.astype(float) - old.astype(float), old)
        for variable, old, new in zip(model.trainable_variables, before, after, strict=False)
    }


def learning_rate(model: keras.Model) -> float | None:
    """Return the learning rate of the next step, None for a model that is not compiled."""
    optimizer = getattr(model, "optimizer", None)
    return None if optimizer is None else _finite(as_array(counting(optimizer).learning_rate))


def _ratio(change: np.ndarray, weights: np.ndarray) -> float | None:
    with np.errstate(divide="ignore"):
        return _finite(np.linalg.norm(change) / np.linalg.norm(weights.astype(float)))


def _kernel(layer: keras.layers.Layer) -> Any:
    """Return the first trainable weight that is a matrix or a stack of them, None without one."""
    return next((one for one in layer.trainable_variables if len(one.shape) > 1), None)


def _matrix(kernel: np.ndarray) -> np.ndarray:
    return kernel.reshape(-1, kernel.shape[-1])


def _distribution(values: np.ndarray) -> dict[str, Any]:
    return {"quantiles": _quantiles(values), "rms": _rms(values)}


def _quantiles(values: np.ndarray) -> list[float | None]:
    """Return ``QUANTILES`` of values, None for those that are not finite."""
    if np.isnan(values).any():
        return [None] * len(QUANTILES)
    return [_finite(one) for one in np.quantile(values, QUANTILES, method="nearest")]


def _rms(values: np.ndarray) -> float | None:
    return _finite(np.sqrt(np.mean(np.square(values, dtype=float))))


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
