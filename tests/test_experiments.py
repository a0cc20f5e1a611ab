"""What an experiment measures anew, what it keeps, and where its rows and its table go."""

import functools
import runpy
from pathlib import Path

import pytest
from arms import OWN, FakeRun

import fashion_zoo
from fashion_zoo import ConfigError, DataError, TrainingError, experiments
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns, page, runner
from fashion_zoo.machine import environment
from recipes import experiment

pytestmark = pytest.mark.usefixtures("no_memory_given_back")


@pytest.fixture
def own(tmp_path):
    (tmp_path / "width.py").write_text(OWN)
    return experiment.find(str(tmp_path / "width.py"))


def test_an_experiment_of_ones_own_is_a_file_and_a_command(
    tmp_path, monkeypatch, trained_runs, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("width.py").write_text(OWN)
    assert experiment.main(["width.py", "--seeds", "2"]) == 0
    assert [path.relative_to(tmp_path).as_posix() for path, _ in trained_runs] == [
        "runs/width/as_it_is-0", "runs/width/wide-0", "runs/width/as_it_is-1", "runs/width/wide-1",
    ]  # fmt: skip
    wide = trained_runs[-1][1]
    assert (wide.model.hidden_units, wide.training.epochs, wide.seed) == ((32, 16), 3, 1)
    assert capsys.readouterr().out == (
        "| bn_mlp | validation accuracy | against it as it is | seconds |\n"
        "| --- | --- | --- | ---: |\n"
        "| as it is | 100.00 % | | 2 |\n"
        "| wide | 90.00 % | -10.00 | 2 |\n\n"
        f"Mean over 2 seeds with {page.INTERVAL}. a CPU, 2 cores, Python 3.11.7, Keras 3.15.1, "
        "tensorflow 2.21.0, commit aaaaaaaaaaaa. `python -m recipes.experiment width.py --seeds 2` "
        "reproduces the table.\n"
    )
    rows = Path("runs/width/width.csv").read_text().splitlines()
    heads = "arm,seed,validation_accuracy,test_accuracy,seconds,took,machine,commit,config"
    assert rows[0] == heads
    assert rows[1].startswith("as it is,0,1.0,0.9,2.0,2.0,"), "at least as long as its training"


def test_one_arm_can_be_measured_alone_and_every_row_keeps_its_own_commit(
    tmp_path, own, trained_runs
):
    place = tmp_path / "width.md"
    place.write_text("before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n")
    options = {"seeds": 2, "folder": tmp_path / "runs", "page": place}
    experiments.run(own, **options)
    before = page.read_rows(place.with_suffix(".csv"))
    trained_runs.clear()
    trained_runs.commit = "b" * 40 + "+changes"
    text = experiments.run(own, only="wide", **options)
    assert len(trained_runs) == 2
    after = page.read_rows(place.with_suffix(".csv"))
    assert after[:2] == before[:2]
    assert after[2] == {**before[2], "commit": "b" * 40 + "+changes"}
    versions = "2 cores, Python 3.11.7, Keras 3.15.1, tensorflow 2.21.0"
    said = f"{versions}, commit aaaaaaaaaaaa; `wide` a CPU, {versions}, commit "
    assert f"{said}bbbbbbbbbbbb+changes. " in text
    table = text.removesuffix(f"\n\nPage: {place}")
    begin, end = map("<!-- results:{} -->".format, ("begin", "end"))
    assert place.read_text() == f"before\n{begin}\n{table}\n{end}\nafter\n"
    assert experiments.run(own, measure=False, **options) == text
    assert len(trained_runs) == 2
    own_recipe = experiments.run(own, only="bn_mlp", **options)  # both arms are of it
    assert "; `" not in own_recipe


def test_an_arm_or_else_the_arms_of_a_recipe_are_measured_alone():
    arms = [Arm("l2_mlp", "l2_mlp"), Arm("a"), Arm("b"), Arm("c", "l2_mlp"), Arm("d", program=max)]
    for only, names in {"bn_mlp": ["a", "b"], "l2_mlp": ["l2_mlp"], "d": ["d"]}.items():
        assert [arm.name for arm in runner._chosen(arms, only)] == names
    assert runner._chosen(arms, None) == arms


def test_what_cannot_end_well_does_not_begin(tmp_path, own, trained_runs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="seeds must be at least 2, for an interval; received 1"):
        experiments.run(own, seeds=1)
    with pytest.raises(ConfigError, match="would replace the runs of the whole experiment"):
        experiments.run(own, training={"epochs": 1})
    with pytest.raises(ConfigError, match=r"Unknown arm 'wied'\. Did you mean 'wide'\?"):
        experiments.run(own, only="wied")
    with pytest.raises(ConfigError, match="Unknown option of training 'epoch'"):
        experiments.run(own, folder="quick", training={"epoch": 1})
    with pytest.raises(DataError, match="cannot be read: No such file or directory"):
        experiments.run(own, page="missing.md")
    Path("page.md").write_text("text")
    with pytest.raises(DataError, match="has no place for the table: expected <!-- results:begin"):
        experiments.run(own, page="page.md")
    assert trained_runs == []
    assert not Path("runs").exists()


def test_augmentation_needs_tensorflow(monkeypatch, own, tmp_path):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ConfigError, match="augmentation is done by TensorFlow, and the backend is"):
        experiments.run(own, folder=tmp_path, training={"augmentation": "flip"})


