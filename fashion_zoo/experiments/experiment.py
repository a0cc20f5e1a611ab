"""An experiment as data: a question, arms, seeds, metrics and columns."""

import dataclasses
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo.data import Dataset
from fashion_zoo.errors import ConfigError
from fashion_zoo.experiments.claim import Claim
from fashion_zoo.experiments.metrics import correct, measures
from fashion_zoo.language.arguments import check_fields, received
from fashion_zoo.language.wording import unknown
from fashion_zoo.runs import Run
from fashion_zoo.storage import absolute

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fashion_zoo.experiments.measured import Measured

Row = dict[str, Any]
"""One training, or one measurement: column of the CSV file to value."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """One of the compared trainings: a recipe with changes, trained with every seed."""

    name: str
    """Its name in the table, and the key of its rows in the CSV file."""
    recipe: str = "bn_mlp"
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the recipe's RunConfig, as ``override`` takes them."""
    place: str = ""
    """Its runs are folders PLACE-SEED; by default the name, with only letters, digits and dots."""
    teacher: str | Sequence[str] = ()
    """The arm before it whose run of the same seed is its teacher, as in a distillation; of several
    arms it is the average of their runs."""
    shown: bool = True
    """Whether it has a row of the table; one without is compared in columns of other rows."""
    program: Callable[[int, Dataset], Row] | None = None
    """Measures something other than a recipe: takes a seed and the data, and returns column to
    value. The result is kept, as runs are. One with an argument ``display``, by default None, is
    given that of the experiment, whose ``say`` shows a line."""

    def __post_init__(self):
        check_fields(self)

    @property
    def teachers(self) -> tuple[str, ...]:
        """The arms that teach it."""
        return (self.teacher,) if isinstance(self.teacher, str) else tuple(self.teacher)

    def run_dir(self, folder: Path, seed: int) -> Path:
        """Return the run folder of a seed."""
        place = self.place or re.sub(r"[^\w.]", "_", self.name)
        return folder / f"{place}-{seed}"


class Column(NamedTuple):
    """A column of a table."""

    header: str
    cell: "Callable[[Measured, str], str | None]"
    """Takes the results and the name of an arm; None leaves the cell empty."""
    right: bool = False
    """Whether it is aligned to the right, as numbers are."""


@dataclasses.dataclass(frozen=True)
class Quick:
    """What a quick look at an experiment changes."""

    changes: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: {"data": {"limit": 2_000}, "training": {"epochs": 2}}
    )
    """Changes of the config of every arm, after its own."""
    seeds: int = 2
    """Trainings per arm."""
    arms: "Sequence[Arm] | None" = None
    """The arms, if others. Claims on arms that it leaves out are left out too."""

    def __post_init__(self):
        check_fields(self)


class _Names(dict):
    """Any name, with a text."""

    def __missing__(self, name: str) -> str:
        return name


_QUICK = "A quick look, which the whole experiment may contradict: {seeds}. {machine}"


