"""The recall of the worst class."""

from typing import Any

from fashion_zoo.evaluation.metrics import WORDS, Predictions
from fashion_zoo.evaluation.statistics import wilson


@WORDS.register
def worst_recall(found: Predictions) -> dict[str, Any]:
    """Smallest recall of a class that has images, with its class and a 95 % interval.

    Which class is worst was seen on the same images, and the interval is right whichever it is: of
    the Wilson intervals of all C classes it has the smallest upper end at level 1 - 0.05 / C
    (Bonferroni), and the smallest lower end at level 0.95.
    """
    recalls = found.recalls
    lows = [wilson(*one).low for one in recalls.counts]
    highs = [wilson(*one, 1 - 0.05 / len(lows)).high for one in recalls.counts]
    name = found.class_names[recalls.classes[recalls.values.argmin()]]
    return {"value": recalls.worst, "low": min(lows), "high": min(highs), "class": name}
