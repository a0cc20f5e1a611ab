"""The recall of the worst class."""

from typing import Any

from fashion_zoo.evaluation.metrics import WORDS, Predictions
from fashion_zoo.evaluation.statistics import wilson


@WORDS.register
def worst_recall(found: Predictions) -> dict[str, Any]:
    """Smallest recall of a class that has images, with its class and a 95 % interval.

    Which class is worst was seen on the same images. The interval is right whichever it is: with C
    classes it ends at the smallest upper end of their Wilson intervals of 1 - 0.05 / C (Bonferroni),
    and begins at the smallest lower end of those of 0.95.
    """
    recalls = found.recalls
    lows = [wilson(*one).low for one in recalls.counts]
    highs = [wilson(*one, 1 - 0.05 / len(lows)).high for one in recalls.counts]
    name = found.class_names[recalls.classes[recalls.values.argmin()]]
    return {"value": recalls.worst, "low": min(lows), "high": min(highs), "class": name}
