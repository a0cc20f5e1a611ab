"""Export the float32 form of a model into a folder, which appears once it agrees with the model.

An export is float32: TFLite lacks most operations of 16-bit layers, and no runtime computes their
form in ONNX.
"""

import importlib.util
import inspect
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fashion_zoo import storage
from fashion_zoo.errors import ConfigError, ExportError, FashionZooError, Hint
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.exporting.formats import WORDS, Format
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.machine import precision
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import Run, dataset_of, open_run
from fashion_zoo.runs.stored import RESULTS, Result
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import absolute

if TYPE_CHECKING:
    import keras

_NOISE = 1000  # images
TOLERANCE = 1e-5  # of a probability; float32 softmax rounds at about 1e-7
_SPACING = {"bfloat16": 2.0**-7, "float16": 2.0**-10}  # of a dtype's numbers from 1 on
_POLICY = re.compile(r'("class_name": "DTypePolicy", "config": {"name": ")\w*float16')
_ROUNDINGS = 16  # spacings that a 16-bit probability may differ after a few layers
IN_RUN = "saved_model"
"""Folder of the export that a training makes, in its run."""


class Parity(Result):
    """The content of ``parity.json`` of a run's own export; see ``export_run``."""

    file = f"{IN_RUN}/parity.json"
    files = (IN_RUN,)
    shape: ClassVar[dict[str, Any]] = {
        "images": int,
        "same_class": float,
        "largest_probability_difference": float,
    }


RESULTS.register(Parity, "parity")


@checked
@releasing()
def export(
    run: AnyPath,
    to: Place,
    format: str = "saved_model",
    *,
    data: Any = None,
    force: bool = False,
    progress: Progress = "auto",
) -> dict[str, Any]:
    """Export a run into the folder ``to``, in a format of ``fashion_zoo.exporting.WORDS``.

    Raises:
        RunError: if it is not a run, or has no model.
        ExportError: if the export does not agree with the model, or cannot be written here.
    """
    opened = open_run(run)
    with waiting("Exporting, and comparing the export with the model", progress):
        return export_run(opened, Path(to), format, force=force, data=data)


def export_run(
    run: Run,
    folder: str | Path,
    format: str = "saved_model",
    *,
    force: bool = False,
    data: Any = None,
) -> dict[str, Any]:
    """Export a run's model, and prove that the export agrees with the model.

    The export takes raw (batch, *shape) uint8 images of the shape of the run's own, inverts them if
    those were inverted, and returns ``probabilities`` (batch, classes) float32, ``class_index``
    (batch,) and ``class_name``. It computes in float32 with the same weights, since few programs
    that read these formats know 16 bits. ``data`` are the images of the run if they were arrays or
    have moved; without arrays the proof is made on noise.

    Return the content of ``parity.json`` in the folder: ``format``, ``proved_on``, and the numbers
    of ``prove``. Errors are those of ``fashion_zoo.export``.
    """
    folder, chosen = absolute(folder), WORDS.parse(format)
    storage.check_free(folder, "an export", _is_export, force=force)
    run.check_model()
    check_exportable(folder, format)
    trained = run.load_model()
    model, (images, proved_on) = in_float32(trained), _images(run, data)
    if run.data.invert:  # the export takes pixels as they are in the source
        changed = trained is not model
        model, images = inverting(model), np.invert(images)
        trained = inverting(trained) if changed else model
    with storage.atomic_folder(folder, replace=force) as temporary:
        try:
            chosen.write(model, run.data.class_names, run.data.image_shape, temporary)
        except (OSError, FashionZooError):
            raise
        except Exception as error:  # of a converter that does not know a layer
            raise ExportError(f"The model cannot be written as {format}: {error}") from error
        found = prove(chosen, temporary, model, run.data.class_names, images, trained=trained)
        parity = {"format": format, "proved_on": proved_on, **found}
        storage.write_json(temporary / "parity.json", parity)
    return parity


def _images(run: Run, data: Any) -> tuple[np.ndarray, str]:
    """Return the images of the proof, and a name for them."""
    if data is None and run.config.data.in_memory:  # arrays, which cannot be read again
        shape = (_NOISE, *run.data.image_shape)
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8), "noise of seed 0"
    return dataset_of(run, data).test.images, "test images"


