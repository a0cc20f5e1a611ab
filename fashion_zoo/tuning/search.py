"""A whole search: the trials of a study, and the best of them trained again."""

import dataclasses
import hashlib
import importlib.metadata
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import optuna
from optuna.trial import FrozenTrial

from fashion_zoo import spaces
from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.config import Cost, RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import Hint, Message, TrainingError, advice
from fashion_zoo.evaluation.statistics import DIFFERENCE, FRACTION, mean_interval
from fashion_zoo.language.wording import percent
from fashion_zoo.show import streams
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.trials import Counts, RunningTrial, SearchDisplay
from fashion_zoo.spaces.ranges import Choice
from fashion_zoo.training import train_once
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.plans import Plan
from fashion_zoo.tuning.study import Study
from fashion_zoo.tuning.suggesting import VisibleStudy
from fashion_zoo.tuning.tuner import StudyTuner

OBJECTIVE = "val_accuracy"
_VERSIONS = ("keras", "keras-tuner", "optuna", "fashion_zoo")
_PROMISE = (
    "Stopping after this step; the trial goes back, and the next call runs it. Press Ctrl-C again "
    "to leave at once."
)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A config that was trained again."""

    index: int
    """Number of its trial; 0 is the recipe with its defaults."""
    config: RunConfig
    score: float
    """Accuracy in the search, by which it was chosen."""
    costs: tuple[float, ...]
    """What it cost in the search, an entry for each cost."""
    again: tuple[float, ...]
    """Validation accuracies of trainings with fresh seeds."""

    @property
    def mean(self) -> float:
        """Mean of the fresh trainings."""
        return sum(self.again) / len(self.again)


def fingerprint(model: RecipeHyperModel, minimize: Sequence[Cost] = ()) -> dict[str, Any]:
    """Return what makes a study this search and no other.

    Args:
        model: what is trained.
        minimize: the costs beside the accuracy.
    """
    digest = hashlib.sha256()
    for part in (model.dataset.train, model.dataset.validation):
        digest.update(part.images.tobytes())
        digest.update(part.labels.tobytes())
    return {
        "recipe": model.entry.name,
        "config": dataclasses.asdict(model.base),
        "space": dataclasses.asdict(model.space),
        "data": digest.hexdigest()[:16],
        "objective": [OBJECTIVE, *minimize],
        "executions": model.executions,
        "folds": model.folds,
        "versions": {name: importlib.metadata.version(name) for name in _VERSIONS},
    }


def check_backend(model: RecipeHyperModel) -> None:
    """Check that the backend can train what the space may ask for.

    Raises:
        ConfigError: the space augments images, which needs tensorflow.
    """
    words = {
        value
        for one in model.parameters
        if one.name in ("augmentation", "mixing") and isinstance(one.range, Choice)
        for value in one.range.values
    }
    if words != {"none"}:
        without = Hint("space", {"augmentation": "'none'", "mixing": "'none'"})
        with advice(lambda _: Message("Search without it: ", without, ".")):
            need_tensorflow()


def objectives(minimize: Sequence[Cost]) -> list[Any]:
    """Return what an oracle takes: the accuracy, and each cost."""
    return [OBJECTIVE, *(keras_tuner.Objective(name, "min") for name in minimize)]


def be_quiet() -> None:
    """Leave out what Optuna says of every study and trial: the display says it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def run_trials(
    model: RecipeHyperModel, study: Study, oracle: StudyOracle, display: SearchDisplay
) -> None:
    """Run trials until nothing is left or the budget is spent.

    Raises:
        KeyboardInterrupt: Ctrl-C; the trial was given back, and a next call goes on.
    """
    model.display = RunningTrial(display)
    say = display.say if display.enabled else streams.say  # Ctrl-C is always answered
    with (
        tempfile.TemporaryDirectory() as folder,
        StopOnInterrupt(_PROMISE, say) as stop,
        display,
    ):
        oracle.idle = stop.check  # there may be no step for hours
        tuner = StudyTuner(oracle, model, folder)
        tuner.watch = lambda: _show(study, display)
        tuner.begin = display.begin
        tuner.say = display.say
        try:
            tuner.search(callbacks=[stop])
        finally:
            oracle.return_trials()


def _show(study: Study, display: SearchDisplay) -> None:
    if display.follows:
        plans = study.plans()
        display.update(count(plans, study), best(plans, study))


