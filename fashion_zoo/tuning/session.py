"""A search from start to end: study, trials, retraining of the best, and report."""

import contextlib
import dataclasses
import hashlib
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import keras_tuner
import optuna

from fashion_zoo import storage
from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.config import Objective, RunConfig, SearchConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import Hint, Message, advice
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.machine import environment
from fashion_zoo.registry import Recipe
from fashion_zoo.show import pages, streams
from fashion_zoo.show.trials import Counts, SearchDisplay, running_trial, title, verdict
from fashion_zoo.spaces import TrainingSpace, ranges
from fashion_zoo.tuning.candidates import stored_rows, train_again
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.plans import count
from fashion_zoo.tuning.report import facts, report_page, titled
from fashion_zoo.tuning.storages import study_folder
from fashion_zoo.tuning.study import Study
from fashion_zoo.tuning.tuner import StudyTuner

OBJECTIVE = "val_accuracy"  # of a search without another
_VERSIONS = ("keras", "keras-tuner", "optuna", "fashion_zoo")
_PROMISE = (
    "Stopping after this step; the next call runs this trial again. Press Ctrl-C again to leave at "
    "once."
)


class Tuned(NamedTuple):
    """Result of ``tune``."""

    folder: Path
    """The study folder."""
    counts: Counts
    """Number of trials of each status."""
    candidates: list[dict[str, Any]]
    """``report.json``: the best trials and the defaults, retrained, the best mean first."""
    best: Path | None
    """``best.json``, a config for ``recipes.train``; None if nothing was retrained."""
    seconds: float
    """Seconds that the trials of this call took."""
    overhead: float
    """Seconds of them spent on suggesting, reporting and storing."""
    objective: Objective = "accuracy"
    """The metric of the validation images that the trials maximized."""

    @property
    def verdict(self) -> str:
        """Sentence whether the best trial beats the defaults; empty if none was retrained."""
        return verdict(self.candidates) if self.candidates else ""

    def __repr__(self) -> str:
        counts = self.counts
        return pages.lines(
            f"{self.folder}: {counts.done} done, {counts.pruned} pruned, {counts.failed} failed, "
            f"of {counted(counts.planned, 'trial')}",
            f"best {title(self.candidates[0])}: {titled(self.objective)} "
            f"{percent(self.candidates[0]['mean'])} with fresh seeds"
            if self.candidates
            else "",
            f"its config: {self.best}" if self.best else "nothing was trained again",
        )

    def _repr_html_(self) -> str:
        rows = [
            [title(row), percent(row["score"]), percent(row["mean"])] for row in self.candidates
        ]
        table = pages.table(["", "score in the search", "mean with fresh seeds"], rows)
        return pages.cell(repr(self), table if rows else "")


def tune(
    entry: Recipe,
    base: RunConfig,
    space: TrainingSpace,
    search: SearchConfig,
    folder: Path,
    url: str,
    study_name: str,
    *,
    data: Dataset,
    progress: bool = False,
    command: str | None = None,
) -> Tuned:
    """Run the trials that are left, retrain the best ones, and write the report.

    Errors are those of ``zoo.tune``; ConfigError, too, if the space augments images and the backend
    has no tensorflow.
    """
    if search.objective != "accuracy":
        watched = dict.fromkeys((*base.training.metrics, search.objective))
        base = override(base, {"training": {"metrics": tuple(watched)}})
    model = RecipeHyperModel(entry, base, space, data, search.executions, search.folds)
    _check_backend(model)
    be_quiet()
    with study_folder(folder):
        study = Study(
            url,
            study_name,
            fingerprint=fingerprint(model, search),
            directions=("maximize", *["minimize" for _ in search.minimize]),
            trials=search.trials,
            lease=search.lease,
        )
    with contextlib.closing(study):
        study.backend.set_study_user_attr(study.id, "search", dataclasses.asdict(search))
        spent = _run_trials(model, study, search, progress)
        rows = train_again(model, study, search, folder, progress)
        plans = study.plans()
        if plans:
            settings = facts(model, study, search, command=command)
            # Without candidates here, those of another worker or an earlier call stay.
            shown = rows or stored_rows(folder)
            page = report_page(study, plans, shown, search.minimize, settings, search.objective)
            storage.write_text(folder / "report.html", page)
        counts = count(plans, study.trials)
    best = folder / "best.json" if rows else None
    return Tuned(folder, counts, rows, best, *spent, search.objective)


def fingerprint(model: RecipeHyperModel, search: SearchConfig) -> dict[str, Any]:
    """Return the identity of a search, for ``Study``: recipe, config, space, data and versions."""
    digest = hashlib.sha256()
    for part in (model.dataset.train, model.dataset.validation):
        digest.update(part.images.tobytes())
        digest.update(part.labels.tobytes())
    return {
        "recipe": model.entry.name,
        "config": model.base,
        "space": model.space,
        "data": digest.hexdigest()[:16],
        "objective": [f"val_{search.objective}", *search.minimize],
        "executions": model.executions,
        "folds": model.folds,
        "versions": {name: environment.version_of(name) for name in _VERSIONS},
    }


def _check_backend(model: RecipeHyperModel) -> None:
    """Check that tensorflow is there if the space augments images."""
    space = model.space
    if {*ranges.values(space.augmentation), *ranges.values(space.mixing)} != {"none"}:
        without = Hint("space", {"augmentation": "'none'", "mixing": "'none'"})
        with advice(lambda _: Message("Search without it: ", without, ".")):
            need_tensorflow()


def be_quiet() -> None:
    """Turn off Optuna's log line about each study and trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _run_trials(
    model: RecipeHyperModel, study: Study, search: SearchConfig, progress: bool
) -> tuple[float, float]:
    """Run trials until none is left or the budget is spent; return seconds and overhead."""
    oracle = StudyOracle(
        study,
        [
            keras_tuner.Objective(f"val_{search.objective}", "max"),
            *(keras_tuner.Objective(name, "min") for name in search.minimize),
        ],
        sampler=search.sampler,
        pruner=search.chosen_pruner,
        epochs=model.base.training.epochs,
        seed=model.base.seed,
        seconds=search.seconds,
        patience=search.patience,
        # The space was checked, so a trial fails because its hyperparameters are bad.
        max_consecutive_failed_trials=None,
    )
    start, display = time.perf_counter(), SearchDisplay(progress)
    model.display = running_trial(display)
    say = display.say if display.enabled else streams.say  # Ctrl-C always prints a line
    with (
        advice(lambda _: "No trial is lost. Run the same search again to resume it."),
        tempfile.TemporaryDirectory() as folder,
        StopOnInterrupt(_PROMISE, say) as stop,
        display,
    ):
        oracle.idle = stop.check  # waiting for other workers may take hours
        tuner = StudyTuner(oracle, model, folder)
        tuner.display = display
        try:
            tuner.search(callbacks=[stop])
            stop.check()  # Ctrl-C may have come in the last step
        finally:
            oracle.return_trials()
    return time.perf_counter() - start, oracle.spent