class Places(NamedTuple):
    """The folder of the runs, the page with the table, if any, and the CSV file of the rows."""

    folder: Path
    page: Path | None
    rows: Path


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A question, the trainings that answer it, and the table of their results."""

    name: str
    question: str
    """The question, in one line."""
    arms: Collection[Arm] | Callable[[], Sequence[Arm]]
    """The arms in the order of the table, or a function that returns them."""
    columns: Sequence[Column]
    """The columns of the table."""
    claims: Sequence[Claim] = ()
    """What is tested: the verdict on each claim is written above the table."""
    note: str = "{means}. {machine} `{command}` reproduces the table."
    """Text below the table. In braces: seeds, interval (its definition), means (what both say of
    the figures, of a single seed without an interval), machine (with versions and
    commit), command, unmeasured (a sentence, after a blank, with recipes that have no rows), or a
    column of the CSV file, with the arms that differ."""
    metrics: Sequence[Callable[[Run], Any]] | None = None
    """Metrics of each run; the name of the function is the column of the CSV file. A function of
    several columns returns column to value. By default ``METRICS``, or ``CHOICE`` of an experiment
    that chooses."""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Changes of the config of every arm, before its own."""
    imports: Sequence[str] = ()
    """Modules or files of recipes that no list shall have, imported where arms are trained."""
    chooses: bool = False
    """Whether its arms are candidates: the test images are not evaluated, so its metrics are those
    of the validation images, and a single seed is enough."""
    pictures: bool = False
    """Whether an evaluation draws its pictures into the folder of the run, which takes seconds."""
    seeds: int = 3
    """Default number of trainings per arm, with seeds 0, 1, ..."""
    quick: Quick = dataclasses.field(default_factory=Quick)
    """What ``run(quick=True)`` changes."""
    folder: str | Path = ""
    """Folder of the runs; by default runs/NAME."""
    page: str | Path = ""
    """The page with the table, if any; the CSV file is beside it, PAGE.csv, or PAGE-MARK.csv for
    another ``mark`` than results."""
    mark: str = "results"
    """The table is between ``<!-- MARK:begin -->`` and ``<!-- MARK:end -->``."""
    command: str = ""
    """Command that reproduces the table, up to the number of seeds; by default a Python call."""
    figure: "Callable[[Measured], Figure] | None" = None
    """Draws NAME.png beside the page, below the table."""
    file: Path | None = None
    """The CSV file, if it is not beside the page."""
    more: "Callable[[Measured, Places], Mapping[Path, str | bytes]] | None" = None
    """Returns further published files of its rows, path to content, written with its own page."""

    def __post_init__(self):
        check_fields(self)
        if isinstance(self.imports, str):
            raise ConfigError(f"imports takes a list of texts, received {self.imports!r}.")
        for arm in () if callable(self.arms) else self.arms:
            if not isinstance(arm, Arm):
                raise ConfigError(f"arms takes a list of Arms, with {received(arm)} in it.")
        try:
            self.note.format_map(_Names())
        except (ValueError, IndexError, AttributeError) as error:
            raise ConfigError(
                f"The note {self.note!r} cannot be read: {error}. Braces hold a name; a brace "
                "itself is written twice."
            ) from None

    def all_arms(self) -> list[Arm]:
        """Return the arms.

        Raises:
            ConfigError: if two share a name, or a folder but for its case; a teacher is no arm
                that is trained before; a claim is about no arm; or it chooses by the test images.
        """
        self.measures()
        arms = list(self.arms() if callable(self.arms) else self.arms)
        for place, arm in enumerate(arms):
            earlier = [one.name for one in arms[:place] if not one.program]
            for name in arm.teachers:
                if name not in earlier:
                    raise ConfigError(unknown(f"teacher of arm {arm.name!r}", name, earlier))
        for first, second in itertools.combinations(arms, 2):
            places = [str(arm.run_dir(Path(), 0)).casefold() for arm in (first, second)]
            if first.name == second.name or places[0] == places[1]:
                raise ConfigError(
                    f"Arms {first.name!r} and {second.name!r} of experiment {self.name} would "
                    "share rows or run folders: give one another name or place."
                )
        for claim in self.claims:
            claim.check([arm.name for arm in arms])
        return arms

    def quickly(self) -> "Experiment":
        """Return the experiment of a quick look, with a folder of its own and without a page."""
        arms, claims = self.arms, self.claims
        if self.quick.arms is not None:
            arms, names = self.quick.arms, {arm.name for arm in self.quick.arms}
            claims = [one for one in claims if names.issuperset(one.named)]
        return dataclasses.replace(
            self,
            name=f"{self.name}-quick",
            arms=arms,
            claims=claims,
            note=_QUICK,
            seeds=self.quick.seeds,
            folder="",
            page="",
            file=None,
        )

    def measures(self) -> tuple[Callable[[Run], Any], ...]:
        """Return the metrics, with what its claims need beside them."""
        found = measures(self.metrics, chooses=self.chooses)
        tests = not self.chooses and any(one.metric == "test_accuracy" for one in self.claims)
        return (*found, correct) if tests else found

    @property
    def picture(self) -> str:
        """The name of the file that ``figure`` draws."""
        return f"{self.name}.png"

    def places(self, folder: Any = None, page: Any = None) -> Places:
        """Return the places of runs, table and rows.

        With another folder than its own the published page is not written, unless it is given.
        """
        home = absolute(self.folder or f"runs/{self.name}")
        published = absolute(self.page) if self.page else None
        place = absolute(folder) if folder else home
        own = place == home
        target = absolute(page) if page else published if own else None
        if self.file and own and target == published:
            return Places(place, target, self.file)
        if target is None:
            return Places(place, None, place / f"{self.name}.csv")
        several = "" if self.mark == "results" else f"-{self.mark}"  # tables on one page
        return Places(place, target, target.with_name(f"{target.stem}{several}.csv"))
