"""Tuned recipes: what is searched and trained again, what is confirmed, and what is written."""

import dataclasses
import shlex
from types import SimpleNamespace

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, TrainingError, recipe, spaces
from fashion_zoo.experiments import page as pages
from recipes import _common, benchmark, train
from recipes.benchmark import tuned

TINY = {
    "data": {"limit": 400},
    "training": {"epochs": 1, "batch_size": 100},
    "model": {"hidden_units": (8,)},
    "space": {"batch_size": "100", "depth": "1", "units": "choice(8, 16)"},
}
COMMAND = "python -m recipes.train l2_mlp --model.l2 0.0001"
PLACE = {"machine": "CPU, 2 cores", "commit": "0" * 40}


def row(trial, again, table="l2_mlp", **others):
    """A row as it is measured."""
    own = {"gain": 0.0, "command": f"{COMMAND}{trial}"} if trial else {}
    counts = {"trials": 20, "done": 4, "pruned": 16}
    return {
        "table": table, "trial": trial, "score": 0.9, "again": " ".join(map(str, again)),
        **counts, **own, **others,
    }  # fmt: skip


def candidate(trial, again):
    """A row of ``report.json``."""
    gains = dict.fromkeys(("gain", "gain_low", "gain_high"), 0.01 if trial else None)
    return {"trial": trial, "defaults": not trial, "score": 0.9, "again": again, **gains}


def parsed(line, entry):
    """The config that a command trains."""
    python, m, module, name, *words = shlex.split(line)
    assert (python, m, module, name) == ("python", "-m", "recipes.train", entry.name)
    return _common.parse_config(train.Train, words, "train", entry.config, train._BRIEF)[1]


@pytest.fixture
def searched(monkeypatch, tmp_path):
    """What is asked of a search, and the candidates that it finds."""
    found = SimpleNamespace(asked=[], candidates=[candidate(0, [0.5, 0.6])])

    def tune(name, **options):
        found.asked.append((name, options))
        counts = SimpleNamespace(planned=20, done=4, pruned=15)
        return SimpleNamespace(folder=tmp_path, counts=counts, candidates=found.candidates)

    monkeypatch.setattr(fashion_zoo, "tune", tune)
    return found


@pytest.fixture
def page(tmp_path):
    """A page with a place for each recipe."""
    found = tmp_path / "tuned.md"
    places = [f"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\n" for name in tuned.RECIPES]
    found.write_text("".join(places))
    return found


def test_each_recipe_is_searched_with_its_own_study_and_one_alone_if_asked(searched, tmp_path):
    rows = list(tuned.measure(seeds=2, folder=tmp_path, progress=False, data={"limit": 400}))
    assert [name for name, _ in searched.asked] == list(tuned.RECIPES)
    assert [row["table"] for row in rows] == list(tuned.RECIPES)
    assert searched.asked[1][1] == {
        "trials": 20, "candidates": 3, "seeds": 2, "study_dir": tmp_path / "bn_mlp",
        "progress": False, "data": {"limit": 400},
    }  # fmt: skip
    assert rows[1] == {
        "table": "bn_mlp", "trial": 0, "score": 0.9, "again": "0.5 0.6", "trials": 20, "done": 4,
        "pruned": 15,
    }  # fmt: skip
    list(tuned.measure(trials=7, only="l2_mlp", folder=tmp_path))
    assert [(name, options["trials"]) for name, options in searched.asked[4:]] == [("l2_mlp", 7)]


def test_without_defaults_to_compare_with_nothing_is_written(searched, page):
    before = page.read_text()
    for searched.candidates in ([], [candidate(7, [0.5, 0.6])]):
        with pytest.raises(TrainingError, match="The defaults of bn_mlp were not trained again"):
            tuned.PROGRAM.run(page, only="bn_mlp")
    assert page.read_text() == before
    assert not page.with_suffix(".csv").exists()


def test_the_rows_of_other_recipes_stay_to_the_letter(searched, page):
    file = page.with_suffix(".csv")
    others = [row(7, [0.9184, 0.9]), row(0, [0.1 + 0.2, 0.9])]
    old = [row(0, [0.8, 0.8], "bn_mlp"), row(0, [0.7, 0.8], "baseline_mlp")]
    pages.write_rows(file, [{**one, **PLACE} for one in (*others, *old)])
    kept = [line for line in file.read_text().splitlines() if line.startswith("l2_mlp")]
    said = tuned.PROGRAM.run(page, only="bn_mlp", seeds=2)
    lines = file.read_text().splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [
        "baseline_mlp", "bn_mlp", "l2_mlp", "l2_mlp",
    ]  # fmt: skip
    stored = pages.read_rows(file)
    assert stored[1]["again"] == "0.5 0.6"
    assert stored[2:] == [{**one, **PLACE} for one in others]
    assert len(kept) == 2
    assert "--only bn_mlp --trials 20 --seeds 2` reproduces this" in said
    assert "l2_mlp" not in said
    written = page.read_text()
    assert said in written
    assert "old" not in written
    assert written.count("Not measured yet.") == 1  # adaptive_dropout_mlp
    assert written.count("CPU, 2 cores, commit 000000000000.") == 2


def test_a_recipe_that_is_not_searched_is_answered_before_the_search(searched, page):
    with pytest.raises(ConfigError, match=r"Unknown table 'bn_mpl'\. Did you mean 'bn_mlp'"):
        tuned.PROGRAM.run(page, only="bn_mpl")
    with pytest.raises(ConfigError, match="seeds must be at least 2"):
        tuned.PROGRAM.run(page, seeds=1)
    assert not searched.asked


