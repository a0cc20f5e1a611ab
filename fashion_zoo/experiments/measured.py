"""The results of an experiment, for its columns, its verdicts and its page."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fashion_zoo.errors import ConfigError
from fashion_zoo.experiments import page as pages
from fashion_zoo.experiments.experiment import Column, Experiment, Row
from fashion_zoo.experiments.notes import Words
from fashion_zoo.experiments.verdict import Verdict, judge, written
from fashion_zoo.language.wording import listed, unknown
from fashion_zoo.results import DIVERGED


class Measured:
    """The results of an experiment, for its columns.

    Args:
        experiment: the experiment.
        rows: a row per training, with ``arm`` and ``seed``; rows of other arms are left out.
        other: arms that have rows of other settings, which are left out.
        call: arguments of the call that reproduces the table, beside the experiment and the seeds.

    Attributes:
        by_arm: arm to seed to row, of the trainings with figures.
        diverged: the same of those whose loss diverged. A mean of the others would be too good.
    """

    def __init__(
        self,
        experiment: Experiment,
        rows: Iterable[Row],
        other: Iterable[str] = (),
        call: Mapping[str, Any] = MappingProxyType({}),
    ):
        self.experiment, self.arms = experiment, experiment.all_arms()
        self.other, self.call = list(other), call
        self._rows: dict[str, dict[int, Row]] = {arm.name: {} for arm in self.arms}
        without: dict[str, dict[int, Row]] = {arm.name: {} for arm in self.arms}
        for row in sorted(rows, key=lambda row: row["seed"]):
            kept = without if row.get(DIVERGED) else self._rows
            kept.get(row["arm"], {})[row["seed"]] = row
        self.by_arm = {name: rows for name, rows in self._rows.items() if rows}
        self.diverged = {name: rows for name, rows in without.items() if rows}

    @property
    def rows(self) -> list[Row]:
        """All rows with figures, in the order of the arms and seeds."""
        return [row for own in self.by_arm.values() for row in own.values()]

    def has(self, arm: str, metric: str) -> bool:
        """Return whether every row of an arm has a metric; older rows may lack a new one."""
        rows = self.by_arm.get(arm, {}).values()
        return bool(rows) and all(row.get(metric) is not None for row in rows)

    def values(self, arm: str, metric: str) -> list[Any]:
        """Return a metric of an arm, a value per seed, as ``by_seed`` does."""
        return list(self.by_seed(arm, metric).values())

    def by_seed(self, arm: str, metric: str) -> dict[int, Any]:
        """Return seed to a metric of an arm; raise ConfigError if either is unknown."""
        if arm not in self._rows:
            raise ConfigError(unknown("arm", arm, self._rows))
        for row in self._rows[arm].values():
            if metric not in row:
                raise ConfigError(unknown("metric", metric, row))
        return {seed: row[metric] for seed, row in self._rows[arm].items()}

    def paired(self, arm: str, base: str | None, metric: str) -> list[float]:
        """Return the differences between two arms, one for each seed that both have."""
        own, other = self.by_seed(arm, metric), self.by_seed(base, metric) if base else {}
        return [value - other[seed] for seed, value in own.items() if seed in other]

    def best(self, metric: str, arms: Iterable[str]) -> str | None:
        """Return the arm with the highest mean, None if none of them was measured.

        Raises:
            ConfigError: if the metric is the accuracy on the test images, which choose nothing.
        """
        if metric == "test_accuracy":
            raise ConfigError(
                "Nothing is chosen by the test images: take the best validation_accuracy."
            )
        means = {
            arm: statistics.fmean(self.values(arm, metric)) for arm in arms if arm in self.by_arm
        }
        return max(means, key=means.__getitem__, default=None)

    def table(self) -> str:
        """Return the Markdown table, with the note below it."""
        lost = [
            f"`{arm}` with seed {listed([str(seed) for seed in rows])}"
            for arm, rows in self.diverged.items()
        ]
        parts = [self.rows_of(self.experiment.columns), self.note(self.experiment.note)]
        if lost:
            parts.append(f"The loss diverged, which leaves no figures: {'; '.join(lost)}.")
        if self.other:
            names = listed([f"`{arm}`" for arm in self.other])
            parts.append(
                f"Left out are the rows of {names}, which were measured with other settings than "
                "now."
            )
        return "\n\n".join(parts)

    def rows_of(self, columns: Sequence[Column]) -> str:
        """Return a Markdown table of other columns, without the note."""
        shown = [arm for arm in self.arms if arm.shown and arm.name in self.by_arm]
        lines = [[column.cell(self, arm.name) for column in columns] for arm in shown]
        heads = [column.header for column in columns]
        return pages.table(heads, lines, [column.header for column in columns if column.right])

    def note(self, text: str) -> str:
        """Return a note with what stands in braces replaced, as ``Experiment.note`` says."""
        return text.format_map(Words(self))

    def verdicts(self) -> list[Verdict]:
        """Return the verdict on each claim of the experiment."""
        return judge(self, self.experiment.claims)

    def text(self) -> str:
        """Return the verdicts, if there are claims, and the table."""
        found = self.verdicts()
        return f"{written(found)}\n\n{self.table()}" if found else self.table()

    def section(self) -> str:
        """Return what a page shows: verdicts and table, and below them the picture, if any."""
        experiment = self.experiment
        shown = f"\n\n![{experiment.question}]({experiment.picture})" if experiment.figure else ""
        return self.text() + shown
