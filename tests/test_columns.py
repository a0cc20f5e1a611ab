"""Cells of a table: means and differences with their intervals over the seeds."""

import re
from pathlib import Path

import pytest

from fashion_zoo.experiments import Arm, Experiment, Measured, columns, page
from recipes import experiment


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


@pytest.mark.parametrize("name", experiment.names())
def test_what_is_never_negative_has_no_interval_below_0(name):
    """Numbers with a sign are differences, and a mean below 0 shows that others may be."""
    found = experiment.find(name)
    home = Path(__file__).parent.parent / found.page
    table = Measured(found, page.read_rows(found.places(page=home).rows)).rows_of(found.columns)
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()[2:]]
    for cells in zip(*lines, strict=True):
        means = [re.match(r" (-?[\d.,]+)[^(]*\((-?[\d.,]+)[ %]* to", cell) for cell in cells]
        ends = [one.groups() for one in means if one]
        if not any(mean.startswith("-") for mean, _ in ends):
            assert not any(low.startswith("-") for _, low in ends), ends
