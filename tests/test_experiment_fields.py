"""Wrong fields of an experiment are answered, most of them before anything is trained."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest

from fashion_zoo import ConfigError, experiments
from fashion_zoo.experiments import Arm, Claim, Contrast, Quick, page

pytestmark = pytest.mark.usefixtures("no_memory_given_back")


def program(seed, data):
    return {"validation_accuracy": 0.5, "seconds": 1.0}


def _named(run):
    return 1.0


def _column(name, run):
    return {name: 1.0}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"arms": ["a", "b"]}, "arms takes a list of Arms, with 'a' in it."),
        ({"claims": Claim("a", "b")}, "Experiment takes a list of Claims as claims, received"),
        ({"claims": [("a", "b")]}, "Experiment takes a list of Claims as claims, received"),
        ({"metrics": _named}, "Experiment takes a list of functions of 1 argument"),
        ({"quick": {"data": {}}}, "Experiment takes a Quick as quick, received {'data': {}}."),
        ({"note": "a {b"}, "The note 'a {b' cannot be read: expected '}' before end of string."),
        ({"note": "{}"}, "The note '{}' cannot be read: Format string contains positional fields"),
        ({"note": "{0}"}, "The note '{0}' cannot be read: Format string contains"),
        (
            {"note": "{seeds:d}"},
            "cannot be read: Unknown format code 'd'",
        ),
        ({"imports": "mine.py"}, "imports takes a list of texts, received 'mine.py'."),
    ],
)
def test_a_wrong_field_of_an_experiment_is_answered_at_once(own, fields, said):
    with pytest.raises(ConfigError) as caught:
        dataclasses.replace(own, **fields)
    assert said in str(caught.value)


def test_wrong_fields_of_arms_and_quick_looks_are_answered_at_once():
    with pytest.raises(ConfigError, match="Arm takes a dictionary as changes, received 3"):
        Arm("a", changes=3)
    with pytest.raises(ConfigError, match="Arm takes a function of 2 arguments or None as program"):
        Arm("a", program=lambda seed: {})
    with pytest.raises(ConfigError, match="Quick takes a whole number as seeds, received 'two'"):
        Quick(seeds="two")


@pytest.mark.parametrize(
    "claim",
    [
        Claim("wide", "as it is", "gpa"),
        Contrast("width", metric="gpa", weights={"wide": 1, "as it is": -1}),
    ],
)
def test_a_metric_that_nothing_measures_is_answered(own, trained_runs, claim):
    with pytest.raises(ConfigError, match="Unknown metric of a claim 'gpa'"):
        experiments.run(dataclasses.replace(own, claims=[claim]), seeds=2)
    assert trained_runs == []
    measuring = dataclasses.replace(own, claims=[claim], metrics=experiments.METRICS)
    with pytest.raises(ConfigError, match="Unknown metric 'gpa'"):  # which may be of a dictionary
        experiments.run(measuring, seeds=2)


def test_a_choice_claims_nothing_of_the_test_images(own, trained_runs):
    claims = [Claim("wide", "as it is")]
    with pytest.raises(ConfigError, match="Unknown metric of a claim 'test_accuracy'"):
        experiments.run(dataclasses.replace(own, chooses=True, claims=claims), seeds=1)
    assert trained_runs == []


def test_every_column_has_one_metric(own, trained_runs):
    for metrics, said in (
        ([lambda run: 1, lambda run: 2], "There are two columns '<lambda>': give the metric or"),
        ([lambda run: {"config": 1}], "There are two columns 'config'"),
        ([functools.partial(_named)], "a function with a name or returns a dictionary; received"),
    ):
        with pytest.raises(ConfigError, match=said):
            experiments.run(dataclasses.replace(own, metrics=metrics))
    made = [*experiments.METRICS, *(functools.partial(_column, name) for name in ("a", "b"))]
    experiments.run(dataclasses.replace(own, metrics=made), seeds=2)
    assert page.read_rows(Path("runs/width/width.csv"))[0]["b"] == 1


def test_what_an_experiment_takes_in_other_forms(own, trained_runs):
    arms = {"as it is": Arm("as it is"), "wide": Arm("wide", teacher=["as it is"])}
    other = dataclasses.replace(
        own, arms=arms.values(), seeds=np.int64(2), folder=Path("x"), page=Path("own.md")
    )
    assert [arm.teachers for arm in other.all_arms()] == [(), ("as it is",)]


def test_a_program_returns_a_dictionary_and_its_rows_have_no_config(own):
    programs = [Arm("as it is", program=program), Arm("wide", program=lambda seed, data: None)]
    mine = dataclasses.replace(own, arms=programs)
    reserved = [
        dataclasses.replace(one, program=lambda seed, data: {"config": 1}) for one in programs
    ]
    with pytest.raises(ConfigError, match="There are two columns 'config'"):
        experiments.run(dataclasses.replace(own, arms=reserved), seeds=2)
    experiments.run(mine, seeds=2, only="as it is")
    rows = page.read_rows(Path("runs/width/width.csv"))
    assert all("config" not in row for row in rows)
    with pytest.raises(ConfigError, match="The program of arm 'wide' must return a dictionary fro"):
        experiments.run(mine, seeds=2, only="wide")
    kept = json.loads(Path("runs/width/as_it_is-0.json").read_text())
    assert kept["answer"].pop("took") >= 0
    assert kept["answer"] == program(0, None)
