"""A whole search: the study, its trials, the best of them trained again, and the report."""

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fashion_zoo import runs, storage
from fashion_zoo.config import RunConfig, SearchConfig
from fashion_zoo.data import Dataset
from fashion_zoo.errors import RunLockedError, advice
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.registry import Recipe
from fashion_zoo.show import cells, pages
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.streams import say
from fashion_zoo.show.trials import Counts, SearchDisplay, verdict
from fashion_zoo.spaces import TrainingSpace
from fashion_zoo.storage import locks
from fashion_zoo.tuning import search
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.report import facts, report_page
from fashion_zoo.tuning.storages import study_folder
from fashion_zoo.tuning.study import Study


class Tuned(NamedTuple):
    """What ``tune`` returns."""

    folder: Path
    """The study folder."""
    counts: Counts
    """How many trials there are of each kind."""
    candidates: list[dict[str, Any]]
    """``report.json``: the best trials and the defaults, trained again, the best mean first."""
    best: Path | None
    """``best.json``, which ``recipes.train`` takes; None where nothing was trained again."""
    seconds: float
    """What this call's trials took."""
    overhead: float
    """Seconds of them that suggesting, reporting and storing took."""

    @property
    def verdict(self) -> str:
        """Whether something better than the defaults was found; empty where nothing was."""
        return verdict(self.candidates) if self.candidates else ""

    def __repr__(self) -> str:
        counts = self.counts
        return cells.lines(
            f"{self.folder}: {counts.done} done, {counts.pruned} pruned, {counts.failed} failed, "
            f"of {counted(counts.planned, 'trial')}",
            f"best {_name(self.candidates[0])}: validation accuracy "
            f"{percent(self.candidates[0]['mean'])} with fresh seeds"
            if self.candidates
            else "",
            f"its config: {self.best}" if self.best else "nothing was trained again",
        )

    def _repr_html_(self) -> str:
        rows = [
            [_name(row), percent(row["score"]), percent(row["mean"])] for row in self.candidates
        ]
        table = pages.table(["", "score in the search", "mean with fresh seeds"], rows)
        return cells.page(repr(self), table if rows else "")


def _name(row: Mapping[str, Any]) -> str:
    return "defaults" if row["defaults"] else f"trial {row['trial']}"


def tune(
    entry: Recipe,
    base: RunConfig,
    space: TrainingSpace,
    asked: SearchConfig,
    folder: Path,
    url: str,
    study_name: str,
    *,
    data: Dataset | None = None,
    progress: bool = False,
    command: str | None = None,
) -> Tuned:
    """Search until nothing is left, train the best again, and write the report.

    Args:
        entry: the recipe.
        base: what the search starts from.
        space: what may change.
        asked: how to go about it.
        folder: the study folder.
        url: of the storage.
        study_name: of the study in it.
        data: the images; by default those of the config.
        progress: whether it is shown.
        command: what began the search, for the report.

    Raises:
        ConfigError: the backend cannot train what the space asks for.
        StudyError: the storage cannot be opened, or holds another search.
        KeyboardInterrupt: Ctrl-C; the trial was given back, and a next call goes on.
    """
    model = RecipeHyperModel(entry, base, space, asked.executions, asked.folds, data)
    search.check_backend(model)
    search.be_quiet()
    with study_folder(folder):
        study = Study(
            url,
            study_name,
            fingerprint=search.fingerprint(model, asked.minimize),
            directions=("maximize", *["minimize" for _ in asked.minimize]),
            trials=asked.trials,
            lease=asked.lease,
        )
    with contextlib.closing(study):
        study.remember("search", dataclasses.asdict(asked))
        spent = _run(model, study, asked, progress)
        rows = _train_again(model, study, asked, folder, progress)
        plans = study.plans()
        if plans:
            said = facts(model, study, asked, command=command)
            page = report_page(study, plans, rows, asked.minimize, said)
            storage.write_text(folder / "report.html", page)
        counts = search.count(plans, study)
    return Tuned(folder, counts, rows, folder / "best.json" if rows else None, *spent)


def _run(
    model: RecipeHyperModel, study: Study, asked: SearchConfig, progress: bool
) -> tuple[float, float]:
    """Run the trials that are left; return the seconds of it, and how many were overhead."""
    oracle = StudyOracle(
        study,
        search.objectives(asked.minimize),
        sampler=asked.sampler,
        pruner=asked.chosen_pruner,
        epochs=model.base.training.epochs,
        seed=model.base.seed,
        seconds=asked.seconds,
        patience=asked.patience,
        # Trials that diverge stop nothing: what may change is checked, so the fault is theirs.
        max_consecutive_failed_trials=None,
    )
    start = time.perf_counter()
    with advice(lambda _: "No trial is lost. The same search goes on when it is begun again."):
        search.run_trials(model, study, oracle, SearchDisplay(progress))
    return time.perf_counter() - start, oracle.spent


def _train_again(
    model: RecipeHyperModel, study: Study, asked: SearchConfig, folder: Path, progress: bool
) -> list[dict[str, Any]]:
    """Train the best trials again, and write what that gave; return the rows of the report."""
    if not asked.candidates:
        return []
    display, again = TrainingDisplay(enabled=progress), folder / "again"
    try:
        with locks.lock(again):
            found = search.train_again(
                model,
                study,
                candidates=asked.candidates,
                seeds=asked.seeds,
                folder=again,
                display=display,
            )
            if not found:
                return []
            first, rows = found[0], search.report(found, asked.minimize, model.folds)
            runs.write_config(folder / "best.json", model.entry.name, first.config)
            run = again / f"trial-{first.index}-{search.fresh_seed(model)}"
            with storage.atomic_file(folder / "best.keras") as temporary:
                shutil.copyfile(run / "model.keras", temporary)
            storage.write_json(folder / "report.json", rows)
            return rows
    except RunLockedError as error:
        say(f"The best trials are not trained again here. {error}")
        return []
