"""``model.keras``: the trained model in Keras's own classes, and how it is read.

A training has layers and optimizers of this package, whose rates move. What it ends with needs
none of them: Keras loads the file where this package is not installed.
"""

import json
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_zoo.show.streams import say

if TYPE_CHECKING:
    import keras

_CONFIG = "config.json"  # what Keras calls it in its archive
_TORCH = "keras.src.backend.torch.optimizers."  # where Keras has its optimizers for PyTorch


def read_model(file: Path) -> "keras.Model":
    """Load a model, compiled.

    Files of older runs hold classes of this package, which are imported first.
    """
    import keras

    from fashion_zoo.machine import precision  # they register themselves

    with precision.keras_defaults():
        return keras.saving.load_model(file)


def write_model(model: "keras.Model", file: Path) -> None:
    """Write a compiled model in Keras's own classes.

    A model that cannot be taken apart, such as a subclassed one, is written as it is, and a line on
    stderr says so.
    """
    from fashion_zoo.machine import precision

    with precision.keras_defaults():
        try:
            plain = in_keras_classes(model)
        except Exception as error:  # whatever is wrong with its form, a training is worth its file
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            say(f"warning: the model is saved as it is, not in Keras's own classes. {reason}")
            plain = model
        with warnings.catch_warnings():  # where they are errors, the end of a training is no place
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy")
            plain.save(file)
    _pack(file)


def in_keras_classes(model: "keras.Model") -> "keras.Model":
    """Return a model that computes the same without a class of this package.

    Layers that have ``to_keras()`` are replaced by what it returns; the others, and their weights,
    are shared with the model. It is compiled for integer labels, with Keras's own optimizer at the
    learning rate of the last step.

    Args:
        model: functional and compiled.

    Raises:
        ValueError: it is not functional.
    """
    import keras

    from fashion_zoo import optimizers

    replaced: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def plain(layer):
        if not hasattr(layer, "to_keras"):
            return layer
        replaced.append((layer, layer.to_keras()))
        return replaced[-1][1]

    # A clone would be compiled with the optimizer of the training, slots and all.
    compiled, model.compiled = model.compiled, False
    try:
        copy = keras.models.clone_model(model, clone_function=plain, recursive=True)
    finally:
        model.compiled = compiled
    for old, new in replaced:
        weights = {weight.name: weight for weight in old.weights}
        for weight in new.weights:
            weight.assign(weights[weight.name])
    optimizer = optimizers.to_keras(model.optimizer)
    copy.compile(
        optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float32"),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32")],
        auto_scale_loss=False,  # it has been wrapped where it was
    )
    optimizer.build(copy.trainable_variables)  # Keras warns of a file whose optimizer has no slots
    return copy


def _pack(file: Path) -> None:
    """Compress an archive of Keras's, and let each machine choose anew whether it compiles.

    The slots of a new optimizer are zeros, of which nothing is left. Keras writes down what "auto"
    came to here; XLA on another's CPU would be ten times slower. With PyTorch it writes down
    optimizers that it imports there alone.
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


def _name_for_all(part: Any) -> None:
    """Give the optimizers of one backend, wherever they stand in a config, the name of all."""
    if isinstance(part, dict):
        if str(part.get("module")).startswith(_TORCH):
            part |= {"module": "keras.optimizers", "registered_name": None}
        for one in part.values():
            _name_for_all(one)
