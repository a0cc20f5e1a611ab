"""Rows of an experiment that must not be lost, or compared with others."""

import dataclasses
import io
import json
import re
import shlex
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from arms import OWN

import fashion_zoo
from fashion_zoo import ConfigError, DataError, TrainingError, experiments
from fashion_zoo.experiments import Arm, Claim, Experiment, page
from recipes import compare, experiment

LABELS = np.arange(200) % 4
PIXELS = np.random.default_rng(0).integers(0, 256, (200, 8, 8), dtype="uint8")

pytestmark = pytest.mark.usefixtures("no_memory_given_back")


def test_rows_of_an_installed_package_have_no_commit_and_are_read_again(own, trained_runs, capsys):
    trained_runs.commit = None
    assert experiment.main(["width.py", "--seeds", "2"]) == 0
    table = capsys.readouterr().out
    assert "tensorflow 2.21.0, commit unknown. `python" in table
    assert experiment.main(["width.py", "--no-measure"]) == 0
    assert experiment.main(["width.py", "--seeds", "2", "--only", "wide"]) == 0
    assert capsys.readouterr().out == 2 * table
    noted = dataclasses.replace(own, note="At {commit}.")
    assert experiments.run(noted, measure=False).endswith("\n\nAt unknown.")


def test_a_row_has_the_seconds_of_when_it_was_made(own, trained_runs):
    def program(seed, data):
        time.sleep(0.05)
        return {"validation_accuracy": 0.5, "test_accuracy": 0.5, "seconds": 1.0}

    one, two = own.arms
    mine = dataclasses.replace(own, arms=[one, dataclasses.replace(two, program=program)])
    file = Path("runs/width/width.csv")
    experiments.run(mine, seeds=2)
    made = page.read_rows(file)
    assert [row["took"] for row in made[:2]] == [2, 3], "what the runs say is more"
    assert all(0.05 <= row["took"] < 60 for row in made[2:])
    experiments.run(mine, seeds=2)
    assert page.read_rows(file) == made
    for place in Path("runs/width").glob("wide-*.json"):  # as an older version wrote them
        kept = json.loads(place.read_text())
        place.write_text(json.dumps({**kept, "answer": program(0, None)}))
    table = experiments.run(mine, seeds=2)
    older = page.read_rows(file)
    assert ["took" in row for row in older] == [True, True, False, False]
    page.write_rows(file, [{**row, "took": ""} for row in older])
    assert experiments.run(mine, measure=False) == table


def test_arms_that_another_process_measures_meanwhile_keep_their_rows(own, trained_runs):
    once, began = trained_runs.train_once, []

    def train(*arguments):
        if not began:  # the other one begins and ends during the first training
            began.append(True)
            experiments.run(own, seeds=2, only="as it is")
        return once(*arguments)

    experiments.run(own, seeds=2)
    Path("runs/width/width.csv").unlink()
    trained_runs.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fashion_zoo.training.session.train_once", train)
        table = experiments.run(own, seeds=2, only="wide")
    rows = page.read_rows(Path("runs/width/width.csv"))
    assert [(row["arm"], row["seed"]) for row in rows] == [
        ("as it is", 0), ("as it is", 1), ("wide", 0), ("wide", 1),
    ]  # fmt: skip
    assert "| as it is | 100.00 % |" in table


def test_rows_of_other_settings_are_left_out(own, trained_runs):
    experiments.run(own, seeds=2)
    longer = dataclasses.replace(own, settings={"training": {"epochs": 10}})
    said = "Left out are the rows of `as it is`, which were measured with other settings than now."
    table = experiments.run(longer, seeds=2, only="wide")
    assert table.endswith(f"\n\n{said}")
    assert "| as it is |" not in table
    file = Path("runs/width/width.csv")
    assert len(page.read_rows(file)) == 4, "they are kept"
    assert said in experiments.run(longer, measure=False)
    with pytest.raises(DataError, match="has no rows of experiment width with the settings it"):
        shorter = dataclasses.replace(own, settings={"training": {"epochs": 1}})
        experiments.run(shorter, measure=False)
    assert "Left out" not in experiments.run(longer, seeds=2, only="as it is")
    rows = [{name: one for name, one in row.items() if name != "config"} for row in
            page.read_rows(file)]  # fmt: skip
    page.write_rows(file, rows)  # as an older version wrote them
    assert "| as it is |" in experiments.run(own, seeds=2, only="wide")


def test_rows_on_images_of_ones_own_are_those_of_a_moved_folder_as_well(
    own, trained_runs, monkeypatch
):
    for place in ("one", "two"):
        Path(place).mkdir()
        with zipfile.ZipFile(f"{place}/pics.npz", "w") as archive:
            for name, array in (("images", PIXELS), ("labels", LABELS)):
                file = io.BytesIO()
                np.save(file, array)
                archive.writestr(f"{name}.npy", file.getvalue())
    home = Path.cwd()
    monkeypatch.chdir("one")
    tables = []
    for place in ("one", "two"):
        monkeypatch.chdir(home / place)
        small = {"data": {"source": "pics.npz"}, "training": {"batch_size": 50}}
        mine = dataclasses.replace(own, settings=small)
        tables.append(experiments.run(mine, seeds=2, measure=place == "one"))
        if place == "one":
            shutil.copytree("runs", home / "two/runs")
    assert tables[0] == tables[1]
    assert "| wide |" in tables[0]


