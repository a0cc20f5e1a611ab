"""Figures: functions of arrays that return a matplotlib figure, without global state."""

from fashion_zoo.show.plots.evaluation import confusion, errors, pictures, reliability
from fashion_zoo.show.plots.search import front, history, importances, parallel, slices
from fashion_zoo.show.plots.training import curves, range_test, schedules

__all__ = [
    "confusion",
    "curves",
    "errors",
    "front",
    "history",
    "importances",
    "parallel",
    "pictures",
    "range_test",
    "reliability",
    "schedules",
    "slices",
]
