"""What a search is for: KerasTuner's objectives, checked against a study."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras_tuner
from keras_tuner.src.engine.objective import create_objective  # it has no public name

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.suggest import nearest
from fashion_zoo.language.wording import listed


class ObjectiveError(ConfigError, keras_tuner.errors.FatalError):
    """The objective is not among what a trial reports.

    KerasTuner ends a search with a fatal error; any other it takes for a fault of the
    hyperparameters, and tries the next ones.
    """


def parsed(objective: Any) -> list[keras_tuner.Objective]:
    """Return the objectives that an argument names, one or several.

    Raises:
        ConfigError: it is no name and no Objective, or the direction of a name is not known.
    """
    one = objective is None or isinstance(objective, str | keras_tuner.Objective)
    try:
        return [create_objective(name) for name in ([objective] if one else objective)]
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from error


def check_directions(
    objectives: Sequence[keras_tuner.Objective], directions: Sequence[str]
) -> None:
    """Check that a study goes where the objectives go.

    Raises:
        ConfigError: it does not.
    """
    wanted = tuple("maximize" if one.direction == "max" else "minimize" for one in objectives)
    if wanted != tuple(directions):
        names = listed([f"{one.name} ({one.direction})" for one in objectives])
        raise ConfigError(
            f"The study has the directions {tuple(directions)}, which are not those of {names}. "
            f"Open it with directions={wanted}, or give the oracle another objective."
        )


def missing(objective: keras_tuner.Objective, metrics: Iterable[str]) -> ObjectiveError:
    """Return the error of a trial that reports metrics, and not the objective."""
    known = sorted(metrics)
    close = nearest(objective.name, known)
    meant = f" Did you mean {close!r}?" if close else ""
    there = listed(known) if known else "nothing"
    return ObjectiveError(
        f"Objective value missing: {objective.name!r} is not among what a trial reports, which is "
        f"{there}.{meant}"
    )
