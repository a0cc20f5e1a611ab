"""Publish a run: a file of its weights, and the row of a manifest that binds it."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.config import RunConfig, digest
from fashion_zoo.config.overrides import differences
from fashion_zoo.data import Dataset, sources
from fashion_zoo.errors import Call, ConfigError, Hint, Message, WeightsError
from fashion_zoo.evaluation import evaluate_run, measure, measure_test
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import Recipe, recipe
from fashion_zoo.runs import Run, check_finished, check_trained, dataset_of, open_run
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import locks
from fashion_zoo.weights import file, manifest
from fashion_zoo.weights.manifest import Figures, Published
from fashion_zoo.weights.repeating import WORD, command_of
from fashion_zoo.weights.starting import Arrays, Start, arrays_of

_CHANGED = 2  # validation decisions that float16 may change
_AGREES = 0.99  # share of the decisions of the run's own model, which may compute in 16 bits


@checked
@releasing()
def publish(
    run: AnyPath,
    *,
    name: str | None = None,
    to: Place | None = None,
    force: bool = False,
    progress: Progress = "auto",
) -> Published:
    """Publish the weights of a run: write their file, and the row of the manifest.

    The weights are stored in float16, or in float32 if that would change more than 2 of the
    decisions on the validation images. The row has what the weights as they are stored reach on the
    validation and the test images. The run is evaluated if it was not. The word of the weights is
    the source of the images, and with a name ``SOURCE.NAME``.

    Args:
        run: a finished run of a recipe with its defaults and any seed; with a name, of its model
            and any other settings, such as a teacher, which must be where it was.
        name: what distinguishes the weights from those of the defaults, such as ``"distilled"``.
        to: the folder of files and manifest, by default that of this package.
        force: replace other weights of the same recipe and word.
        progress: show progress on a terminal: True, False, or "auto".

    Returns:
        The row.

    Raises:
        RunError: if the run or its teacher cannot be read, is not finished, began as a fork, or was
            trained with callbacks of its own; with a name, also with files of this machine.
        ConfigError: if it was trained with other settings than the defaults of its recipe, with a
            name of its model, the name is no identifier or the word of a source, or there are
            other weights of this word.
        WeightsError: if the manifest is damaged, or the weights cannot be restored.
        StorageError: if the folder cannot be written.
    """
    opened = open_run(run)
    entry, folder = recipe(opened.recipe), Path(to or manifest.FOLDER)
    _check(opened, entry, name)
    known = _known(opened, entry, name)
    _rows(folder)  # before what takes longer
    with waiting("Measuring the weights as they are stored", progress):
        if opened.result("evaluation") is None:
            evaluate_run(opened)
        row, data = _published(opened, entry, known)
    with storage.as_storage_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locks.lock(folder):
        rows = _rows(folder)
        same = [one for one in rows if (one.recipe, one.weights) == (row.recipe, row.weights)]
        if not force and same not in ([], [row]):
            raise ConfigError(
                f"{folder} has other weights {row.weights} of {row.recipe}. Replace them with ",
                Hint("force", True),
                ", give these a name with ",
                Hint("name"),
                ", or another folder with ",
                Hint("to"),
                ".",
            )
        others = [one for one in rows if one not in same]
        storage.write_bytes(folder / row.file, data)
        manifest.write_manifest(folder, [*others, row])
        for name in {one.file for one in same} - {one.file for one in [*others, row]}:
            with storage.as_storage_error(folder):
                storage.remove(folder / name)
    return row


def _rows(folder: Path) -> list[Published]:
    return manifest.read_manifest(folder) if (folder / manifest.FILE).exists() else []


def _check(run: Run, entry: Recipe, name: str | None) -> None:
    """Check that a run may be published, under a name if there is one."""
    if name is not None and (not name.isidentifier() or name in sources.WORDS):
        raise ConfigError(
            "The name of weights is an identifier, such as 'distilled', and no source of images, "
            f"received {name!r}."
        )
    check_trained(run)
    check_finished(run)
    model = differences(entry.config.model, run.config.model, "model")
    usual = _usual(run, entry)
    if changed := model or ([] if name else differences(entry.config, usual)):
        tests = usual == dataclasses.replace(entry.config, precision=usual.precision)
        why = "; a run of verify has the precision of the row that it tests" if tests else ""
        instead = Message(", or these weights under a name of their own, with ", Hint("name"))
        if model:
            instead = Message(", or with other settings than those of the model" if name else "")
        raise ConfigError(
            f"{run.path} was trained with other settings than the defaults of {entry.name} "
            f"({changed[0]}{why}). Publish a run with the defaults and any seed: ",
            Call("train", (entry.name,)),
            instead,
            ".",
        )
    if not WORD.fullmatch(run.config.data.source):
        raise ConfigError(
            f"{run.path} was trained on {run.config.data.source!r}, which cannot be the word of "
            "weights. Publish a run on a source that has a word without arguments."
        )


def _usual(run: Run, entry: Recipe) -> RunConfig:
    """Return the config of a run with the seed of its recipe: any may be published."""
    return dataclasses.replace(run.config, seed=entry.config.seed)


def _known(run: Run, entry: Recipe, name: str | None) -> dict[str, Any]:
    """Return the fields of the row that are known before the weights are read."""
    source = run.config.data.source
    return {
        "recipe": entry.name,
        "weights": f"{source}.{name}" if name else source,
        "config": digest.of(_usual(run, entry)),
        "defaults": digest.of(entry.config),
        "seed": run.config.seed,
        "command": command_of(run),
    }


def _published(run: Run, entry: Recipe, known: Mapping[str, Any]) -> tuple[Published, bytes]:
    """Return the row of the weights of a run, and the bytes of their file."""
    data, own = dataset_of(run), run.load_model()
    trained = arrays_of(own)
    for path, one in trained.items():
        if one.dtype != "float32" or not np.isfinite(one).all():
            raise WeightsError(
                f"{run.model_file} cannot be published: {path} must be finite numbers of float32, "
                f"and is {one.dtype}."
            )
    model, config, images = _built(entry), entry.config.model, data.validation.images

    def decisions(arrays: Arrays) -> np.ndarray:
        read = {path: value.astype(np.float32) for path, value in arrays.items()}
        Start(str(run.path), config, lambda: read).restore(model, config)
        return logits_of(model, images).argmax(axis=1)

    try:
        whole = decisions(trained)
        agrees = np.mean(whole == logits_of(own, images).argmax(axis=1)) >= _AGREES
    except WeightsError:
        agrees = False
    if not agrees:
        raise WeightsError(
            f"The weights of {run.path} cannot be restored: {entry.name} has a layer with other "
            "weights in model.keras. Give that layer a method unfolded()."
        )
    stored = _in_half(trained)
    if stored is None or np.count_nonzero(decisions(stored) != whole) > _CHANGED:
        decisions(stored := trained)
    return _row(run, known, data, model, stored)


def _built(entry: Recipe) -> Any:
    """Return the model of a recipe, computing in float32."""
    from fashion_zoo.training.fit import build_model
    from fashion_zoo.training.plan import plan

    config = dataclasses.replace(entry.config, precision="float32")
    return build_model(entry, config.model, plan(config))


def _in_half(arrays: Arrays) -> Arrays | None:
    """Return weights in float16, None if one of them is too large for it."""
    with np.errstate(over="ignore"):
        found = {path: value.astype(np.float16) for path, value in arrays.items()}
    return found if all(np.isfinite(value).all() for value in found.values()) else None


def _row(
    run: Run, known: Mapping[str, Any], data: Dataset, model: Any, stored: Arrays
) -> tuple[Published, bytes]:
    """Return the row of weights, which the model has, and the bytes of their file."""
    (dtype,) = {str(value.dtype) for value in stored.values()}
    bound = file.encode(stored, {name: known[name] for name in file.ABOUT})
    sha256 = hashlib.sha256(bound).hexdigest()
    images, labels = data.validation
    row = Published(
        **known,
        file=f"{run.recipe}-{sha256[:8]}.safetensors",
        size=len(bound),
        sha256=sha256,
        dtype=dtype,
        data=data.digest,
        test_data=data.test_digest,
        validation=_figures(measure(logits_of(model, images), labels, data.class_names)),
        test=_figures(measure_test(model, data)),
        versions=_each(run, _versions),
        commit=_each(run, lambda place: place.get("commit") or ""),
    )
    return row.signed(), bound


def _versions(place: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {one}" for name, one in (place.get("versions") or {}).items())


def _each(run: Run, say: Callable[[Mapping[str, Any]], str]) -> str:
    """Return what is said of the environment of a run; of several each, if they differ in it."""
    said = dict.fromkeys(map(say, run.environments))
    return " then ".join(one or "unknown" for one in said) if len(said) > 1 else "".join(said)


def _figures(found: dict[str, Any]) -> Figures:
    right = round(found["accuracy"]["value"] * found["images"])
    return Figures(right, found["images"], found["nll"])
