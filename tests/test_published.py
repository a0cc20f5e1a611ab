"""Every published table comes out of its stored rows, to the letter."""

import re
import shutil
import subprocess
from pathlib import Path

import pages as written
import pytest

from fashion_zoo import list_recipes, read_results, recipe
from fashion_zoo.config import digest
from fashion_zoo.experiments import Measured, page as pages, training
from recipes import benchmark, experiment

ROOT = Path(__file__).parent.parent
WITHOUT_SETTINGS = {"augmentation", "dropout", "seconds"}
"""Experiments with rows that were measured when arms were written in another way."""


@pytest.mark.parametrize("name", experiment.names())
def test_the_page_of_an_experiment_shows_exactly_its_rows(name):
    found = experiment.find(name)
    page = ROOT / found.page
    rows, table = found.places(page=page).rows, "Not measured yet."
    if rows.exists():
        measured = Measured(found, pages.read_rows(rows))
        said = re.search(r"Not measured yet: (.+?)\.$", page.read_text("utf-8"), re.M)
        missing = re.findall("`(.+?)`", said[1]) if said else []
        known = [arm.name for arm in found.all_arms() if arm.recipe not in missing]
        assert known == list(measured.by_arm)
        table = measured.section()
        more = found.more(measured, found.places(page=page)) if found.more else {}
        for path, text in more.items():
            assert isinstance(text, bytes) or path.read_text(encoding="utf-8") == text, path
    assert page.read_text(encoding="utf-8") == pages.filled(page, {found.mark: table})


@pytest.mark.parametrize("name", experiment.names())
def test_every_arm_has_the_settings_that_its_rows_were_measured_with(name):
    found = experiment.find(name)
    rows = pages.read_rows(found.places(page=ROOT / found.page).rows)
    known = {arm.name: arm for arm in found.all_arms() if arm.recipe in list_recipes()}
    now = training.configs_of(found, list(known.values()), [])
    for row in rows:
        if row["arm"] in known and not known[row["arm"]].program and name not in WITHOUT_SETTINGS:
            settings = training.settings_of(known[row["arm"]], now[row["arm"]])
            assert settings == {"config": row["config"]}, row["arm"]


@pytest.mark.parametrize("name", benchmark.PROGRAMS)
def test_the_page_of_a_program_shows_exactly_its_rows(name):
    found = benchmark.load(name)
    page = ROOT / found.page
    rows = pages.read_rows(page.with_suffix(".csv"))
    assert {row["table"] for row in rows} <= set(found.tables)
    for mark, table in found.texts(rows).items():
        before, after = pages.around(page, mark)
        assert page.read_text(encoding="utf-8") == f"{before}\n{table}\n{after}"


@pytest.mark.parametrize("file", sorted(ROOT.glob("docs/**/*.csv")), ids=lambda file: file.stem)
def test_every_row_says_on_which_machine_and_commit_it_was_measured(file):
    for row in pages.read_rows(file):
        assert re.fullmatch(
            r".+, \d+ cores?, Python [\d.]+, Keras [\d.]+(, \w+ \S+)?", row["machine"]
        )
        assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])


def test_the_commit_of_every_row_is_in_the_history_of_this_one():
    if not shutil.which("git"):
        pytest.skip("there is no git here")
    done = subprocess.run(["git", "rev-list", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode or (ROOT / ".git" / "shallow").exists():
        pytest.skip("there is no whole history here")
    files = [*ROOT.glob("docs/**/*.csv"), *ROOT.glob("fashion_zoo/assets/*.csv")]
    found = {row["commit"]: file.name for file in files for row in pages.read_rows(file)}
    known = set(done.stdout.split())
    assert {commit: name for commit, name in found.items() if commit not in known} == {}


def test_an_experiment_takes_at_most_45_minutes_and_all_at_most_15_hours():
    """Rows that are older than the column do not say how long they took; their experiments pass."""
    took = written.minutes()
    assert {name: one for name, one in took.items() if one > 45} == {}
    assert sum(took.values()) <= 15 * 60


def test_the_minutes_of_an_experiment_are_known_if_all_of_its_rows_say_them(monkeypatch):
    rows = {"dropout": [{"took": 60.0}, {"took": 120.0}], "depth": [{"took": 60.0}, {}]}
    monkeypatch.setattr(experiment, "names", lambda: [*rows, "mixing"])
    monkeypatch.setattr(pages, "read_rows", lambda file: rows.get(file.stem, []))
    assert written.minutes() == {"dropout": 3.0}
    assert "`dropout` 3; together 0.1 hours" in written._times()


def test_a_recipe_was_measured_with_the_defaults_it_has_now_or_is_named_as_not_measured():
    results, without = read_results(), []
    for name in list_recipes():
        if name not in results:
            without.append(f"`{name}`")
    assert results.keys() <= set(list_recipes())
    for page in (ROOT / "README.md", ROOT / "docs" / "results.md"):
        said = re.findall(r"Not measured yet: (.*?)\.\n", page.read_text(encoding="utf-8"))
        assert said == ([" and ".join(without)] if without else [])
    for name, result in results.items():
        assert result.values("seed") == list(range(len(result.rows)))
        assert len(result.rows) >= 3
        for row in result.rows:
            assert row["config"] == digest.of(recipe(name).config), name
            assert row["parameters"] == recipe(name).parameters
            assert re.fullmatch("[0-9a-f]{40}", row["commit"])


def test_a_result_has_the_mean_over_its_seeds(tmp_path):
    rows = [
        {**read_results()["bn_mlp"].rows[0], "seed": seed, "test_accuracy": one}
        for seed, one in ((1, 0.8), (0, 0.9))
    ]
    pages.write_rows(tmp_path / "results.csv", rows)
    (found,) = read_results(tmp_path / "results.csv").values()
    assert found.recipe == "bn_mlp"
    assert found.values("seed") == [0, 1]
    assert found.values("test_accuracy") == [0.9, 0.8]
    assert found.mean("test_accuracy") == pytest.approx(0.85)
    assert read_results(tmp_path / "none.csv") == {}


@pytest.mark.parametrize("name", ["accuracy", "augmentation", "seconds"])
def test_a_table_of_trainings_with_augmentation_needs_tensorflow(name, monkeypatch, capsys):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert experiment.main([name]) == 3
    assert "augmentation is done by TensorFlow, and the backend is jax" in capsys.readouterr().err


def test_results_survive_their_file(tmp_path):
    accuracy = experiment.find("accuracy")
    pages.write_rows(tmp_path / "results.csv", pages.read_rows(accuracy.file))
    assert (tmp_path / "results.csv").read_bytes() == accuracy.file.read_bytes()
