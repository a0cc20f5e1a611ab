"""Search for better hyperparameters."""

import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo import registry, runs, searches, storage
from fashion_zoo.config import Cost, Pruner, Recipe, RunConfig, Sampler
from fashion_zoo.config.overrides import override
from fashion_zoo.data import agreed, load
from fashion_zoo.errors import RunLockedError, advice
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show import cells
from fashion_zoo.show.streams import say
from fashion_zoo.show.waiting import waiting
from fashion_zoo.show.watching import Progress, watched
from fashion_zoo.spaces import TrainingSpace
from fashion_zoo.storage import locks
from fashion_zoo.storage.paths import absolute

if TYPE_CHECKING:
    from fashion_zoo.show.trials import Counts
    from fashion_zoo.tuning import Study


class Tuned(NamedTuple):
    """What ``tune`` returns."""

    folder: Path
    """The study folder."""
    counts: "Counts"
    """How many trials there are of each kind."""
    candidates: list[dict[str, Any]]
    """``report.json``: the best trials and the defaults, trained again, the best mean first."""
    best: Path | None
    """``best.json``, which ``recipes.train`` takes; None where nothing was trained again."""
    seconds: float
    """What this call's trials took."""
    overhead: float
    """Seconds of them that suggesting, reporting and storing took."""

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
        from fashion_zoo.show import pages

        rows = [
            [_name(row), percent(row["score"]), percent(row["mean"])] for row in self.candidates
        ]
        table = pages.table(["", "score in the search", "mean with fresh seeds"], rows)
        return cells.page(repr(self), table if rows else "")


def _name(row: Mapping[str, Any]) -> str:
    return "defaults" if row["defaults"] else f"trial {row['trial']}"


@checked
@releasing()
def tune(
    name: str,
    *,
    trials: int = 40,
    study_dir: Place | None = None,
    storage_url: str | None = None,
    study_name: str | None = None,
    space: TrainingSpace | Mapping[str, Any] | None = None,
    config: RunConfig | None = None,
    sampler: Sampler = "tpe",
    pruner: Pruner | None = None,
    minimize: Cost | Sequence[Cost] = (),
    executions: int = 1,
    folds: int = 0,
    seconds: float | None = None,
    patience: int | None = None,
    lease: float = 60.0,
    candidates: int = 3,
    seeds: int = 5,
    progress: Progress = "auto",
    command: str | None = None,
    **overrides: Any,
) -> Tuned:
    """Search for the hyperparameters of a recipe, on the validation images.

    The first trial is the recipe with its defaults. Everything is kept in one Optuna study, in a
    SQLite file or on a server: the same call goes on where it was left, and any number of
    processes may make it at once. At the end the best trials are trained again with seeds that
    chose nothing, because the score by which a trial is chosen is too good on average. The test
    images are out of reach.

    Args:
        name: a registered recipe.
        trials: how many trials the study has in all.
        study_dir: the study folder; by default ``studies/NAME``.
        storage_url: ``sqlite:///FILE`` or ``postgresql://...``; by default a file in the folder.
        study_name: name of the study in the storage; by default the recipe's.
        space: a space, or ranges that replace some of the recipe's.
        config: what the search starts from; by default the recipe's config.
        sampler: tpe, random or quasi_random.
        pruner: asha, median or none; by default asha, and none where something is minimized.
        minimize: what is minimized beside the accuracy: parameters, latency or both. The best
            trials are then those of the Pareto front, where nothing is better in everything.
        executions: trainings of a trial, each with another seed; their mean is its score.
        folds: 0, or how many folds of the training images are held out in turn; their mean is the
            score, and the validation images judge only what is trained again.
        seconds: no trial is begun after so many seconds.
        patience: no trial is begun after so many in a row without a better score.
        lease: seconds without a sign of life after which another worker's trial is taken over.
        candidates: how many of the best are trained again; 0 leaves this out.
        seeds: trainings of each candidate.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        command: what began the search, for ``report.html``; by default it says Python.
        **overrides: fields of RunConfig, such as ``training={"epochs": 5}``.

    Raises:
        ConfigError: an unknown name, or a value or a range that is not allowed.
        StudyError: the storage cannot be opened, or holds another search.
        KeyboardInterrupt: Ctrl-C; the trial was given back, and a next call goes on.

    Example:
        ```python
        found = fashion_zoo.tune("bn_mlp", trials=20, training={"epochs": 10})
        fashion_zoo.train("bn_mlp", config=fashion_zoo.read_config(found.best, "bn_mlp"))
        ```
    """
    entry, progress = registry.recipe(name), watched(progress)
    minimize = [minimize] if isinstance(minimize, str) else minimize
    pruner = pruner or ("none" if minimize else "asha")
    searches.check_numbers(trials, candidates, seeds, seconds, patience, lease, study_name)
    searches.check_repetitions(minimize, executions, folds)
    searches.check_algorithms(sampler, pruner, 1 + len(minimize))
    base, space = _checked(entry, override(config or entry.config, overrides), space, folds)
    folder, url = _place(name, study_dir, storage_url)
    searches.check_folder(folder, url)
    options = {"sampler": sampler, "pruner": pruner, "seconds": seconds, "patience": patience}
    with waiting("Opening the study", progress):
        from fashion_zoo.tuning import RecipeHyperModel, facts, report_page, search  # seconds

        model = RecipeHyperModel(entry, base, space, executions, folds)
        _prepare(model)
        study = _study(folder, url, study_name or name, model, minimize, trials=trials, lease=lease)
    with contextlib.closing(study):
        spent = _run(model, study, search.objectives(minimize), options, progress)
        rows = _train_again(model, study, candidates, seeds, folder, progress, minimize)
        plans = study.plans()
        if plans:
            said = facts(
                model, study, sampler=sampler, pruner=pruner, minimize=minimize, command=command
            )
            page = report_page(study, plans, rows, minimize, said)
            storage.write_text(folder / "report.html", page)
        counts = search.count(plans, study)
    return Tuned(folder, counts, rows, folder / "best.json" if rows else None, *spent)


