"""The settings of a search."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Literal

from fashion_zoo.config.monitors import Metric
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import plain
from fashion_zoo.language.vocabulary import check_settings

Sampler = Literal["tpe", "random", "quasi_random"]
Pruner = Literal["asha", "median", "none"]
Cost = Literal["parameters", "latency"]
Objective = Literal["accuracy", Metric]


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How to search; a study stores the latest settings."""

    trials: Annotated[int, checks.at_least(1)] = 40
    """Number of trials in the study; the first one has the defaults."""
    sampler: Sampler = "tpe"
    """The sampler, which suggests hyperparameters."""
    pruner: Pruner | None = None
    """The pruner, which stops poor trials; by default asha, or none with several objectives."""
    objective: Objective = "accuracy"
    """Validation metric to maximize."""
    minimize: tuple[Cost, ...] = ()
    """Costs to minimize beside the objective; the best trials are then those of a Pareto front."""
    executions: Annotated[int, checks.at_least(1)] = 1
    """Executions per trial, each with another seed; the score is their mean."""
    folds: Annotated[int, checks.at_least(0)] = 0
    """Folds for cross-validation on the training images; 0 scores on the validation images."""
    seconds: Annotated[float | None, checks.positive] = None
    """Begin no trial after so many seconds."""
    patience: Annotated[int | None, checks.at_least(1)] = None
    """Begin no trial after so many in a row without a better score."""
    candidates: Annotated[int, checks.at_least(0)] = 3
    """Number of the best trials to train again with fresh seeds; 0 for none."""
    seeds: Annotated[int, checks.at_least(1)] = 5
    """Trainings of each candidate."""
    lease: Annotated[float, checks.positive] = 60.0
    """Seconds without a heartbeat after which another worker's trial is taken over."""

    def __post_init__(self) -> None:
        costs = (self.minimize,) if isinstance(self.minimize, str) else self.minimize
        if not isinstance(costs, Sequence):
            raise ConfigError(f"minimize must be a list of costs, received {costs!r}.")
        object.__setattr__(self, "minimize", tuple(costs))
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        check_settings(self)
        if self.folds == 1:
            raise ConfigError("folds must be at least 2, or 0 for none; received 1.")
        for cost in self.minimize:
            checks.choice("minimize", cost, Cost)
        if len(set(self.minimize)) < len(self.minimize):
            raise ConfigError(f"Each cost is minimized once, received {', '.join(self.minimize)}.")
        check_algorithms(self.sampler, self.chosen_pruner, 1 + len(self.minimize))

    @property
    def chosen_pruner(self) -> Pruner:
        """The pruner, or the default one."""
        if self.pruner is not None:
            return self.pruner
        return "none" if self.minimize else "asha"


def check_algorithms(sampler: Sampler, pruner: Pruner, objectives: int) -> None:
    """Check that sampler and pruner are known, and that several objectives have no pruner."""
    checks.choice("sampler", sampler, Sampler)
    checks.choice("pruner", pruner, Pruner)
    if objectives > 1 and pruner != "none":
        raise ConfigError(
            f"Several objectives cannot be pruned, received pruner {pruner!r}. Use 'none'."
        )
