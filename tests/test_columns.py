"""Cells of a table: means and differences with their intervals over the seeds."""

from fashion_zoo.experiments import Arm, Experiment, Measured, columns


def test_two_equal_values_leave_no_interval_over_the_seeds():
    assert columns.mean([0.5, 0.5]) == "0.500"
    assert columns.points([0.8501 - 0.85, 0.8504 - 0.8503]) == "+0.01"
    assert columns.percent([0.9, 0.9], spread=True) == "90.00 ± 0.00 %"
    assert columns.percent([0.9, 0.9], images=10_000) == "90.00 % (89.40 to 90.57)"
    assert columns.mean([0.5, 0.5, 0.5]) == "0.500 (0.500 to 0.500)"
    assert columns.mean([0.5]) == "0.500"


def test_a_percent_sign_has_a_blank():
    own = Experiment("own", "?", [Arm("a")], [], note="")
    measured = Measured(own, [{"arm": "a", "seed": 0, "share": 0.349}])
    assert columns.number("share", "share", ".1%").cell(measured, "a") == "34.9 %"
    assert columns.value("share", "share", ".1%").cell(measured, "a") == "34.9 %"