def test_a_trial_is_confirmed_if_the_interval_for_three_gains_is_above_0():
    defaults = row(0, [0.9, 0.9, 0.9])
    # by hand: mean 0.004, deviation 0.0005, t(1 - 0.05 / 6, 2) = 7.6489: 0.004 -+ 0.00221
    text = tuned.table([row(7, [0.9035, 0.904, 0.9045]), defaults])
    intro, table, verdict, command = text.split("\n\n")
    assert intro == (
        "`python -m recipes.benchmark tuned --only l2_mlp --trials 20 --seeds 3` reproduces this: "
        "20 trials, 4 of them completed and 16 pruned."
    )
    lines = table.splitlines()
    assert lines[0] == "| trial | score in the search | trained again | gain on the defaults |"
    assert lines[2].startswith("| 7 | 90.00 % | 90.40 % (90.28 to 90.52) | ")
    assert lines[2].endswith(" | +0.40 points (+0.18 to +0.62) |")
    assert lines[3] == "| the defaults | 90.00 % | 90.00 % (90.00 to 90.00) |  |"
    assert verdict == ("Trial 7 is confirmed: the interval of its gain is above 0. This trains it:")
    assert command == f"```bash\n{COMMAND}7\n```"


def test_one_interval_alone_would_be_above_0_and_that_of_three_is_not():
    # 95 % alone: 0.004 -+ 0.00248; of three: 0.004 -+ 0.00442
    text = tuned.table([row(7, [0.903, 0.904, 0.905]), row(0, [0.9, 0.9, 0.9])])
    assert "+0.40 points (-0.04 to +0.84)" in text
    assert text.endswith("No tuned variant was found: no interval of a gain is above 0.")
    alone = tuned.table([row(0, [0.9, 0.9])])
    assert alone.endswith("No tuned variant was found: no interval of a gain is above 0.")


def test_the_same_gain_with_two_seeds_is_not_confirmed():
    text = tuned.table([row(1, [0.91, 0.92]), row(0, [0.9, 0.91])])
    assert "| +1.00 points |" in text
    assert text.endswith("No tuned variant was found: no interval of a gain is above 0.")


def test_a_loss_is_not_confirmed_and_the_best_confirmed_trial_is_named():
    defaults = row(0, [0.9, 0.9, 0.9])
    unsure, sure = row(3, [0.9, 0.92, 0.94]), row(5, [0.91, 0.91, 0.91])
    worse = row(9, [0.8, 0.8, 0.8])
    assert "Trial 5 is confirmed" in tuned.table([unsure, sure, defaults, worse])
    assert "No tuned variant was found" in tuned.table([defaults, worse])


@pytest.mark.parametrize("name", tuned.RECIPES)
def test_the_command_of_a_trial_trains_its_config(name):
    entry, base = recipe(name), recipe(name).config
    values = {
        "optimizer": "sgd", "learning_rate": 0.0123456789012345, "batch_size": 512,
        "learning_rate_schedule": "cosine", "label_smoothing": 0.05, "augmentation": "light",
        "augmentation_strength": 0.41237, "mixing": "none", "depth": 2, "units_1": 128,
        "units_2": 64, "dropout_1": 0.1 + 0.2, "dropout_2": 0.05,
    }  # fmt: skip
    config = entry.space.config(spaces.complete(entry.space.parameters(base), values), base)
    line = tuned.command(name, dataclasses.replace(config, seed=3))
    assert line.startswith(f"python -m recipes.train {name} --")
    assert "seed" not in line
    assert parsed(line, entry) == config


@pytest.mark.slow
def test_a_search_goes_on_and_the_command_of_a_trial_is_of_its_config(page, tmp_path):
    options = {"seeds": 2, "folder": tmp_path, "only": "l2_mlp", "progress": False, **TINY}
    tuned.PROGRAM.run(page, trials=1, **options)
    again = tmp_path / "l2_mlp" / "again"
    before = {file: file.read_bytes() for file in again.glob("trial-0-*/training.json")}
    said = tuned.PROGRAM.run(page, trials=2, **options)
    assert {file: file.read_bytes() for file in before} == before
    assert len(before) == 2
    assert "--only l2_mlp --trials 2 --seeds 2` reproduces this: 2 trials, 2 of them" in said
    rows = pages.read_rows(page.with_suffix(".csv"))
    assert {one["table"] for one in rows} == {"l2_mlp"}
    assert {one["trial"] for one in rows} == {0, 1}
    for one in rows:
        runs = [fashion_zoo.open_run(again / f"trial-{one['trial']}-{seed}") for seed in (1, 2)]
        reached = [run.read_json("training.json")["validation_accuracy"] for run in runs]
        assert [float(again) for again in one["again"].split()] == reached
        if one["trial"]:
            found = dataclasses.replace(runs[0].config, seed=0)
            assert parsed(one["command"], recipe("l2_mlp")) == found


def test_the_command_passes_its_options_on(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(type(tuned.PROGRAM), "run", lambda self, **given: asked.append(given) or "")
    monkeypatch.setattr(_common, "start_keras", lambda: None)
    assert benchmark.main(["tuned", "--only", "l2_mlp", "--trials", "9"]) == 0
    assert asked == [{"only": "l2_mlp", "trials": 9, "progress": True}]
    assert benchmark.main(["search", "--trials", "9"]) == 3
    assert "--trials is not of benchmark search" in capsys.readouterr().err
