"""``model.keras``: the trained model in Keras's own classes.

A training uses layers and optimizers of this package, whose rates follow schedules. The trained
model needs none of them, so that Keras loads the file where this package is not installed.
"""

import json
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.show.streams import say

if TYPE_CHECKING:
    import keras

_CONFIG = "config.json"  # in Keras's archive
_TORCH = "keras.src.backend.torch.optimizers."  # Keras's optimizers for PyTorch


def read_model(file: Path, *, compiled: bool = True) -> "keras.Model":
    """Load a model, compiled or only to predict."""
    import keras

    from fashion_zoo.machine import precision

    with precision.keras_defaults():
        return keras.saving.load_model(file, compile=compiled)


def write_model(model: "keras.Model", file: Path) -> list[str]:
    """Write a compiled model in Keras's own classes, and return which others it needs to be loaded.

    They are names of classes and functions, registered ones with their package. A model that cannot
    be copied, as a subclassed one, is written as it is, with a warning on stderr.
    """
    from fashion_zoo.machine import precision

    with precision.keras_defaults():
        try:
            plain = in_keras_classes(model)
        except Exception as error:  # after a training the model must be saved
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            say(f"warning: the model is saved as it is, not in Keras's own classes. {reason}")
            plain = model
        with warnings.catch_warnings():  # even if warnings are errors
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy")
            plain.save(file)
    return _pack(file)


def in_keras_classes(model: "keras.Model") -> "keras.Model":
    """Return a copy of a functional, compiled model without classes of this package.

    A layer that has ``to_keras()`` is replaced by its result, with the weights that the layer has
    under the same names, or in ``folded()``; the others are shared with the model.
    The copy is compiled for integer labels, with Keras's own optimizer at the last learning rate.
    """
    import keras

    from fashion_zoo import optimizers

    replaced: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def plain(layer):
        if not hasattr(layer, "to_keras"):
            return layer
        replaced.append((layer, layer.to_keras()))
        return replaced[-1][1]

    # A clone would be compiled with the optimizer of the training and its slots.
    compiled, model.compiled = model.compiled, False
    try:
        copy = keras.models.clone_model(model, clone_function=plain, recursive=True)
    finally:
        model.compiled = compiled
    for old, new in replaced:
        weights = {weight.name: weight for weight in old.weights}
        weights |= old.folded() if hasattr(old, "folded") else {}
        for weight in new.weights:
            weight.assign(weights[weight.name])
    optimizer = optimizers.to_keras(model.optimizer)
    copy.compile(
        optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32"),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32")],
        auto_scale_loss=False,  # the optimizer is wrapped already if it was
    )
    optimizer.build(copy.trainable_variables)  # without slots, Keras warns when it loads the file
    return copy


def _pack(file: Path) -> list[str]:
    """Compress a Keras archive, and remove from its config what is of this machine alone.

    Return the names of what is not Keras's own in it.

    Keras stores its choice for ``jit_compile="auto"``, though XLA on another machine's CPU is ten
    times slower; and, with PyTorch, optimizers that no other backend imports.
    """
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts[_CONFIG])
    config["compile_config"]["jit_compile"] = "auto"
    _name_for_all(config["compile_config"])
    parts[_CONFIG] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return list(dict.fromkeys(_foreign(config)))


def _foreign(part: Any) -> Iterator[str]:
    """Yield the names of classes and functions in a config that are not Keras's own."""
    if isinstance(part, list):
        for one in part:
            yield from _foreign(one)
    if not isinstance(part, dict):
        return
    if part.get("registered_name") and not str(part.get("module")).startswith("keras"):
        function = part.get("class_name") == "function"
        yield str(part["config"] if function else part["registered_name"])
    for one in part.values():
        yield from _foreign(one)


def _name_for_all(part: Any) -> None:
    """Name an optimizer for PyTorch, anywhere in a config, as for all backends."""
    if isinstance(part, dict):
        if str(part.get("module")).startswith(_TORCH):
            part |= {"module": "keras.optimizers", "registered_name": None}
        for one in part.values():
            _name_for_all(one)
