"""The part ``ensemble`` of a run's ``config.json``: of which runs its model is made, and how."""

from typing import Any, ClassVar

from fashion_zoo.language.wording import counted, percent, points


class Ensemble(dict[str, Any]):
    """How a model was made of those of other runs; see docs/ensembles.md."""

    shape: ClassVar[dict[str, Any]] = {
        "method": str,
        "members": [
            {
                "path": str,
                "recipe": str,
                "seed": int,
                "digest": str,
                "validation_accuracy": float,
                "weight?": float,
            }
        ],
        "temperature?": float,
        "validation_accuracy": float,
        "parameters": int,
        "member_parameters": int,
    }
    """Its required content, as in ``stored.SHAPES``."""

    @property
    def title(self) -> str:
        """Method and number of members, in words."""
        return f"{self['method']} of {counted(len(self['members']), 'member')}"

    @property
    def is_soup(self) -> bool:
        """Whether its model is one of the recipe, whose weights are means of those of members."""
        return self["method"].partition("(")[0].strip() == "soup"

    @property
    def best(self) -> dict[str, Any]:
        """The member with the highest validation accuracy, of equals the first."""
        return max(self["members"], key=lambda one: one["validation_accuracy"])

    @property
    def gain(self) -> float:
        """Validation accuracy less that of the best member, a difference of fractions."""
        return self["validation_accuracy"] - self.best["validation_accuracy"]

    @property
    def summary(self) -> str:
        """Validation accuracy and gain, in words."""
        reached = percent(self["validation_accuracy"])
        return f"validation accuracy {reached}, {points(self.gain)} points against its best member"
