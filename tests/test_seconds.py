"""The table of seconds to an accuracy."""

import csv

import pytest

import fashion_zoo
from fashion_zoo import registry, runs
from fashion_zoo.config import DataConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.evaluation import measure_test
from recipes.benchmark import measuring, seconds
from recipes.benchmark.page import MARKS
from recipes.benchmark.seconds import Timed, seconds_table


def test_every_schedule_is_of_a_recipe_and_has_a_config():
    assert list(seconds.SCHEDULES) == [88, 89, 90, 91]
    for recipe, overrides in seconds.SCHEDULES.values():
        override(registry.recipe(recipe).config, overrides)
    assert seconds.SCHEDULES[90] == ("bn_mlp.quick", {})


def test_the_table_has_means_with_their_intervals():
    rows = [
        Timed("a", (1.0, 2.0), (0.90, 0.92), (0.88, 0.90)),
        Timed("tutorial", (9.0, 9.0), (0.5, 0.5), (0.5, 0.5)),
    ]
    lines = seconds_table(rows).splitlines()
    # by hand: t(0.975, 1) = 12.706, half widths 12.706 * 0.5 s and 12.706 * 1 point
    # seconds: 1.5 exp(-+ 6.353 / 1.5); accuracies: expit(logit(0.91) -+ 0.12706 / (0.91 * 0.09))
    assert lines[2] == (
        "| a | 1.5 (0.0 to 103.6) | 91.00 % (68.18 to 97.95) | 89.00 % (68.84 to 96.73) |"
    )
    assert lines[3].startswith("| tutorial | 9.0 (9.0 to 9.0) | 50.00 %")
    assert lines[5].startswith("Mean over 2 seeds with its 95 % interval, by Student's t, of ")


def test_a_model_of_no_run_is_measured_like_one_of_a_run(trained):
    assert measure_test(trained.run.load_model(), DataConfig()) == trained.run.evaluation()


@pytest.mark.slow
def test_the_benchmark_writes_table_and_rows(tmp_path, small, monkeypatch):
    monkeypatch.setattr(seconds, "SCHEDULES", {88: ("bn_mlp", {"model": {"dropout": 0.1}})})
    monkeypatch.setattr(seconds, "TUTORIAL_EPOCHS", 1)
    page = tmp_path / "seconds.md"
    begin, end = (mark.format("results") for mark in MARKS)
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    table = measuring.benchmark_seconds(seeds=2, folder=tmp_path / "runs", page=page, **small)
    assert page.read_text() == f"before\n{begin}\n{table}\n{end}\nafter\n"
    with page.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = "88 %: `bn_mlp`, 32-16, 2 epochs, batches of 100, policy none"
    assert [(row["schedule"], row["seed"]) for row in rows] == [
        (words, "0"), (words, "1"), ("tutorial", "0"), ("tutorial", "1"),
    ]  # fmt: skip
    run = runs.open_run(tmp_path / "runs" / "bn_mlp-88-1")
    assert (run.config.model.dropout, run.config.seed) == ((0.1,), 1)
    trained = run.read_json("training.json")
    assert float(rows[1]["seconds"]) == trained["seconds"]
    assert float(rows[1]["validation_accuracy"]) == trained["validation_accuracy"]
    assert float(rows[1]["test_accuracy"]) == run.evaluation()["accuracy"]["value"]
    # a tenth of the images are of each class: guessing would give that
    assert all(float(row["test_accuracy"]) > 0.4 for row in rows[2:])
    assert rows[2]["test_accuracy"] != rows[3]["test_accuracy"]
    with pytest.raises(fashion_zoo.ConfigError, match="seeds must be at least 2"):
        measuring.benchmark_seconds(seeds=1, page=page)
    with pytest.raises(fashion_zoo.ConfigError, match="name another folder for a quick look"):
        measuring.benchmark_seconds(page=page, training={"epochs": 1})