def check_exportable(folder: Path, format: str = "saved_model") -> None:
    """Raise ConfigError or ExportError if a format cannot be written into this folder here."""
    chosen = WORDS.parse(format)
    missing = [name for name in chosen.modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(
            f"An export as {format} needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed. In a checkout of fashion_zoo: "
            f'pip install ".[{chosen.extra}]".'
        )
    if folder.suffix == Path(chosen.file).suffix:
        raise ConfigError(
            f"An export is a folder, in which {chosen.file} will be; {folder} is named like a "
            "file. Choose another name."
        )
    chosen.check(folder)
    import keras

    if keras.backend.backend() not in chosen.backends:
        raise ExportError(
            f"An export as {format} needs the {' or '.join(chosen.backends)} backend, this is "
            f"{keras.backend.backend()}. Train with ",
            Hint("export", False),
            f", and export the run with KERAS_BACKEND={chosen.backends[0]}.",
        )


def _is_export(folder: Path) -> bool:
    return (folder / "parity.json").is_file() and any(
        (folder / WORDS.parse(word).file).is_file() for word in WORDS
    )


def in_float32(model: "keras.Model") -> "keras.Model":
    """Return an uncompiled float32 copy of a 16-bit model, or one without a config itself."""
    if compute_dtype(model) == "float32":
        return model
    try:
        config = _POLICY.sub(r"\1float32", json.dumps(model.get_config()))
        with precision.keras_defaults():
            copy = type(model).from_config(json.loads(config))
        for old, new in zip(model.weights, copy.weights, strict=True):
            new.assign(np.asarray(old.value).astype("float32"))
    except (NotImplementedError, TypeError, ValueError):  # of a class without a config
        return model
    return copy


def inverting(model: "keras.Model") -> "keras.Model":
    """Return a model of pixels in 0..255 that swaps light and dark first, with the same weights."""
    import keras

    with precision.keras_defaults():
        inputs = keras.Input(model.input_shape[1:], dtype="float32", name="as_they_are")
        swapped = keras.layers.Rescaling(-1.0, 255.0, dtype="float32", name="invert")(inputs)
        return keras.Model(inputs, model(swapped), name=f"{model.name}_of_inverted")


def compute_dtype(model: "keras.Model") -> str:
    """Return the 16-bit dtype that a layer computes in, or float32 if there is none."""
    dtypes = (layer.compute_dtype for layer in model._flatten_layers())
    return next((dtype for dtype in dtypes if dtype in _SPACING), "float32")


def prove(
    format: Format,
    folder: Path,
    model: "keras.Model",
    names: Sequence[str],
    images: np.ndarray,
    trained: "keras.Model | None" = None,
) -> dict[str, Any]:
    """Compare the export in a folder, loaded in a fresh process, with its float32 model.

    Return ``images``, ``largest_probability_difference``, ``same_class`` (a fraction) and
    ``tolerance``; for a ``trained`` model of 16 bits also ``trained``: its ``dtype`` and the same
    three numbers against it.
    """
    expected = probabilities(model, images)
    served = _serve_elsewhere(format, folder, images)
    index = served["class_index"]
    found = _agreement(served["probabilities"], index, expected, TOLERANCE)
    difference, same = found["largest_probability_difference"], found["same_class"]
    named = float((np.array(names)[index] == served["class_name"]).mean())
    if not difference <= TOLERANCE or min(same, named) < 1:
        raise ExportError(
            f"The export does not agree with its model: probabilities differ by up to "
            f"{difference:.3g} (tolerance {TOLERANCE:g}), {100 * same:.2f} % of the classes and "
            f"{100 * named:.2f} % of their names are the same. Nothing was written."
        )
    if trained is not None and trained is not model:
        found["trained"] = _compare(trained, images, expected)
    return {"images": len(images), **found}


def _agreement(
    found: np.ndarray, index: np.ndarray, expected: np.ndarray, tolerance: float
) -> dict[str, Any]:
    return {
        "largest_probability_difference": float(np.abs(found - expected).max()),
        "same_class": float((index == expected.argmax(axis=1)).mean()),
        "tolerance": tolerance,
    }


def _compare(trained: "keras.Model", images: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """Compare a trained model of 16 bits with the probabilities of its float32 form."""
    dtype = compute_dtype(trained)
    before, allowed = probabilities(trained, images), _ROUNDINGS * _SPACING[dtype]
    found = _agreement(before, before.argmax(axis=1), expected, allowed)
    if not (difference := found["largest_probability_difference"]) <= allowed:
        raise ExportError(
            f"The float32 form of the model does not agree with what was trained in {dtype}: "
            f"probabilities differ by up to {difference:.3g} (tolerance {allowed:.3g}). Nothing "
            "was written."
        )
    return {"dtype": dtype, **found}


def _serve_elsewhere(format: Format, folder: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Load the export in a process that imports neither keras nor this package."""
    script = Path(__file__).with_name("server.py")
    with tempfile.TemporaryDirectory() as exchange:
        inputs, outputs = Path(exchange, "images.npy"), Path(exchange, "outputs.npz")
        with storage.as_storage_error(inputs):
            np.save(inputs, images)
        # -P keeps this folder, and with it this package, off the path of the fresh process.
        program = (script, format.serve.__name__, folder, inputs, outputs)
        command = [sys.executable, "-P", *map(str, program)]
        source = inspect.getsource(format.serve)
        done = subprocess.run(command, input=source, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise ExportError(
                f"The export cannot be loaded in a fresh process: {done.stderr.strip()[-500:]}"
            )
        with np.load(outputs) as found:
            return dict(found)
