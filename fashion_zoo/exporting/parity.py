"""The proof that an export agrees with the model it came from; it knows no format."""

import inspect
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.errors import ExportError
from fashion_zoo.evaluation.predict import probabilities
from fashion_zoo.exporting.float32 import compute_dtype, tolerance
from fashion_zoo.exporting.format import Format

if TYPE_CHECKING:
    import keras

TOLERANCE = 1e-5  # of a probability; float32 softmax rounds at about 1e-7


def prove(
    format: Format,
    folder: Path,
    model: "keras.Model",
    names: Sequence[str],
    images: np.ndarray,
    *,
    trained: "keras.Model | None" = None,
) -> dict[str, Any]:
    """Compare an export, loaded in a fresh process, with its model.

    Args:
        format: of the export.
        folder: the export.
        model: what was exported.
        names: of its classes.
        images: (n, height, width) uint8, what they are compared on.
        trained: what the model is the float32 form of; by default it is what was trained.

    Returns:
        ``images``, ``largest_probability_difference``, ``same_class`` (a fraction) and
        ``tolerance``; and, where the training computed in 16 bits, ``trained``: its ``dtype``, and
        the same three numbers against what was trained.

    Raises:
        ExportError: a class differs, a name is not that of its class, or a probability is over
            its tolerance.
    """
    expected = probabilities(model, images)
    served = _serve_elsewhere(format, folder, images)
    difference = float(np.abs(served["probabilities"] - expected).max())
    same = float((served["class_index"] == expected.argmax(axis=1)).mean())
    named = float((np.array(names)[served["class_index"]] == served["class_name"]).mean())
    found: dict[str, Any] = {
        "images": len(images),
        "largest_probability_difference": difference,
        "same_class": same,
        "tolerance": TOLERANCE,
    }
    if not difference <= TOLERANCE or min(same, named) < 1:
        raise ExportError(
            f"The export does not agree with its model: probabilities differ by up to "
            f"{difference:.3g} (tolerance {TOLERANCE:g}), {100 * same:.2f} % of the classes and "
            f"{100 * named:.2f} % of their names are the same. Nothing was written."
        )
    if trained is not None and trained is not model:
        found["trained"] = _compare(trained, images, expected)
    return found


def _compare(trained: "keras.Model", images: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """Compare what was trained in 16 bits with its float32 form."""
    dtype = compute_dtype(trained)
    before = probabilities(trained, images)
    difference, allowed = float(np.abs(before - expected).max()), tolerance(dtype)
    if not difference <= allowed:
        raise ExportError(
            f"The float32 form of the model does not agree with what was trained in {dtype}: "
            f"probabilities differ by up to {difference:.3g} (tolerance {allowed:.3g}). Nothing "
            "was written."
        )
    same = float((before.argmax(axis=1) == expected.argmax(axis=1)).mean())
    return {
        "dtype": dtype,
        "largest_probability_difference": difference,
        "same_class": same,
        "tolerance": allowed,
    }


def _serve_elsewhere(format: Format, folder: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """Load the export in a process that imports neither keras nor this package."""
    script = Path(__file__).with_name("server.py")
    with tempfile.TemporaryDirectory() as exchange:
        asked, answered = Path(exchange, "images.npy"), Path(exchange, "outputs.npz")
        with storage.as_storage_error(asked):
            np.save(asked, images)
        # -P keeps this folder, and with it this package, off the path of the fresh process.
        program = (script, format.serve.__name__, folder, asked, answered)
        command = [sys.executable, "-P", *map(str, program)]
        source = inspect.getsource(format.serve)
        done = subprocess.run(command, input=source, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise ExportError(
                f"The export cannot be loaded in a fresh process: {done.stderr.strip()[-500:]}"
            )
        with np.load(answered) as outputs:
            return dict(outputs)
