"""Recipes compared with one another: which is better, and how sure that is."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from fashion_zoo.config import digest
from fashion_zoo.config.overrides import override
from fashion_zoo.errors import ConfigError, resumable
from fashion_zoo.evaluation import paired
from fashion_zoo.experiments import columns
from fashion_zoo.experiments.claim import Claim
from fashion_zoo.experiments.experiment import Arm, Experiment
from fashion_zoo.experiments.runner import outcome
from fashion_zoo.experiments.verdict import Verdict
from fashion_zoo.language.arguments import Place, checked, received
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import recipe
from fashion_zoo.show.waiting import Progress

FOLDER = "runs/compare"


class Comparison(NamedTuple):
    """What a comparison found."""

    verdicts: tuple[Verdict, ...]
    """One for each arm but the first: whether it is better than the first."""
    text: str
    """The verdicts in sentences, and the table, in Markdown."""

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@checked
@resumable()
@releasing()
def compare(
    arms: Sequence[Any],
    *,
    seeds: int = 5,
    least: float = 0.0,
    folder: Place = FOLDER,
    page: Place | None = None,
    command: str = "",
    progress: Progress = "auto",
    **overrides: Any,
) -> Comparison:
    """Train recipes with the same seeds, and test whether the others are better than the first.

    Better is a higher accuracy on the test images, paired by seed, at a level of 5 % for all arms
    together; see ``Claim`` and ``Verdict``. It selects nothing: who chooses the best of many arms
    by it has chosen by the test images. Runs and rows are kept in ``folder``: an interrupted call
    can be resumed, and another one with the same recipe does not train it again.

    Args:
        arms: at least two recipes, each a name or an ``Arm``.
        seeds: trainings of each, with seeds 0, 1, ...; at least 2.
        least: the smallest gain that matters, a fraction; 0.001 is 0.1 points.
        folder: folder of the runs and the rows.
        page: a page whose table is replaced; see ``Experiment.mark``.
        command: the command that reproduces it, up to the number of seeds, for the note below the
            table.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of every RunConfig, before the changes of an arm.

    Raises:
        ConfigError: if there are fewer than two recipes or seeds, two are the same training, or an
            arm sets the seed, or has a program or a teacher.
        KeyboardInterrupt: on Ctrl-C; the next call resumes.

    Example:
        ```python
        from fashion_zoo.experiments import Arm

        more = Arm("dropout 0.4", changes={"model": {"dropout": 0.4}})
        print(fashion_zoo.compare(["bn_mlp", more], seeds=5))
        ```
    """
    experiment = _experiment(_placed(arms, overrides), overrides, least, command)
    done = outcome(experiment, seeds, folder, page, progress=progress)
    return Comparison(tuple(done.measured.verdicts()), done.text)


def _placed(arms: Sequence[Any], overrides: dict[str, Any]) -> list[Arm]:
    """Return the arms, each with a place that its config determines."""
    if isinstance(arms, str) or len(arms) < 2:
        given = received(arms) if isinstance(arms, str) else len(arms)
        raise ConfigError(f"compare takes a list of at least two recipes, received {given}.")
    placed: dict[str, Arm] = {}
    for one in arms:
        if not isinstance(one, str | Arm):
            raise ConfigError(f"compare takes names of recipes and Arms, received {received(one)}.")
        arm = Arm(one, one) if isinstance(one, str) else one
        if arm.program or arm.teacher:
            what = "a program" if arm.program else "a teacher"
            raise ConfigError(
                f"compare takes recipes with changes, and {arm.name!r} has {what}. Write an "
                "experiment: see docs/experiments.md."
            )
        if "seed" in {**overrides, **arm.changes}:
            raise ConfigError(
                f"The arms of a comparison have the same seeds, 0, 1 and so on, and {arm.name!r} "
                "sets its own. Leave out seed."
            )
        config = override(override(recipe(arm.recipe).config, overrides), arm.changes)
        place = f"{arm.recipe}-{digest.of(config)}"
        if place in placed:
            raise ConfigError(
                f"{placed[place].name!r} and {arm.name!r} are the same training: there is nothing "
                "to compare."
            )
        placed[place] = Arm(arm.name, arm.recipe, arm.changes, place)
    return list(placed.values())


def _effect(differences: Sequence[float]) -> str:
    """Return the mean in standard deviations; nothing if all are equal, or there is one."""
    effect = paired.over_seeds(differences).effect if len(differences) > 1 else None
    return "" if effect is None else f"{effect:+.2f}"


def _experiment(
    arms: Sequence[Arm], overrides: dict[str, Any], least: float, command: str
) -> Experiment:
    first, *others = (arm.name for arm in arms)
    key = hashlib.sha256(repr([(arm.name, arm.place) for arm in arms]).encode()).hexdigest()[:12]
    return Experiment(
        name=f"compare-{key}",
        question=f"Which recipes are better than {first}?",
        arms=arms,
        columns=[
            columns.name("recipe"),
            columns.accuracy("validation accuracy", "validation_accuracy"),
            columns.accuracy("test accuracy", "test_accuracy"),
            columns.against(  # with the interval of the verdict, whose scale is not bent
                "points of test accuracy against the first",
                "test_accuracy",
                first,
                write=lambda differences: columns.mean(differences, "+.2f", scale=100),
            ),
            columns.against(
                "effect, in standard deviations of the differences",
                "test_accuracy",
                first,
                write=_effect,
            ),
        ],
        claims=[Claim(other, first, least=least) for other in others],
        note="{means}. Differences are paired by seed. {machine}"
        + (" `{command}` reproduces the table." if command else ""),
        settings=overrides,
        command=command,
        folder=FOLDER,
    )