def test_a_figure_stands_below_the_table(tmp_path, own, trained_runs):
    from matplotlib.figure import Figure

    place = tmp_path / "width.md"
    place.write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    drawn = Experiment(**{**vars(own), "figure": lambda measured: Figure()})
    text = experiments.run(drawn, seeds=2, folder=tmp_path / "runs", page=place)
    table = text.removesuffix(f"\n\nPage: {place}")
    assert f"{table}\n\n![Does a wider first layer help?](width.png)\n" in place.read_text()
    assert (tmp_path / "width.png").read_bytes().startswith(b"\x89PNG")


def test_differences_are_paired_by_the_seeds_that_both_have(own):
    rows = [("as it is", 0, 0.9), ("as it is", 1, 0.5), ("wide", 1, 0.6), ("wide", 2, 0.1)]
    found = Measured(
        own, [{"arm": arm, "seed": seed, "validation_accuracy": one} for arm, seed, one in rows]
    )
    assert found.paired("wide", "as it is", "validation_accuracy") == pytest.approx([0.1])
    assert columns.percent([0.5]) == "50.00 %"
    assert columns.percent([0.5], spread=True) == "50.00 %", "one seed has no spread"
    with pytest.raises(ConfigError, match=r"Unknown metric 'valid'"):
        found.paired("wide", "as it is", "valid")


def test_an_arm_that_is_measured_again_keeps_no_row_of_before(tmp_path, own, trained_runs):
    experiments.run(own, seeds=3, folder=(file := tmp_path / "width.csv").parent)
    other = file.read_text().splitlines()[1].replace("as it is", "other")
    file.write_text(f"{file.read_text()}{other}\n")
    trained_runs.commit = "b" * 40
    experiments.run(own, seeds=2, folder=tmp_path, only="wide")
    rows = page.read_rows(file)
    assert [(row["arm"], row["seed"], row["commit"][0]) for row in rows] == [
        ("as it is", 0, "a"), ("as it is", 1, "a"), ("as it is", 2, "a"),
        ("wide", 0, "b"), ("wide", 1, "b"), ("other", 0, "a"),
    ]  # fmt: skip
    experiments.run(own, seeds=2, folder=tmp_path)
    assert page.read_rows(file)[-1]["arm"] == "other"


def test_an_arm_alone_has_an_empty_cell_where_the_other_is_missing(tmp_path, own, trained_runs):
    table = experiments.run(own, seeds=2, folder=tmp_path, only="wide")
    assert "| wide | 90.00 % | | 2 |" in table


def test_a_quick_look_leaves_alone_what_is_published(tmp_path, monkeypatch, own, trained_runs):
    monkeypatch.chdir(tmp_path)
    marks = "<!-- results:begin -->\n<!-- results:end -->\n"
    for name in ("own.md", "other.md"):
        Path(name).write_text(marks)
    published = Experiment(**{**vars(own), "page": "own.md", "file": tmp_path / "own.rows"})
    quick = {"seeds": 2, "training": {"epochs": 1}}
    experiments.run(published, folder="quick", **quick)
    with pytest.raises(ConfigError, match="would replace the runs"):
        experiments.run(published, folder="runs/width", **quick)
    experiments.run(published, folder="quick", seeds=2)
    experiments.run(published, page="other.md", seeds=2)
    assert Path("own.md").read_text() == marks
    assert Path("other.md").read_text() != marks
    assert sorted(path.name for path in Path().rglob("*.csv")) == [
        "other.csv", "width.csv"
    ]  # fmt: skip
    experiments.run(published, folder="quick", page="own.md", seeds=2)
    assert not Path("own.rows").exists()
    Path("own.md").write_text(marks)
    experiments.run(published, folder="./runs/width/", page=tmp_path / "own.md", seeds=2)
    assert Path("own.md").read_text() != marks
    assert Path("own.rows").exists()


def test_without_rows_there_is_no_table_to_write(tmp_path, own):
    place = tmp_path / "width.md"
    place.write_text(published := "<!-- results:begin -->\na table\n<!-- results:end -->\n")
    with pytest.raises(DataError, match=r"width\.csv has no rows of experiment width, so there is"):
        experiments.run(own, page=place, measure=False)
    assert place.read_text() == published


