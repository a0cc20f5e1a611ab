"""What a search is asked for."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import plain

Sampler = Literal["tpe", "random", "quasi_random"]
Pruner = Literal["asha", "median", "none"]
Cost = Literal["parameters", "latency"]


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How a search goes about it; a study stores what it was asked for last."""

    trials: int = 40
    """Number of trials of the study in all; the first one has the defaults."""
    sampler: Sampler = "tpe"
    """What suggests parameters."""
    pruner: Pruner | None = None
    """What stops a trial that is behind; by default asha, and none where something is minimized."""
    minimize: tuple[Cost, ...] = ()
    """What is minimized beside the accuracy; the best trials are then those of a Pareto front."""
    executions: int = 1
    """Trainings of a trial, each with another seed; their mean is its score."""
    folds: int = 0
    """Folds of the training images that are held out in turn; 0 takes the validation images."""
    seconds: float | None = None
    """Begin no trial after so many seconds."""
    patience: int | None = None
    """Begin no trial after so many in a row without a better score."""
    candidates: int = 3
    """How many of the best are trained again with fresh seeds; 0 leaves this out."""
    seeds: int = 5
    """Trainings of each of them."""
    lease: float = 60.0
    """Seconds without a sign of life after which another worker's trial is taken over."""

    def __post_init__(self) -> None:
        costs = (self.minimize,) if isinstance(self.minimize, str) else self.minimize
        if not isinstance(costs, Sequence):
            raise ConfigError(f"minimize must be a list of costs, received {costs!r}.")
        object.__setattr__(self, "minimize", tuple(costs))
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        checks.whole("trials", self.trials, 1)
        checks.whole("candidates", self.candidates, 0)
        checks.whole("seeds", self.seeds, 1)
        checks.positive("lease", self.lease)
        if self.seconds is not None:
            checks.positive("seconds", self.seconds)
        if self.patience is not None:
            checks.whole("patience", self.patience, 1)
        for cost in self.minimize:
            checks.choice("minimize", cost, Cost)
        if len(set(self.minimize)) < len(self.minimize):
            raise ConfigError(f"Each cost is minimized once, received {', '.join(self.minimize)}.")
        checks.whole("executions", self.executions, 1)
        checks.whole("folds", self.folds, 0)
        if self.folds == 1:
            raise ConfigError("folds must be at least 2, or 0 for none; received 1.")
        check_algorithms(self.sampler, self.chosen_pruner, 1 + len(self.minimize))

    @property
    def chosen_pruner(self) -> Pruner:
        """The pruner, the default one where none is named."""
        if self.pruner is not None:
            return self.pruner
        return "none" if self.minimize else "asha"


def check_algorithms(sampler: Sampler, pruner: Pruner, objectives: int) -> None:
    """Check that sampler and pruner are known, and that the pruner knows so many objectives.

    Raises:
        ConfigError: they are not, or a pruner beside several objectives.
    """
    checks.choice("sampler", sampler, Sampler)
    checks.choice("pruner", pruner, Pruner)
    if objectives > 1 and pruner != "none":
        raise ConfigError(
            f"Several objectives cannot be pruned, received pruner {pruner!r}. Use 'none'."
        )
