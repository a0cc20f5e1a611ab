"""Retraining of the best trials with fresh seeds, and the comparison with the defaults."""

import contextlib
import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import runs, spaces, storage
from fashion_zoo.config import Cost, RunConfig, SearchConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import RunLockedError, TrainingError
from fashion_zoo.evaluation.statistics import DIFFERENCE, FRACTION, Bounds, mean_interval
from fashion_zoo.language.wording import percent
from fashion_zoo.show.progress import Pace, TrainingDisplay
from fashion_zoo.show.streams import say
from fashion_zoo.storage import locks, reading
from fashion_zoo.training.session import train_once
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.sampling import ranked
from fashion_zoo.tuning.study import Study


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A config that was retrained."""

    index: int
    """Index of its trial; 0 is the recipe with its defaults."""
    config: RunConfig
    values: list[float]
    """Objective and costs in the search."""
    again: list[float]
    """The objective on the validation images with fresh seeds."""

    @property
    def mean(self) -> float:
        """Mean of the objective with fresh seeds."""
        return sum(self.again) / len(self.again)


def train_again(
    model: RecipeHyperModel, study: Study, search: SearchConfig, folder: Path, progress: bool
) -> list[dict[str, Any]]:
    """Retrain the best configs and the defaults; return the rows of ``report.json``.

    Finished runs are kept. There are no rows if another worker retrains them.
    """
    if not search.candidates:
        return []
    again = folder / "again"
    try:
        with locks.lock(again):
            found = _train(model, study, search, again, TrainingDisplay(enabled=progress))
            rows = _rows(found, search.minimize, model.folds)
            if found:
                first = found[0]
                runs.write_config(folder / "best.json", model.entry.name, first.config)
                with storage.atomic_file(folder / "best.keras") as temporary:
                    run = f"trial-{first.index}-{model.fresh_seed}"
                    shutil.copyfile(again / run / "model.keras", temporary)
                storage.write_json(folder / "report.json", rows)
            return rows
    except RunLockedError as error:
        say(f"The best trials are not trained again here. {error}")
        return []


def stored_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of ``report.json``; none if there is no such file."""
    with contextlib.suppress(OSError, ValueError):
        return reading.read_json(folder / "report.json")
    return []


def _train(
    model: RecipeHyperModel,
    study: Study,
    search: SearchConfig,
    folder: Path,
    display: TrainingDisplay,
) -> list[Candidate]:
    """Train each candidate with every fresh seed; return them, the best mean first."""
    plans = study.plans()
    chosen = dict(ranked(plans, study)[: search.candidates])
    # The defaults may have been pruned; without a score they diverged.
    if plans and plans[0].score is not None and (own := plans[0].outcome):
        chosen.setdefault(0, own)
    found, pace = [], Pace(len(chosen) * search.seeds, display.say)
    for index, trial in chosen.items():
        values = spaces.counting(model.parameters, trial.params)
        one = Candidate(index, model.space.config(values, model.base), trial.values, [])
        try:
            for seed in range(model.fresh_seed, model.fresh_seed + search.seeds):
                name, path = f"trial {index} seed {seed}", folder / f"trial-{index}-{seed}"
                with pace.training(name):
                    seeded = override(one.config, {"seed": seed})
                    run = train_once(model.entry, seeded, path, display, model.dataset)
                one.again.append(run.read_json("training.json")[f"validation_{search.objective}"])
                display.say(f"{name}: validation {percent(one.again[-1])}")
        except TrainingError as error:  # a config that diverges with one seed is no candidate
            display.say(f"{name}: left out. {error}")
            pace.number += search.seeds - len(one.again) - 1
        else:
            found.append(one)
    return sorted(found, key=lambda one: -one.mean)


def _rows(
    candidates: Sequence[Candidate], minimize: Sequence[Cost], folds: int
) -> list[dict[str, Any]]:
    """Return a row per candidate, as in ``report.json``.

    A row has the score in the search, the scores with fresh seeds, their mean and 95 %
    interval, the optimism of the score (None with folds, whose images differ), and the gain over
    the defaults, paired by seed.
    """
    defaults = next((one.again for one in candidates if one.index == 0), [])
    rows = []
    for one in candidates:
        low, high = _interval(one.again, FRACTION)
        pairs = zip(one.again, defaults, strict=False) if one.index else ()
        gains = [again - default for again, default in pairs]
        gain_low, gain_high = _interval(gains, DIFFERENCE)
        score, *values = one.values
        costs: dict[str, float] = dict(zip(minimize, values, strict=True))
        rows.append(
            {
                "trial": one.index,
                "defaults": one.index == 0,
                "score": score,
                **costs,
                "again": one.again,
                "mean": one.mean,
                "low": low,
                "high": high,
                "optimism": None if folds else score - one.mean,
                "gain": sum(gains) / len(gains) if gains else None,
                "gain_low": gain_low,
                "gain_high": gain_high,
            }
        )
    return rows


def _interval(values: Sequence[float], bounds: Bounds) -> tuple[float | None, float | None]:
    low, high = mean_interval(values, bounds)
    return (None, None) if math.isnan(low) else (low, high)
