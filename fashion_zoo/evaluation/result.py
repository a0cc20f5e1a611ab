"""What an evaluation measured: a dictionary that a cell shows in three lines."""

from typing import Any, ClassVar

from fashion_zoo.evaluation import metrics
from fashion_zoo.language.wording import percent
from fashion_zoo.runs.results import RESULTS, Result
from fashion_zoo.show import cells


class Evaluation(Result):
    """The content of ``evaluation.json``; see ``fashion_zoo.evaluation.measure``."""

    file = "evaluation.json"
    files = ("evaluation.json", "confusion.png", "reliability.png", "errors.png")
    shape: ClassVar[dict[str, Any]] = {
        "images": int,
        "accuracy": {"value": float, "low": float, "high": float},
        "nll": float,
        "brier": float,
        "ece": float,
        "classes": [{"name": str, "precision": float, "recall": float, "f1": float}],
    }
    unsaid = "not evaluated on the test images"

    def __repr__(self) -> str:
        try:
            hardest = min(self["classes"], key=lambda row: row["f1"])
            return cells.lines(
                self.said,
                ", ".join(f"{title} {number}" for title, number in self.scores.items()),
                f"hardest class {hardest['name']}, F1 {hardest['f1']:.3f}",
            )
        except (KeyError, TypeError, ValueError):  # a part of one, or changed by hand
            return super().__repr__()

    @property
    def scores(self) -> dict[str, str]:
        """The metrics that are one number, by their title, for people."""
        return {
            line.partition(":")[0]: f"{self[word]:.4f}"
            for word, line in metrics.WORDS.lines().items()
            if isinstance(self.get(word), float)
        }

    @property
    def said(self) -> str:
        """The accuracy with its interval, in words."""
        found = self["accuracy"]
        return (
            f"test accuracy {percent(found['value'])} (95 % interval {percent(found['low'])} to "
            f"{percent(found['high'])}, {self['images']:,} images)"
        )

    def _repr_html_(self) -> str:
        from fashion_zoo.show import pages

        rows = [
            [row["name"], *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))]
            for row in self.get("classes", ())
        ]
        return cells.page(repr(self), pages.table(["class", "precision", "recall", "F1"], rows))


RESULTS.register(Evaluation, "evaluation")
