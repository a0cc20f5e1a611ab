"""The audit of a source: look, train, suspect, and write the folder."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo import registry, storage
from fashion_zoo.auditing import page
from fashion_zoo.auditing.collection import PARTS, Collection, gather
from fashion_zoo.auditing.facts import facts
from fashion_zoo.auditing.findings import (
    Audit,
    Finding,
    Found,
    as_audit,
    is_audit,
    write_lists,
)
from fashion_zoo.auditing.labels import folds_of, suspects
from fashion_zoo.auditing.looking import look
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, load_for
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.evaluation.suspects import AUDIT
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.progress import TrainingDisplay, sweeping
from fashion_zoo.show.waiting import Progress, waiting

RECIPE = "bn_mlp.quick"


def default_config() -> RunConfig:
    """Return the config of the models that tell likely label errors.

    It is that of bn_mlp.quick without label smoothing, which would make all wrong classes of an
    image about equally likely.
    """
    return override(registry.recipe(RECIPE).config, {"training": {"label_smoothing": 0.0}})


@checked
@releasing()
def audit(
    data: Any = None,
    *,
    to: Place = "audit",
    data_settings: Mapping[str, Any] | None = None,
    config: RunConfig | None = None,
    folds: int = 5,
    force: bool = False,
    show: Callable[[Audit], None] | None = None,
    progress: Progress = "auto",
    **overrides: Any,
) -> Audit:
    """Look for faults in a source of images, and write what was found into a folder.

    Found are blank images, equal and nearly equal ones, inverted ones, outliers, and labels that
    are probably wrong. All images of the source are audited, also those that a split leaves out,
    but not those that ``data.exclude`` names. Test images are never trained on.

    Args:
        data: the images, by default Fashion-MNIST; see ``fashion_zoo.data.load``.
        to: the folder. It has audit.json, audit.html, scores.csv, and for each kind of finding a
            list of positions, such as label_errors.txt, that ``data.exclude`` takes, and
            test_label_errors.txt, that ``fashion_zoo.evaluate`` takes as ``suspects``.
        data_settings: settings of arrays.
        config: the config of the models that tell label errors, by default ``bn_mlp.quick``
            without label smoothing; see ``fashion_zoo.auditing.default_config``.
        folds: number of such models, each trained without one fold of the images; at least 2, or 0
            to leave label errors out and train nothing.
        force: replace an older audit there.
        show: called with the result before anything is written.
        progress: show progress: True, False, or "auto" on a terminal and in a notebook.
        **overrides: fields of the config, such as ``seed=3`` or ``training={"epochs": 5}``.

    Returns:
        The content of audit.json.

    Raises:
        ConfigError: if a setting is not allowed, or a class has fewer images than there are folds.
        DataError: if the images cannot be read.
        RunError: if something is there already.
        StorageError: if the folder cannot be written.

    Example:
        ```python
        found = fashion_zoo.audit("digits", to="audits/digits")
        found["lists"]["label_errors"]["train"]
        ```
    """
    place = _checked_place(Path(to), folds, force)
    entry = registry.recipe(RECIPE)
    chosen = override(config or default_config(), overrides)
    chosen, dataset = load_for(
        chosen, entry.config.model, data, data_settings, overrides, batches=False
    )
    _check_whole(dataset)
    _check_unseen(chosen)
    with waiting("Reading the images", progress):
        images = gather(dataset)
        fold_of = folds_of(images, folds) if folds else None
    began = time.perf_counter()
    with sweeping(len(images), progress) as advance:
        found = look(images, advance)
    looked, likely = time.perf_counter(), None
    if fold_of is not None:
        from fashion_zoo.auditing.folds import out_of_fold  # it loads Keras

        display = TrainingDisplay(progress)
        likely = out_of_fold(entry, chosen, dataset, images, fold_of, display)
    found["label_errors"] = [] if likely is None else label_errors(images, likely)
    seconds = {"images": looked - began, "labels": time.perf_counter() - looked}
    known = {
        "source": dataset.origin.title,
        "test_digest": dataset.test_digest,
        **facts(images),
        "settings": {"recipe": RECIPE, "folds": folds, "config": dataclasses.asdict(chosen)},
        "seconds": {name: round(one, 1) for name, one in seconds.items()},
    }
    result = as_audit(images, found, known)
    if show:
        show(result)
    with waiting("Writing the audit", progress), storage.atomic_folder(place, replace=force) as new:
        _write(new, result, images, found, likely)
    return result


def _checked_place(place: Path, folds: int, force: bool) -> Path:
    storage.check_free(place, "an audit", is_audit, force=force)
    checks.whole("folds", folds, 0)
    if folds == 1:
        raise ConfigError("folds must be at least 2, or 0 to train nothing, received 1.")
    return place


def _check_whole(dataset: Dataset) -> None:
    """Refuse settings that would hide images from the audit."""
    for name in ("limit", "long_tail"):
        if getattr(dataset.origin, name) is not None:
            raise ConfigError(
                "An audit looks at all images of a source. Leave out ", Hint(f"data.{name}"), "."
            )


def _check_unseen(config: RunConfig) -> None:
    """Refuse settings by which the labels of a fold would shape the model that has not seen it."""
    training = config.training
    if training.distillation.enabled:
        raise ConfigError(
            "The models of an audit must not learn from the images of their fold, which the "
            f"teacher {training.distillation.teacher} may have seen. Leave out ",
            Hint("training.distillation.teacher"),
            ".",
        )
    watching = (
        (training.early_stopping.monitor, Hint("training.early_stopping.monitor", "none")),
        (training.plateau.monitor, Hint("training.plateau.monitor", "none")),
        (training.averaging, Hint("training.averaging", "none")),
    )
    for word, hint in watching:
        if word != "none":
            raise ConfigError(
                "The models of an audit must not learn from the images of their fold, which are "
                f"their validation images; received {hint.setting} {word!r}. Set ",
                hint,
                ".",
            )


def label_errors(images: Collection, likely: np.ndarray) -> list[Finding]:
    """Return likely label errors of (n, classes) probabilities, the clearest first."""
    shown = np.flatnonzero(images.learned | images.tested)
    labels, likely = images.labels[shown], likely[shown]
    found = []
    for place in suspects(labels, likely, images.learned[shown]).tolist():
        one, guess = int(shown[place]), int(likely[place].argmax())
        quality, probability = (float(likely[place, of]) for of in (labels[place], guess))
        facts = {
            "suggested": images.class_names[guess],
            "self_confidence": float(f"{quality:.3g}"),
            "probability": round(probability, 4),
        }
        text = f"rather {images.class_names[guess]} ({probability:.3f})"
        found.append(Finding((one,), frozenset({one}), facts, text))
    return found


def _scores(images: Collection, likely: np.ndarray | None) -> list[dict[str, Any]]:
    """Return a row for each image with its self-confidence and the likeliest class."""
    rows = []
    for one in range(len(images)):
        row = {"part": PARTS[images.parts[one]], "position": int(images.positions[one])}
        row["label"] = images.class_names[images.labels[one]]
        if likely is not None:
            row["self_confidence"] = f"{likely[one, images.labels[one]]:.4g}"
            row["likeliest"] = images.class_names[int(likely[one].argmax())]
        rows.append(row)
    return rows


def _write(
    folder: Path, result: Audit, images: Collection, found: Found, likely: np.ndarray | None
) -> None:
    write_lists(folder, result["source"], images, found)
    storage.write_table(folder / "scores.csv", _scores(images, likely))
    page.write(folder, result, images, found)
    storage.write_json(folder / AUDIT, result)
