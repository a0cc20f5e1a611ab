"""Evaluation: metrics with their intervals, and the report of a run on the test images."""

from fashion_zoo.evaluation.metrics import measure
from fashion_zoo.evaluation.report import evaluate, evaluate_run, measure_test
from fashion_zoo.evaluation.statistics import mean_interval, wilson

__all__ = ["evaluate", "evaluate_run", "mean_interval", "measure", "measure_test", "wilson"]
