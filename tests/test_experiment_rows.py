"""Rows of an experiment that must not be lost, or compared with others."""

import dataclasses
import json
from pathlib import Path

import pytest
from arms import OWN, Made

from fashion_zoo import ConfigError, DataError, TrainingError, experiments
from fashion_zoo.experiments import Arm, Claim, Contrast, Experiment, Quick, page
from recipes import compare, experiment


@pytest.fixture(autouse=True)
def no_memory_given_back(monkeypatch):
    """Nothing is trained here, and collecting takes a second."""
    monkeypatch.setattr("fashion_zoo.machine.devices.gc.collect", lambda: None)


@pytest.fixture
def trained_runs(monkeypatch):
    """(place, config) of each training; nothing is trained."""
    return Made(monkeypatch)


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("width.py").write_text(OWN)
    return experiment.find("width.py")


def program(seed, data):
    return {"validation_accuracy": 0.5, "seconds": 1.0}


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


def test_rows_of_other_settings_are_not_compared(own, trained_runs):
    experiments.run(own, seeds=2)
    longer = dataclasses.replace(own, settings={"training": {"epochs": 10}})
    said = r"The rows of 'as it is' in .*width\.csv are of other settings than it has now"
    for options in ({"only": "wide"}, {"measure": False}):
        trained_runs.clear()
        with pytest.raises(DataError, match=said):
            experiments.run(longer, seeds=2, **options)
        assert trained_runs == []
    wider = [Arm("wide", changes={"model": {"hidden_units": (64, 16)}})]
    experiments.run(dataclasses.replace(own, arms=[own.arms[0], *wider]), seeds=2, only="wide")
    experiments.run(longer, seeds=2)
    experiments.run(longer, measure=False)
    file = Path("runs/width/width.csv")
    rows = [{name: one for name, one in row.items() if name != "config"} for row in
            page.read_rows(file)]  # fmt: skip
    page.write_rows(file, rows)  # as an older version wrote them
    experiments.run(own, seeds=2, only="wide")


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
    arms = [Arm("one"), Arm("other", changes={"data": {"source": "digits"}})]
    two = Experiment("two", "?", arms, own.columns[:1])
    said = r"data\.source is what tells arm 'other' from others"
    with pytest.raises(ConfigError, match=said):
        experiments.run(two, folder="x", data={"source": "fashion_mnist"})
    with pytest.raises(ConfigError, match=said):
        experiments.run(two, quick=True, data={"source": "fashion_mnist"})
    experiments.run(two, quick=True, data={"limit": 300})


def test_the_command_that_reproduces_a_table_has_all_that_changes_it(
    own, trained_runs, capsys, monkeypatch
):
    monkeypatch.setattr("fashion_zoo.evaluation.evaluate_run", lambda run, given: None)
    Path("words.py").write_text("")
    flags = ["--data.source", "digits", "--import", "words.py"]
    assert experiment.main(["width.py", "--folder", "x", "--seeds", "2", *flags]) == 0
    again = "`python -m recipes.experiment width.py --data.source digits --import words.py --seeds"
    assert f"{again} 2` reproduces" in capsys.readouterr().out
    python = dataclasses.replace(own, command="")
    table = experiments.run(python, seeds=2, folder="y", training={"epochs": 1})
    assert "experiments.run(EXPERIMENT, seeds=2, training={'epochs': 1})` reproduces" in table
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


def _named(run):
    return 1.0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"arms": ["a", "b"]}, "Experiment takes a list of Arms or a function as arms, received"),
        ({"claims": Claim("a", "b")}, "Experiment takes a list of Claims as claims, received"),
        ({"claims": [("a", "b")]}, "Experiment takes a list of Claims as claims, received"),
        ({"metrics": _named}, "Experiment takes a list of functions of 1 argument"),
        ({"quick": {"data": {}}}, "Experiment takes a Quick as quick, received {'data': {}}."),
        ({"note": "a {b"}, "The note 'a {b' cannot be read: expected '}' before end of string."),
        ({"note": "{}"}, "The note '{}' has braces without a name between them; write {{}}."),
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


def test_metrics_have_names_of_their_own(own):
    for metrics in ([lambda run: 1, lambda run: 2], [experiments.METRICS[0]] * 2):
        with pytest.raises(ConfigError, match="each is a function with a name of its own"):
            experiments.run(dataclasses.replace(own, metrics=metrics))


def test_a_program_returns_a_dictionary_and_its_rows_have_no_config(own):
    programs = [Arm("as it is", program=program), Arm("wide", program=lambda seed, data: None)]
    mine = dataclasses.replace(own, arms=programs)
    experiments.run(mine, seeds=2, only="as it is")
    rows = page.read_rows(Path("runs/width/width.csv"))
    assert all("config" not in row for row in rows)
    with pytest.raises(ConfigError, match="The program of arm 'wide' must return a dictionary fro"):
        experiments.run(mine, seeds=2, only="wide")
    kept = json.loads(Path("runs/width/as_it_is-0.json").read_text())
    assert kept["answer"] == program(0, None)
