"""Evaluation: metrics with their intervals, and the report of a run on the test images."""

from fashion_zoo.evaluation.metrics import measure as measure
from fashion_zoo.evaluation.report import (
    evaluate as evaluate,
    evaluate_run as evaluate_run,
    measure_test as measure_test,
)
from fashion_zoo.evaluation.statistics import (
    mean_interval as mean_interval,
    sampled_interval as sampled_interval,
    wilson as wilson,
)