def count(plans: Sequence[Plan], study: Study) -> Counts:
    """Count the trials of each kind."""
    outcomes = [plan.outcome for plan in plans if plan.outcome]
    marked = sum(plan.broken for plan in plans)
    pruned = sum(one.state.name == "PRUNED" for one in outcomes)
    lost = sum(
        plan.outcome is None and plan.running is None and plan.deaths >= study.attempts
        for plan in plans
    )
    running = sum(plan.outcome is None and plan.running is not None for plan in plans)
    done = len(outcomes) - marked - pruned
    return Counts(study.trials, done, pruned, running, marked + lost)


def ranked(plans: Sequence[Plan], study: Study) -> list[tuple[int, FrozenTrial]]:
    """Return the trials that were trained to their end, the most accurate first.

    Of a study with several objectives they are those of its Pareto front.

    Returns:
        Index and trial of each.
    """
    whole = [(plan.index, plan.whole) for plan in plans if plan.whole]
    if len(study.directions) > 1:
        front = {trial.number for trial in VisibleStudy(study.name, study.backend).best_trials}
        whole = [(index, trial) for index, trial in whole if trial.number in front]
    return sorted(whole, key=lambda one: (-one[1].values[0], one[0]))


def best(plans: Sequence[Plan], study: Study) -> tuple[int, float, dict[str, Any]] | None:
    """Return number, score and parameters of the most accurate trial."""
    for index, trial in ranked(plans, study)[:1]:
        return index, trial.values[0], trial.params
    return None


def fresh_seed(model: RecipeHyperModel) -> int:
    """Return the first seed that the search itself did not use."""
    return model.base.seed + model.executions


def train_again(
    model: RecipeHyperModel,
    study: Study,
    *,
    candidates: int,
    seeds: int,
    folder: Path,
    display: TrainingDisplay,
) -> list[Candidate]:
    """Train the best configs and the recipe's own with seeds that chose nothing.

    Finished runs are not run again.

    Args:
        model: the hypermodel of the search.
        study: the study.
        candidates: how many of the best.
        seeds: trainings each.
        folder: where the runs are kept.
        display: shows the progress.

    Returns:
        The candidates, the best mean first.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    plans = study.plans()
    chosen = dict(ranked(plans, study)[:candidates])
    if plans and (own := plans[0].whole):  # the defaults may have diverged
        chosen.setdefault(0, own)
    found = []
    display.expect(len(chosen) * seeds)
    for index, trial in chosen.items():
        values = spaces.counting(model.parameters, trial.params)
        config = model.space.config(values, model.base)
        again = []
        try:
            for number in range(seeds):
                seed = fresh_seed(model) + number
                path = folder / f"trial-{index}-{seed}"
                seeded = override(config, {"seed": seed})
                with display.pace.training(f"trial {index} seed {seed}"):
                    run = train_once(model.entry, seeded, path, display, model.dataset)
                again.append(run.read_json("training.json")["validation_accuracy"])
                display.say(f"trial {index} seed {seed}: validation {percent(again[-1])}")
        except TrainingError as error:  # a config that one seed survives is no candidate
            display.say(f"trial {index} seed {seed}: left out. {error}")
            display.pace.skip(seeds - number - 1)
            continue
        score, *costs = trial.values
        found.append(Candidate(index, config, score, tuple(costs), tuple(again)))
    return sorted(found, key=lambda one: -one.mean)


def report(
    candidates: Sequence[Candidate], minimize: Sequence[Cost], folds: int = 0
) -> list[dict[str, Any]]:
    """Return what a search found, ready for JSON.

    Args:
        candidates: what was trained again.
        minimize: the names of their costs.
        folds: how many folds the search had; the score is then of other images than the fresh mean.

    Returns:
        A row a candidate: its score in the search, the fresh accuracies with mean and 95 %
        interval, the optimism of the score where both are of the same images, and the gain over the
        defaults, paired by seed.
    """
    own = next((one.again for one in candidates if one.index == 0), None)
    rows = []
    for one in candidates:
        low, high = mean_interval(one.again, FRACTION)
        pairs = zip(one.again, own, strict=True) if own and one.index else ()
        gains = [mine - other for mine, other in pairs]
        gain_low, gain_high = mean_interval(gains, DIFFERENCE) if len(gains) > 1 else (None, None)
        costs: dict[str, float] = dict(zip(minimize, one.costs, strict=True))
        rows.append(
            {
                "trial": one.index,
                "defaults": one.index == 0,
                "score": one.score,
                **costs,
                "again": list(one.again),
                "mean": one.mean,
                "low": None if len(one.again) < 2 else low,
                "high": None if len(one.again) < 2 else high,
                "optimism": None if folds else one.score - one.mean,
                "gain": sum(gains) / len(gains) if gains else None,
                "gain_low": gain_low,
                "gain_high": gain_high,
            }
        )
    return rows
