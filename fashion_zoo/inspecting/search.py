"""The inspection of a run or a model: measure each layer, find faults, and write the folder."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.data import Dataset, Images, load, reshape, stratified
from fashion_zoo.errors import ConfigError, Hint, RunError
from fashion_zoo.evaluation.predict import run_or_model
from fashion_zoo.inspecting import page
from fashion_zoo.inspecting.findings import (
    FILE,
    FOLDER,
    FORMAT,
    Inspection,
    findings,
    is_inspection,
    merged,
)
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import Run, dataset_of, open_run
from fashion_zoo.runs.model_file import read_model
from fashion_zoo.seeds import derive
from fashion_zoo.show.waiting import Progress, paused, waiting

if TYPE_CHECKING:
    from fashion_zoo.inspecting.moments import Moment

BATCH = 256  # images, of which the gradients and the update are


@checked
@releasing()
def inspect(
    run: Any,
    *,
    to: Place | None = None,
    data: Any = None,
    images: int = 1024,
    scale: float = 1.0,
    force: bool = False,
    show: Callable[[Inspection], None] | None = None,
    progress: Progress = "auto",
) -> Inspection:
    """Look into the layers of a run or a model, and write what was found into a folder.

    Measured are, for each layer, the distribution of its outputs and their gradients, dead and
    saturated units, the update that the optimizer makes next, batch-norm statistics against those
    of the data, and effective ranks. Of a run the untrained model, each checkpoint that is kept and
    the trained model are inspected. Only training images are used.

    Args:
        run: a run: its folder, or a result of ``open_run`` or ``train``; the file of a Keras model;
            or a functional or sequential model, which stays as it is. A model takes (batch,
            *shape) pixels and returns (batch, classes) logits or probabilities.
        to: the folder, by default ``inspection`` in the run, else ``inspection``. It has
            inspection.json, inspection.html and its pictures.
        data: the images of a model, by default Fashion-MNIST; of a run that was trained on arrays
            the same arrays again. See ``fashion_zoo.data.load``.
        images: number of training images to use, as many of each class, rounded down to whole
            batches of 256.
        scale: factor of the pixels, such as 1 / 255 for a model that takes 0..1; a run has its own.
        force: replace an older inspection there.
        show: called with the result before anything is written.
        progress: show progress on a terminal: True, False, or "auto".

    Returns:
        The content of inspection.json.

    Raises:
        ConfigError: if it is something else, a model of other images or classes, or one whose
            layers are not known.
        DataError: if the images cannot be read, or a run was trained on others.
        RunError: if a run or a model file cannot be read, or something is there already.
        StorageError: if the folder cannot be written.

    Example:
        ```python
        found = fashion_zoo.inspect("runs/mine")
        found["findings"]
        ```
    """
    checks.whole("images", images, 1)
    checks.number("scale", scale, "a number above 0", lambda value: value > 0)
    kept = _run_of(run)
    if kept and scale != 1:
        raise ConfigError(
            f"A run is inspected with the pixels it was trained on; received scale={scale:g}. "
            "Leave out ",
            Hint("scale"),
            ".",
        )
    default = kept.path / FOLDER if kept else storage.absolute(FOLDER)
    place = Path(to) if to is not None else default
    storage.check_free(place, "an inspection", is_inspection, force=force)
    with waiting("Inspecting", progress):
        dataset = dataset_of(kept, data) if kept else load(data)
        several = _moments(kept or _model_of(run), dataset)
        known = {
            "format": FORMAT,
            "model": kept.caption if kept else _name_of(run),
            "source": dataset.origin.title,
        }
        found = _measured(several, _sample(dataset, images), scale, known)
        if show:
            with paused("Writing the inspection"):
                show(found)
        with storage.atomic_folder(place, replace=force) as folder:
            page.write(folder, found)
            storage.write_json(folder / FILE, found)
    return found


def _run_of(value: Any) -> Run | None:
    """Return the run that is meant, None if it is a model or the file of one."""
    is_path = isinstance(value, str | os.PathLike)
    return open_run(value) if is_path and not Path(value).is_file() else None


def _model_of(value: Any) -> Any:
    """Return the model that is meant, loaded if it is a file."""
    if not isinstance(value, str | os.PathLike):
        return value
    try:
        with warnings.catch_warnings():  # such as of an optimizer without its variables
            warnings.simplefilter("ignore")
            return read_model(Path(value))
    except Exception as error:  # Keras has many ways to fail
        raise RunError(f"{value} cannot be loaded as a Keras model: {error}") from error


def _name_of(value: Any) -> str:
    is_path = isinstance(value, str | os.PathLike)
    return Path(value).name if is_path else str(getattr(value, "name", value))


def _moments(subject: Any, dataset: Dataset) -> "Iterator[Moment]":
    from fashion_zoo.inspecting.moments import Moment, moments

    if isinstance(subject, Run):
        yield from moments(subject, dataset)
    else:
        model, _ = run_or_model("inspect", ", or the file of a model", subject, dataset)
        yield Moment("the model", model)


def _sample(dataset: Dataset, count: int) -> Images:
    """Return training images of all classes, mixed, a whole number of batches."""
    chosen = stratified(dataset.train.labels, count)
    chosen = np.random.default_rng(derive(0, "inspection")).permutation(chosen)
    batch = min(BATCH, len(chosen))
    chosen = chosen[: len(chosen) // batch * batch]
    return Images(dataset.train.images[chosen], dataset.train.labels[chosen].astype("int32"))


def _measured(
    several: "Iterator[Moment]", sample: Images, scale: float, known: dict[str, Any]
) -> Inspection:
    """Return what is found in a model at some epochs of its training."""
    from fashion_zoo.inspecting.measuring import learning_rate, measure
    from fashion_zoo.inspecting.probing import Probe

    epochs, faults, probe = [], {}, None
    pixels = sample.images.astype("float32") * np.float32(scale)
    for name, model, trained in several:
        if probe is None or probe.model is not model:
            probe = Probe(model, min(BATCH, len(pixels)))
        shaped = Images(reshape(pixels, model.input_shape[1:]), sample.labels)
        layers = measure(probe, shaped)
        epochs.append({"epoch": name, "learning_rate": learning_rate(model), "layers": layers})
        faults[name] = findings(layers, trained=trained)
    more = {"images": len(pixels), "batch": min(BATCH, len(pixels))}
    return Inspection({**known, **more, "epochs": epochs, "findings": merged(faults)})