@pytest.mark.parametrize("words", [["--quick"], ["--data.source", "digits"]])
def test_the_runs_of_the_whole_experiment_are_never_replaced_by_a_look(
    own, trained_runs, capsys, words
):
    assert experiment.main(["width.py", *words, "--folder", "runs/width"]) == 3
    assert (
        "This would replace the runs of the whole experiment. Name another folder with --folder."
    ) in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert trained_runs == []


def test_a_copy_of_the_same_name_is_refused(own):
    copied = OWN.replace('name="width"', 'name="dropout"')
    Path("mine.py").write_text(copied)
    assert experiment.find("mine.py").name == "mine"
    Path("dropout.py").write_text(copied)
    with pytest.raises(ConfigError, match=r"dropout\.py has the name of an experiment of the pack"):
        experiment.find("dropout.py")


def test_overrides_do_not_take_away_what_tells_arms_apart(own, trained_runs):
    five = {"training": {"epochs": 5}}
    arms = [Arm("one", changes=five), Arm("two", changes={**five, "model": {"dropout": (0.4,)}})]
    two = Experiment("two", "?", arms, own.columns[:1])
    for changes in ({"model": {"dropout": (0.1,)}}, {"model": fashion_zoo.MLPConfig()}):
        for options in ({"folder": "x"}, {"quick": True}):
            with pytest.raises(ConfigError, match=r"Arms differ in model\.dropout, so it c"):
                experiments.run(two, **options, **changes)
    assert trained_runs == []
    experiments.run(two, folder="x", training={"epochs": 1})
    assert {config.training.epochs for _, config in trained_runs} == {1}


def test_the_command_that_reproduces_a_table_has_all_that_changes_it(
    own, trained_runs, capsys, monkeypatch
):
    monkeypatch.setattr("fashion_zoo.evaluation.evaluate_run", lambda run, given, draw: None)
    Path("words.py").write_text("")
    flags = ["--data.source", "digits", "--import", "words.py"]
    assert experiment.main(["width.py", "--folder", "x", "--seeds", "2", *flags]) == 0
    table = capsys.readouterr().out
    again = re.search(r"`python -m recipes\.experiment (.*)` reproduces", table)[1]
    assert experiment.main(shlex.split(again)) == 0
    assert capsys.readouterr().out == table
    python = dataclasses.replace(own, command="")
    table = experiments.run(python, seeds=2, folder="y", training={"batch_size": 50})
    again = re.search(r"`(fashion_zoo.*)` reproduces", table)[1]
    assert again.endswith("(EXPERIMENT, seeds=2, folder='y', training={'batch_size': 50})")
    assert eval(again, {"fashion_zoo": fashion_zoo, "EXPERIMENT": python}) == table
    assert compare.main(["bn_mlp", "baseline_mlp", "--seeds", "2", "--import", "words.py"]) == 0
    said = capsys.readouterr().out
    assert "`python -m recipes.compare bn_mlp baseline_mlp --import words.py --seeds 2`" in said


def test_where_every_training_diverged_the_rows_say_so(own, monkeypatch):
    def diverge(*_):
        raise TrainingError("Training stopped: loss became nan.")

    monkeypatch.setattr("fashion_zoo.training.session.train_once", diverge)
    with pytest.raises(TrainingError, match="The loss of every training of experiment width dive"):
        experiments.run(own, seeds=2)
    rows = page.read_rows(Path("runs/width/width.csv"))
    assert [row["loss_diverged"] for row in rows] == [1, 1, 1, 1]
    with pytest.raises(TrainingError, match="Lower the learning rate"):
        experiments.run(own, measure=False)


def test_two_tables_on_a_page_have_rows_of_their_own(own, trained_runs):
    marks = [f"<!-- {mark}:begin -->\n<!-- {mark}:end -->\n" for mark in ("results", "more")]
    Path("own.md").write_text("".join(marks))
    experiments.run(own, seeds=2, page="own.md")
    before = Path("own.csv").read_bytes()
    experiments.run(dataclasses.replace(own, mark="more"), seeds=3, page="own.md", folder="x")
    assert Path("own.csv").read_bytes() == before
    assert len(page.read_rows(Path("own-more.csv"))) == 6


def test_a_file_that_is_of_no_experiment_is_left_alone(own, trained_runs):
    Path("own.md").write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    for text in ("a,b\n1,2\n", "arm,seed\nwide,first\n"):
        Path("own.csv").write_text(text)
        with pytest.raises(DataError, match=r"own\.csv is no file of an experiment: expected rows"):
            experiments.run(own, seeds=2, page="own.md")
        assert Path("own.csv").read_text() == text
    assert trained_runs == []


def test_a_wrong_arm_is_answered_without_measuring_too(own):
    with pytest.raises(ConfigError, match="Unknown arm 'wied'"):
        experiments.run(own, only="wied", measure=False)


def test_a_claim_on_an_arm_without_rows_stays_open_where_others_lack_its_metric(own, trained_runs):
    experiments.run(own, seeds=2, only="as it is")
    claims = [Claim("as it is", "wide", "gain")]
    table = experiments.run(dataclasses.replace(own, claims=claims), measure=False)
    assert "These seeds cannot tell: `as it is` and `wide` have fewer than 2 seeds" in table
