"""The float32 form of a model, and the proof that an export agrees with it, in any format.

An export is float32: TFLite lacks most operations of 16-bit layers, and no runtime computes their
form in ONNX.
"""

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
from fashion_zoo.errors import ExportError
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.exporting.formats import Format
from fashion_zoo.machine import precision
from fashion_zoo.runs.results import RESULTS, Result

if TYPE_CHECKING:
    import keras

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


def in_float32(model: "keras.Model") -> "keras.Model":
    """Return an uncompiled float32 copy of a model of 16 bits.

    A float32 model, and one that has no config, such as a subclassed one, is returned itself.
    """
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
    ``tolerance``; for a ``trained`` model of 16 bits also ``trained``: its ``dtype``, and the same
    three numbers against that model. If they do not agree, raise ExportError.
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
