"""Every published table comes out of its stored rows, to the letter."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from fashion_zoo import list_recipes, read_results, recipe
from fashion_zoo.config import digest
from fashion_zoo.evaluation import mean_interval
from fashion_zoo.evaluation.statistics import FRACTION, standard_deviation
from fashion_zoo.experiments import Measured, page as pages
from recipes import benchmark, experiment

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", experiment.names())
def test_the_page_of_an_experiment_shows_exactly_its_rows(name):
    found = experiment.find(name)
    page = ROOT / found.page
    rows, table = found.file or page.with_suffix(".csv"), "Not measured yet."
    if rows.exists():
        measured = Measured(found, found.read(rows))
        assert [arm.name for arm in found.all_arms()] == list(measured.by_arm)
        table = measured.section()
    before, after = pages.around(page, found.mark)
    assert page.read_text(encoding="utf-8") == f"{before}\n{table}\n{after}"


@pytest.mark.parametrize("name", benchmark.PROGRAMS)
def test_the_page_of_a_program_shows_exactly_its_rows(name):
    found = benchmark.load(name)
    page = ROOT / found.page
    rows = pages.read_rows(page.with_suffix(".csv"))
    assert {row["table"] for row in rows} == set(found.tables)
    for mark, table in found.texts(rows).items():
        before, after = pages.around(page, mark)
        assert page.read_text(encoding="utf-8") == f"{before}\n{table}\n{after}"


@pytest.mark.parametrize("file", sorted(ROOT.glob("docs/**/*.csv")), ids=lambda file: file.stem)
def test_every_row_says_on_which_machine_and_commit_it_was_measured(file):
    for row in pages.read_rows(file):
        assert re.fullmatch(
            r".+, \d+ cores, Python [\d.]+, Keras [\d.]+(, \w+ \S+)?", row["machine"]
        )
        assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])


def test_every_recipe_was_measured_with_the_defaults_it_has_now():
    results = read_results()
    assert sorted(results) == list_recipes()
    for name, result in results.items():
        assert result.config == digest.of(recipe(name).config), name
        assert result.parameters == recipe(name).parameters
        assert result.seeds >= 3
        assert "+" not in result.commit


def test_the_summary_follows_from_the_single_seeds():
    for result in read_results().values():
        for part in ("validation", "test"):
            each = [float(value) for value in getattr(result, f"{part}_each").split()]
            assert len(each) == result.seeds
            assert getattr(result, f"{part}_mean") == pytest.approx(sum(each) / len(each))
            assert getattr(result, f"{part}_spread") == pytest.approx(standard_deviation(each))
            low, high = mean_interval(each, FRACTION)
            assert getattr(result, f"{part}_low") == pytest.approx(low)
            assert getattr(result, f"{part}_high") == pytest.approx(high)


def test_a_recipe_that_was_measured_alone_leaves_the_results_of_the_others_as_they_are(tmp_path):
    accuracy = experiment.find("accuracy")
    file = tmp_path / "results.csv"
    rows = accuracy.read(accuracy.file)
    again = {name: one for name, one in rows[0].items() if name != "stored"}
    again |= {"commit": "0123456789abcdef", "device": "another"}
    new = [{**again, "seed": seed, "test_accuracy": 0.5 + seed / 100} for seed in range(3)]
    measured = Measured(accuracy, [*rows, *new])
    accuracy.write(file, measured.rows)
    before, after = read_results(), read_results(file)
    changed = again["arm"]
    assert {name: one for name, one in after.items() if name != changed} == {
        name: one for name, one in before.items() if name != changed
    }
    assert after[changed].test_each == "0.5000 0.5100 0.5200"
    assert after[changed].test_mean == pytest.approx(0.51)
    others = after[next(name for name in after if name != changed)].commit[:12]
    assert f"commit 0123456789ab, `{list(after)[1]}` {others}, " in measured.table()


def test_the_benchmark_prints_as_json_what_it_measured(tmp_path, monkeypatch, capsys):
    accuracy = experiment.find("accuracy")

    def run(asked, **options):
        first = accuracy.read(accuracy.file)[:3]
        asked.write(tmp_path / "accuracy.csv", first)

    monkeypatch.setattr("fashion_zoo.experiments.run", run)
    monkeypatch.setattr("recipes._common.start_keras", lambda: None)
    assert benchmark.main(["accuracy", "--folder", str(tmp_path), "--json"]) == 0
    assert [row["recipe"] for row in json.loads(capsys.readouterr().out)] == list_recipes()[:1]


def test_results_survive_their_file(tmp_path):
    accuracy = experiment.find("accuracy")
    accuracy.write(tmp_path / "results.csv", accuracy.read(accuracy.file))
    assert (tmp_path / "results.csv").read_bytes() == accuracy.file.read_bytes()
    rows = [
        {name: one for name, one in row.items() if name != "stored"}
        for row in accuracy.read(accuracy.file)
    ]
    accuracy.write(tmp_path / "summed.csv", rows)
    for name, result in read_results(tmp_path / "summed.csv").items():
        for field in dataclasses.fields(result):
            assert getattr(result, field.name) == pytest.approx(
                getattr(read_results()[name], field.name)
            )
