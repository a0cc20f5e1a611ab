"""Metrics of each class."""

from typing import Any

import numpy as np

from fashion_zoo.evaluation.metrics import WORDS, Predictions


@WORDS.register
def classes(found: Predictions) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, 0 if undefined."""
    from sklearn.metrics import precision_recall_fscore_support

    numbers = precision_recall_fscore_support(
        found.labels, found.predicted, labels=np.arange(len(found.class_names)), zero_division=0
    )
    titles = ("precision", "recall", "f1")
    return [
        {"name": name, **dict(zip(titles, map(float, scores), strict=True)), "images": int(count)}
        for name, *scores, count in zip(found.class_names, *numbers, strict=True)
    ]


@WORDS.register
def confusion(found: Predictions) -> list[list[int]]:
    """Number of images, the true class down, the predicted one across."""
    from sklearn.metrics import confusion_matrix

    number = np.arange(len(found.class_names))
    return confusion_matrix(found.labels, found.predicted, labels=number).tolist()
