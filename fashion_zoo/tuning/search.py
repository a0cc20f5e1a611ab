"""A whole search: the trials of a study, and the best of them trained again."""

import dataclasses
import hashlib
import importlib.metadata
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna

from fashion_zoo import spaces
from fashion_zoo.callbacks import StopOnInterrupt
from fashion_zoo.config import RunConfig
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.errors import TrainingError, advice
from fashion_zoo.evaluation import mean_interval
from fashion_zoo.overrides import override
from fashion_zoo.ranges import Choice
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.trials import Counts, SearchDisplay
from fashion_zoo.training import train_once
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.study import Plan, Study
from fashion_zoo.tuning.tuner import StudyTuner

OBJECTIVE = "val_accuracy"
_VERSIONS = ("keras", "keras-tuner", "optuna", "fashion_zoo")
_PROMISE = (
    b"Stopping after this step; the trial goes back, and the next call runs it. Press Ctrl-C again "
    b"to leave at once.\n"
)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A config that was trained again."""

    index: int
    """Number of its trial; 0 is the recipe with its defaults."""
    config: RunConfig
    score: float
    """Validation accuracy in the search, by which it was chosen."""
    again: tuple[float, ...]
    """Validation accuracies of trainings with fresh seeds."""

    @property
    def mean(self) -> float:
        """Mean of the fresh trainings."""
        return sum(self.again) / len(self.again)


def fingerprint(model: RecipeHyperModel) -> dict[str, Any]:
    """Return what makes a study this search and no other."""
    train, validation = model.split
    digest = hashlib.sha256()
    for part in (train, validation):
        digest.update(part.images.tobytes())
        digest.update(part.labels.tobytes())
    return {
        "recipe": model.entry.name,
        "config": dataclasses.asdict(model.base),
        "space": dataclasses.asdict(model.space),
        "data": digest.hexdigest()[:16],
        "objective": OBJECTIVE,
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
        with advice(lambda: "Search without it: --fix augmentation=none mixing=none."):
            need_tensorflow()


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
    with (
        tempfile.TemporaryDirectory() as folder,
        StopOnInterrupt(_PROMISE) as stop,
        display,
    ):
        tuner = StudyTuner(oracle, model, folder)
        tuner.watch = lambda: _show(study, display)
        tuner.say = display.say
        try:
            tuner.search(callbacks=[stop])
        finally:
            oracle.return_trials()


def _show(study: Study, display: SearchDisplay) -> None:
    if display.live:  # otherwise the study need not be read
        plans = study.plans()
        display.update(count(plans, study), best(plans))


def count(plans: Sequence[Plan], study: Study) -> Counts:
    """Count the trials of each kind."""
    outcomes = [plan.outcome for plan in plans if plan.outcome]
    marked = sum("mark" in one.user_attrs for one in outcomes)
    pruned = sum(one.state.name == "PRUNED" for one in outcomes)
    lost = sum(
        plan.outcome is None and plan.running is None and plan.deaths >= study.attempts
        for plan in plans
    )
    running = sum(plan.outcome is None and plan.running is not None for plan in plans)
    done = len(outcomes) - marked - pruned
    return Counts(study.trials, done, pruned, running, marked + lost)


def ranked(plans: Sequence[Plan]) -> list[Plan]:
    """Return the trials that were trained to their end, the best first."""
    whole = [
        plan
        for plan in plans
        if plan.outcome
        and plan.outcome.state.name == "COMPLETE"
        and "mark" not in plan.outcome.user_attrs
    ]
    return sorted(whole, key=lambda plan: (-plan.outcome.value, plan.index))  # type: ignore[union-attr]  # they have one


def best(plans: Sequence[Plan]) -> tuple[int, float, dict[str, Any]] | None:
    """Return number, score and parameters of the best trial."""
    found = ranked(plans)
    if not found or found[0].outcome is None or found[0].outcome.value is None:
        return None
    return found[0].index, found[0].outcome.value, found[0].outcome.params


def train_again(
    model: RecipeHyperModel,
    plans: Sequence[Plan],
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
        plans: its trials.
        candidates: how many of the best.
        seeds: trainings each.
        folder: where the runs are kept.
        display: shows the progress.

    Returns:
        The candidates, the best mean first.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    chosen = ranked(plans)[:candidates]
    if plans and plans[0] not in chosen:
        chosen.append(plans[0])
    found = []
    for plan in chosen:
        outcome = plan.outcome
        if outcome is None or outcome.value is None or "mark" in outcome.user_attrs:
            continue  # the defaults may have diverged
        values = spaces.counting(model.parameters, outcome.params)
        config = model.space.config(values, model.base)
        again = []
        try:
            for number in range(seeds):
                seed = model.base.seed + 1 + number  # the search itself has the seed before them
                path = folder / f"trial-{plan.index}-{seed}"
                run = train_once(model.entry, override(config, {"seed": seed}), path, display)
                again.append(run.read_json("training.json")["validation_accuracy"])
                display.say(f"trial {plan.index} seed {seed}: validation {again[-1]:.4f}")
        except TrainingError as error:  # a config that one seed survives is no candidate
            display.say(f"trial {plan.index} seed {seed}: left out. {error}")
            continue
        found.append(Candidate(plan.index, config, outcome.value, tuple(again)))
    return sorted(found, key=lambda one: -one.mean)


def report(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Return what a search found, ready for JSON.

    Returns:
        A row a candidate: its score in the search, the fresh accuracies with mean and 95 % t
        interval, the optimism of the score, and the gain over the defaults, paired by seed.
    """
    own = next((one.again for one in candidates if one.index == 0), None)
    rows = []
    for one in candidates:
        low, high = mean_interval(one.again)
        pairs = zip(one.again, own, strict=True) if own and one.index else ()
        gains = [mine - other for mine, other in pairs]
        gain_low, gain_high = mean_interval(gains) if len(gains) > 1 else (None, None)
        rows.append(
            {
                "trial": one.index,
                "defaults": one.index == 0,
                "score": one.score,
                "again": list(one.again),
                "mean": one.mean,
                "low": None if len(one.again) < 2 else low,
                "high": None if len(one.again) < 2 else high,
                "optimism": one.score - one.mean,
                "gain": sum(gains) / len(gains) if gains else None,
                "gain_low": gain_low,
                "gain_high": gain_high,
            }
        )
    return rows