@checked
def dashboard(
    name: str,
    *,
    study_dir: Place | None = None,
    storage_url: str | None = None,
    port: int = 8080,
) -> None:
    """Serve Optuna's dashboard of a search on this machine, until Ctrl-C.

    Args:
        name: a registered recipe.
        study_dir: the study folder; by default ``studies/NAME``.
        storage_url: ``sqlite:///FILE`` or ``postgresql://...``; by default a file in the folder.
        port: where it listens: ``http://localhost:PORT``.

    Raises:
        ConfigError: an unknown name, a port that is none, or optuna-dashboard is not installed.
        StudyError: there is no study, or its storage cannot be opened.
    """
    registry.recipe(name)
    checks.whole("port", port, 1, 65535)

    from fashion_zoo.tuning import serve

    serve(_place(name, study_dir, storage_url)[1], port)


def _checked(
    entry: Recipe, base: RunConfig, space: Any, folds: int
) -> tuple[RunConfig, TrainingSpace]:
    """Return the config and what may change in it, checked against the images."""
    own = searches.narrowed(entry, space, base)
    dataset = load(base.data)
    agreed(base, dataset, batches=False)
    searches.check_images(own.parameters(base), folds, dataset)
    return base, own


def _place(name: str, study_dir: AnyPath | None, storage_url: str | None) -> tuple[Path, str]:
    """Return the study folder and the URL of the storage."""
    # absolute: a search goes on where it was though the process changes folders
    folder = absolute(Path("studies") / name if study_dir is None else study_dir)
    if storage_url:
        return folder, searches.absolute_url(storage_url)
    return folder, searches.file_url(storage.resolve(folder) / "study.db")


def _study(
    folder: Path, url: str, name: str, model, minimize: Sequence[Cost], **options: Any
) -> "Study":
    """Open the study, and make its folder."""
    from fashion_zoo.tuning import Study, search, study_folder

    with study_folder(folder):
        return Study(
            url,
            name,
            fingerprint=search.fingerprint(model, minimize),
            directions=("maximize", *["minimize" for _ in minimize]),
            **options,
        )


def _prepare(model) -> None:
    """Check what can be checked before the hours that a search takes."""
    from fashion_zoo.tuning import search

    search.check_backend(model)
    search.be_quiet()


def _run(
    model, study, objectives: list[Any], options: dict[str, Any], progress: Progress
) -> tuple[float, float]:
    """Run the trials that are left; return the seconds of it, and how many were overhead."""
    from fashion_zoo.show.trials import SearchDisplay
    from fashion_zoo.tuning import StudyOracle, search

    epochs = model.base.training.epochs
    # Trials that diverge stop nothing: what may change is checked, so the fault is theirs.
    options["max_consecutive_failed_trials"] = None
    oracle = StudyOracle(study, objectives, epochs=epochs, seed=model.base.seed, **options)
    start = time.perf_counter()
    with advice(lambda _: "No trial is lost. The same search goes on when it is begun again."):
        search.run_trials(model, study, oracle, SearchDisplay(progress))
    return time.perf_counter() - start, oracle.spent


def _train_again(
    model,
    study,
    candidates: int,
    seeds: int,
    folder: Path,
    progress: Progress,
    minimize: Sequence[Cost],
) -> list[dict[str, Any]]:
    """Train the best trials again, and write what that gave; return the rows of the report."""
    from fashion_zoo.show.progress import TrainingDisplay
    from fashion_zoo.tuning import search

    if not candidates:
        return []
    display, again = TrainingDisplay(enabled=progress), folder / "again"
    try:
        with locks.lock(again):
            found = search.train_again(
                model, study, candidates=candidates, seeds=seeds, folder=again, display=display
            )
            if not found:
                return []
            first, rows = found[0], search.report(found, minimize, model.folds)
            runs.write_config(folder / "best.json", model.entry.name, first.config)
            run = again / f"trial-{first.index}-{search.fresh_seed(model)}"
            with storage.atomic_file(folder / "best.keras") as temporary:
                shutil.copyfile(run / "model.keras", temporary)
            storage.write_json(folder / "report.json", rows)
            return rows
    except RunLockedError as error:
        say(f"The best trials are not trained again here. {error}")
        return []
