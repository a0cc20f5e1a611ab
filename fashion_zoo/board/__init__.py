"""The board: measured results, in one file that a command writes."""

from fashion_zoo.board.results import RESULTS, Result, read_results, results_table

__all__ = ["RESULTS", "Result", "read_results", "results_table"]
