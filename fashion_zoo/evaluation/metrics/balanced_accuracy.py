"""Balanced accuracy."""

import numpy as np

from fashion_zoo.evaluation.metrics import WORDS, Predictions
from fashion_zoo.evaluation.statistics import wilson


@WORDS.register
def balanced_accuracy(found: Predictions) -> dict[str, float]:
    """Mean recall over the classes that have images, with its 95 % interval.

    With the Wilson interval l_c .. u_c of each of C recalls r_c the interval is

        mean - sqrt(sum (r_c - l_c)^2) / C  to  mean + sqrt(sum (u_c - r_c)^2) / C

    References: Brodersen et al. 2010, ICPR, for the metric; Zou, Huang & Zhang 2009, Computational
    Statistics & Data Analysis 53(4), for the interval.
    """
    recalls = found.recalls
    lows, highs = np.transpose([wilson(*one) for one in recalls.counts])
    classes, mean = len(recalls.values), recalls.balanced_accuracy
    below, above = (np.sqrt(((end - recalls.values) ** 2).sum()) / classes for end in (lows, highs))
    return {"value": mean, "low": float(mean - below), "high": float(mean + above)}
