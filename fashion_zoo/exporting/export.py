"""Export the model of a run into a folder, which appears once the proof holds."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Description
from fashion_zoo.errors import ConfigError, ExportError, FashionZooError, Hint
from fashion_zoo.exporting.formats import WORDS, Format
from fashion_zoo.exporting.parity import in_float32, prove
from fashion_zoo.runs import Run, dataset_of
from fashion_zoo.storage import absolute

_NOISE = 1000  # images


def export_run(
    run: Run,
    folder: str | Path,
    format: str = "saved_model",
    *,
    force: bool = False,
    data: Any = None,
) -> dict[str, Any]:
    """Export a run's model, and prove that the export agrees with the model.

    The export takes raw (batch, height, width) uint8 images and returns ``probabilities`` (batch,
    classes) float32, ``class_index`` (batch,) and ``class_name``. It computes in float32 with the
    same weights, since few programs that read these formats know 16 bits. ``data`` are the images
    of the run if they were arrays; without them the proof is made on noise.

    Return the content of ``parity.json`` in the folder: ``format``, ``proved_on``, and the numbers
    of ``prove``. Errors are those of ``fashion_zoo.export``.
    """
    folder, chosen = absolute(folder), WORDS.parse(format)
    storage.check_free(folder, "an export", _is_export, force=force)
    run.check_model()
    check_exportable(folder, format)
    trained = run.load_model()
    model, (images, proved_on) = in_float32(trained), _images(run, data)
    with storage.atomic_folder(folder, replace=force) as temporary:
        _write(chosen, format, model, run.data, temporary)
        found = prove(chosen, temporary, model, run.data.class_names, images, trained=trained)
        parity = {"format": format, "proved_on": proved_on, **found}
        storage.write_json(temporary / "parity.json", parity)
    return parity


def _images(run: Run, data: Any) -> tuple[np.ndarray, str]:
    """Return the images of the proof, and a name for them."""
    if data is None and run.data.test_digest:  # arrays, which cannot be read again
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
            f"{'is' if len(missing) == 1 else 'are'} not installed. Install them, in a "
            f'checkout of fashion_zoo: pip install ".[{chosen.extra}]".'
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


def _write(chosen: Format, format: str, model, data: Description, folder: Path) -> None:
    try:
        chosen.write(model, data.class_names, data.image_shape, folder)
    except (OSError, FashionZooError):
        raise
    except Exception as error:  # of a converter that does not know a layer
        raise ExportError(f"The model cannot be written as {format}: {error}") from error


def _is_export(folder: Path) -> bool:
    return (folder / "parity.json").is_file() and any(
        (folder / WORDS.parse(word).file).is_file() for word in WORDS
    )