@pytest.mark.parametrize("name", ["wide", "a b", "A_b"])
def test_two_arms_that_cannot_be_told_apart_are_refused(tmp_path, own, trained_runs, name):
    arms = [Arm("wide"), Arm("a_b"), Arm(name)]
    with pytest.raises(ConfigError, match="would share rows or run folders: give one another name"):
        experiments.run(Experiment(**{**vars(own), "arms": arms}), folder=tmp_path)
    assert trained_runs == []


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (columns.accuracy("x", "valid_accuracy"), "Unknown metric 'valid_accuracy'"),
        (columns.against("x", "validation_accuracy", "as is"), "Unknown arm 'as is'"),
        (columns.part("x", 1), "column 'x' takes part 1 of an arm's name; received 'as it is', wh"),
    ],
)
def test_a_column_of_what_is_not_measured_is_answered(tmp_path, own, trained_runs, column, said):
    with pytest.raises(ConfigError, match=said):
        experiments.run(Experiment(**{**vars(own), "columns": [column]}), folder=tmp_path)


def test_what_is_no_recipe_is_measured_once_on_each_machine_and_kept(tmp_path, own, monkeypatch):
    asked = []

    def program(seed, dataset):
        asked.append(seed)
        return {"validation_accuracy": 0.5, "test_accuracy": 0.5, "seconds": 1.0}

    here = {**environment.describe(), "commit": None}
    alone = Experiment(**{**vars(own), "arms": [Arm("as it is", program=program)]})
    for cores in (2, 2, 64):
        monkeypatch.setattr(environment, "describe", lambda cores=cores: {**here, "cores": cores})
        table = experiments.run(alone, seeds=2, folder=tmp_path)
    assert asked == [0, 1, 0, 1]
    assert "64 cores" in table


def test_a_training_that_diverges_ends_nothing_and_leaves_a_claim_open(
    tmp_path, own, trained_runs, monkeypatch
):
    claims = [Claim("wide", "as it is", "validation_accuracy", text="Wide is better.")]
    train = trained_runs.train_once

    def once(entry, config, path, *others):
        if path.name == "wide-1":
            raise TrainingError("Training stopped: loss became nan.")
        return train(entry, config, path, *others)

    monkeypatch.setattr("fashion_zoo.training.session.train_once", once)
    claiming = Experiment(**{**vars(own), "claims": claims})
    table = experiments.run(claiming, seeds=3, folder=tmp_path)
    rows = page.read_rows(tmp_path / "width.csv")
    assert [(row["arm"], row["seed"]) for row in rows] == [
        ("as it is", 0), ("as it is", 1), ("as it is", 2), ("wide", 0), ("wide", 1), ("wide", 2)
    ]  # fmt: skip
    assert rows[4].keys() - {"commit"} == {
        "arm", "seed", "loss_diverged", "took", "machine", "config"
    }  # fmt: skip
    assert "Mean over 3 seeds, `wide` 2 seeds with" in table
    assert table.endswith("\n\nThe loss diverged, which leaves no figures: `wide` with seed 1.")
    assert table.startswith("- Wide is better. These seeds cannot tell: the loss diverged in 1 tr")
    assert experiments.run(claiming, folder=tmp_path, measure=False) == table
    assert Measured(claiming, rows).rows == rows[:4] + rows[5:], "a figure needs its columns"


def test_overrides_that_a_program_would_not_take_are_refused(tmp_path, own):
    program = Arm("as it is", program=lambda seed, data: {})
    mixed = Experiment(**{**vars(own), "arms": [program]})
    with pytest.raises(ConfigError, match=r"'as it is' is a program, .* received precision and tr"):
        experiments.run(mixed, folder=tmp_path, training={"epochs": 1}, precision="float32")


def test_what_a_file_measured_before_it_was_edited_is_measured_again(tmp_path, own):
    file = tmp_path / "mine.py"

    def table(accuracy):
        row = {"validation_accuracy": accuracy, "test_accuracy": 0.5, "seconds": 1.0}
        file.write_text(f"def program(seed, data):\n    return {row}\n")
        program = functools.partial(runpy.run_path(str(file))["program"])
        alone = Experiment(**{**vars(own), "arms": [Arm("as it is", program=program)]})
        return experiments.run(alone, seeds=2, folder=tmp_path / "runs")

    assert "60.00 %" in table(0.6)
    assert "70.00 %" in table(0.7)


def test_the_images_are_loaded_once_for_all_trainings(tmp_path, own, trained_runs, monkeypatch):
    loaded, evaluated, load = [], [], fashion_zoo.data.load
    monkeypatch.setattr(
        "fashion_zoo.evaluation.evaluate_run", lambda run, given, draw: evaluated.append(given)
    )
    monkeypatch.setattr(FakeRun, "result", lambda run, word: None)
    few = Arm("few", changes={"data": {"limit": 300}})
    changed = {"arms": [*own.all_arms(), few], "metrics": (experiments.seconds,)}
    three = Experiment(**{**vars(own), **changed})
    monkeypatch.setattr(experiments.training, "load", lambda it: loaded.append(it) or load(it))
    monkeypatch.setattr(Measured, "table", lambda measured: "")
    experiments.run(three, seeds=2, folder=tmp_path)
    assert [data.limit for data in loaded] == [None, 300]
    assert trained_runs.data == evaluated
    assert len(set(map(id, evaluated))) == 2


def test_a_bar_in_a_cell_does_not_end_it():
    lines = page.table(["a", "b"], [["flip | cutmix", None]]).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", r"| flip \| cutmix | |"]
