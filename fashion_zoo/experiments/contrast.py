"""Effects of factors: contrasts of the arms of a factorial design, each with a verdict."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fashion_zoo.errors import ConfigError
from fashion_zoo.experiments.claim import Claim
from fashion_zoo.language.wording import unknown

if TYPE_CHECKING:
    from fashion_zoo.experiments.measured import Measured


@dataclasses.dataclass(frozen=True)
class Contrast(Claim):
    """What can be true or false of an effect: a weighted sum of the arms, seed by seed."""

    against: Any = None
    """Nothing: the effect, whose name is ``arm``, is claimed to be above or below 0."""
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Arm to weight. Their sum is 0."""

    @property
    def named(self) -> list[str]:
        """The names of the arms that have a weight."""
        return list(self.weights)

    def check(self, arms: Sequence[str]) -> None:
        """Raise ConfigError if it is about an unknown arm, or cannot be tested."""
        for one in self.named:
            if one not in arms:
                raise ConfigError(unknown(f"arm of the effect {self.arm!r}", one, arms))
        if not self.weights or not math.isclose(sum(self.weights.values()), 0, abs_tol=1e-9):
            raise ConfigError(
                f"The effect {self.arm!r} needs weights of arms with the sum 0, received "
                f"{dict(self.weights)!r}."
            )
        self.check_direction()

    def pair(self, measured: "Measured") -> tuple[str | None, list[float]]:
        """Return no other arm, and the effect of each seed that all arms have."""
        own = [measured.by_seed(arm, self.metric) for arm in self.weights]
        seeds = [seed for seed in own[0] if all(seed in values for values in own)]
        return None, [
            sum(
                weight * values[seed]
                for values, weight in zip(own, self.weights.values(), strict=True)
            )
            for seed in seeds
        ]

    def arms(self, base: str | None) -> list[str]:
        """Return the names of the arms that have a weight."""
        return self.named

    def words(self, base: str | None) -> str:
        """Return what is claimed, as a sentence, where it has no text of its own."""
        way = {"higher": "above 0", "lower": "below 0", "same": "0"}[self.direction]
        return f"The effect of {self.arm} on the {self.metric_name} is {way}."

    def found(self, difference: float, base: str | None) -> str:
        """Return what was found, in words."""
        amount = self.amount(difference, "+")
        return f"the effect of {self.arm} on the {self.metric_name} is {amount}"

    def lacking(self, base: str | None) -> str:
        """Return what is not there to be tested, in words."""
        return f"the arms of the effect of {self.arm} have fewer than 2 seeds in common."


def effects(factors: Sequence[str], arms: Mapping[frozenset[str], str]) -> dict[str, dict]:
    """Return the weights of the main effects and interactions of a full 2^k factorial design.

    With the sign s_f(a) = 1 if arm a has factor f, else -1, the effect of some factors is

        sum over the arms of (product of their s_f(a)) y(a), divided by 2^(k - 1)

    So a main effect is the mean of the arms with the factor minus that of the arms without it, and
    the interaction of two is half of what the effect of one changes with the other.

    Args:
        factors: k names.
        arms: the arm of each set of factors, 2^k of them.

    Returns:
        The name of an effect, such as ``"a x b"``, to arm to weight, the main effects first.

    Reference: Box, Hunter & Hunter 2005, Statistics for Experimenters, 2nd edition, chapter 5.
    """
    found: dict[str, dict] = {}
    for count in range(1, len(factors) + 1):
        for some in itertools.combinations(factors, count):
            found[" x ".join(some)] = {
                arm: math.prod(1 if one in has else -1 for one in some) / 2 ** (len(factors) - 1)
                for has, arm in arms.items()
            }
    return found
