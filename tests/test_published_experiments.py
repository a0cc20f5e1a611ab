"""The experiments of the package: what their tables say of rows, and that they resume."""

import json
import math
import re
import shutil
import sys
from pathlib import Path

import pytest
from arms import measured
from PIL import Image

import fashion_zoo
from fashion_zoo import DataError, experiments, registry
from fashion_zoo.augment.policies import OPERATIONS, parse
from fashion_zoo.config.overrides import override
from fashion_zoo.config.switches import check_switches
from fashion_zoo.experiments import Arm, Experiment, Measured, page
from fashion_zoo.experiments.stored import keep
from fashion_zoo.training import session
from recipes import experiment
from recipes.experiments import seconds
from recipes.experiments._figures import WIDTH
from recipes.experiments.augmentation import INSIDE


def by_column(name, **arms):
    """What was measured of some arms: arm to column to one value a seed."""
    rows = {
        arm: [dict(zip(columns, seed, strict=True)) for seed in zip(*columns.values(), strict=True)]
        for arm, columns in arms.items()
    }
    return measured(experiment.find(name), rows)


def test_the_dropout_table_compares_with_the_constant_that_validation_chose():
    def arm(validation, test, gap):
        return {"validation_accuracy": validation, "test_accuracy": test, "gap": gap}

    found = by_column(
        "dropout",
        **{
            "constant 0": arm((0.90, 0.91), (0.99, 0.99), (0.20, 0.22)),
            "constant 0.1": arm((0.91, 0.92), (0.90, 0.91), (0.10, 0.12)),
            "adaptive_dropout_mlp": arm((0.95, 0.95), (0.91, 0.91), (0.05, 0.06)),
        },
    )
    rows = found.table().splitlines()
    assert rows[3].startswith("| constant 0.1 | 91.50 % (82.63 to 96.06) | 90.50 % (")
    assert rows[3].endswith("| it is the best |  |")  # the test accuracy of the other has no say
    assert rows[4].startswith("| `adaptive_dropout_mlp` | 95.00 % |")
    # by hand: differences 0.01 and 0, mean 0.005, t(0.975, 1) = 12.706, half width 12.706 * 0.005
    assert "| +0.50 (-5.85 to +6.84) points | -0.055 (-0.119 to +0.009) |" in rows[4]
    assert "Mean over 2 seeds" in rows[6]


def test_the_published_figure_of_an_experiment_fits_a_phone():
    root = Path(__file__).parent.parent
    places = [root / one.page for one in map(experiment.find, experiment.names()) if one.figure]
    found = {page: re.findall(r"\]\((\w+\.png)\)", page.read_text("utf-8")) for page in places}
    pictures = [page.parent / name for page, names in found.items() for name in names]
    assert len(pictures) >= 2
    for picture in pictures:
        with Image.open(picture) as opened:
            assert opened.width <= 1.01 * WIDTH * opened.info["dpi"][0], picture


def test_every_operation_has_its_rows_and_every_policy_can_be_read():
    found = experiment.find("augmentation")
    shown = [arm.name for arm in found.all_arms() if arm.shown]
    assert shown[:2] == ["none", "standard"]
    assert [parse(policy)[0].name for policy in shown[2:]] == list(OPERATIONS)
    inside = {operation.name for operation in parse("standard")}
    on_top = [parse(arm.name)[-1].name for arm in found.all_arms() if not arm.shown]
    assert on_top == [name for name in OPERATIONS if name not in inside]


def test_the_seconds_have_means_with_intervals_that_are_positive():
    def arm(seconds, validation, test):
        accuracies = {"validation_accuracy": validation, "test_accuracy": test}
        return {"seconds": seconds, "timing": ("all epochs",) * 2, **accuracies}

    first = experiment.find("seconds").all_arms()[0].name
    found = by_column(
        "seconds",
        **{
            first: arm((1.0, 2.0), (0.90, 0.92), (0.88, 0.90)),
            "tutorial": arm((9.0, 9.0), (0.5, 0.5), (0.5, 0.5)),
        },
    )
    lines = found.table().splitlines()
    # by hand: t(0.975, 1) = 12.706, half widths 12.706 * 0.5 s and 12.706 * 1 point
    # seconds: 1.5 exp(-+ 6.353 / 1.5); accuracies: expit(logit(0.91) -+ 0.12706 / (0.91 * 0.09))
    assert lines[2] == (
        f"| {first} | 1.5 (0.0 to 103.6) | 0.167 (0.139 to 0.194) | 91.00 % (68.18 to 97.95) "
        "| 89.00 % (68.84 to 96.73) |"
    )
    assert lines[3].startswith("| tutorial | 9.0 | | 50.00 %")
    assert "Seconds are of all epochs." in lines[-1]


def test_averages_are_compared_with_the_same_recipe_without_one():
    def arm(averaged, kept, test):
        both = {"averaged_validation_accuracy": averaged, "averages_kept": kept}
        return {**both, "test_accuracy": test, "seconds": (10.0, 12.0)}

    arms = {
        "bn_mlp": arm((0.9, 0.91), (0.0, 0.0), (0.89, 0.9)),
        "bn_mlp.large, swa(0.75)": arm((0.94, 0.95), (1.0, 1.0), (0.93, 0.94)),
        "bn_mlp, swa(0.75)": arm((0.91, 0.92), (1.0, 0.0), (0.88, 0.89)),
    }
    lines = by_column("averaging", **arms).table().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:5]]
    assert [row[0] for row in cells] == ["`bn_mlp`", *reversed(list(arms)[1:])]
    assert [row[2] for row in cells] == ["", "+1.00", ""]
    assert [row[3] for row in cells] == ["0 %", "50 %", "100 %"]
    assert [row[5] for row in cells] == ["", "-1.00", ""]


def test_a_student_is_compared_with_its_twin_of_the_same_recipe():
    accuracies = {
        "bn_mlp.large": (0.93, 0.94), "conv_teacher": (0.95, 0.96), "bn_mlp": (0.89, 0.9),
        "bn_mlp.tiny": (0.9, 0.91), "bn_mlp, bn_mlp.large, T=4": (0.91, 0.92),
        "bn_mlp, conv_teacher": (0.92, 0.93), "bn_mlp.tiny, conv_teacher": (0.94, 0.95),
    }  # fmt: skip
    arms = {
        name: {"validation_accuracy": one, "test_accuracy": one, "seconds": (1.0, 2.0)}
        for name, one in accuracies.items()
    }
    lines = by_column("distillation", **arms).table().splitlines()[2:9]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    networks = ["bn_mlp.large", "conv_teacher", "bn_mlp", "bn_mlp.tiny", *2 * ["bn_mlp"]]
    assert [row[0] for row in cells] == [f"`{one}`" for one in (*networks, "bn_mlp.tiny")]
    teachers = ["`bn_mlp.large, T=4`", *2 * ["`conv_teacher`"]]
    assert [row[1] for row in cells] == [*4 * ["labels"], *teachers]
    points = ["", "", "", "", "+2.00", "+3.00", "+4.00"]
    assert [row[4].partition(" ")[0] for row in cells] == points


def test_an_epoch_in_which_the_machine_stalled_does_not_count():
    found = seconds.steady([3.0, 1.0, 60.0, 1.1, 1.0])
    assert found["seconds"] == 3.0 + 4 * 1.05
    assert seconds.steady([3.0])["seconds"] == 3.0


def test_the_imbalance_table_marks_what_validation_chose_and_compares_it_on_test():
    def arm(validation, test):
        return {
            "balanced_validation_accuracy": (validation, validation + 0.01),
            "balanced_test_accuracy": (test, test + 0.01),
            "worst_test_recall": (0.1, 0.2),
        }

    arms = {"nothing": (0.7, 0.79), "focal loss": (0.71, 0.68), "logit adjustment": (0.8, 0.76)}
    found = by_column("imbalance", **{name: arm(*numbers) for name, numbers in arms.items()})
    lines = found.table().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:5]]
    assert [row[0] for row in cells] == ["nothing", "focal loss", "logit adjustment"]
    assert [row[2] for row in cells] == ["", "", "yes"], "the test accuracies have no say"
    assert [row[4] for row in cells] == ["", "-11.00", "-3.00"]


def test_the_experiment_on_imbalance_trains_on_the_long_tail():
    found = experiment.find("imbalance")
    assert found.settings == {"data": {"long_tail": 100}}
    assert (len(found.all_arms()), found.seeds) == (8, 5)


def test_a_name_is_a_folder_that_every_disk_takes():
    assert Arm("constant 0.1").run_dir(Path("r"), 2) == Path("r", "constant_0.1-2")
    assert Arm("a/b: c|d", place="ab").run_dir(Path("r"), 0) == Path("r", "ab-0")


def test_a_run_that_is_not_what_is_measured_is_run_again(trained, tmp_path):
    folder, config = tmp_path / "bn_mlp-0", trained.run.config
    shutil.copytree(trained.run.path, folder)
    assert session._same_run(folder, "bn_mlp", config)
    assert not session._same_run(folder, "baseline_mlp", config)
    assert not session._same_run(tmp_path / "missing", "bn_mlp", config)
    for file, path, value in (
        ("config.json", ("config", "training", "learning_rate"), 0.5),
        ("environment.json", ("commit",), "another"),
        ("environment.json", ("versions", "keras"), "another"),
    ):
        stored = (folder / file).read_text()
        content = entry = json.loads(stored)
        for key in path[:-1]:
            entry = entry[key]
        entry[path[-1]] = value
        (folder / file).write_text(json.dumps(content))
        assert not session._same_run(folder, "bn_mlp", config), file
        (folder / file).write_text(stored)


def test_a_field_that_older_versions_did_not_store_measures_nothing_again(trained, tmp_path):
    folder, file = tmp_path / "bn_mlp-0", tmp_path / "kept.json"
    shutil.copytree(trained.run.path, folder)
    assert keep(file, {"a": (1,)}, lambda: {"b": 2}) == {"b": 2}
    for stored, path in ((folder / "environment.json", ()), (file, ("settings", "environment"))):
        content = found = json.loads(stored.read_text())
        for key in path:
            found = found[key]
        del found["instructions"]
        found["system"] = "an older kernel"
        stored.write_text(json.dumps(content))
    assert session._same_run(folder, "bn_mlp", trained.run.config)
    assert keep(file, {"a": (1,)}, lambda: {"b": 3}) == {"b": 2}
    assert keep(file, {"a": (4,)}, lambda: {"b": 3}) == {"b": 3}
    with pytest.raises(DataError, match=r"The answer of kept cannot be stored: .*JSON compliant"):
        keep(file, {"a": (5,)}, lambda: {"b": math.nan})
    assert keep(file, {"a": (4,)}, lambda: {"b": 5}) == {"b": 3}


@pytest.mark.parametrize("name", experiment.names())
def test_every_arm_can_be_trained_and_each_of_its_changes_has_an_effect(name, monkeypatch):
    found = experiment.find(name)
    fashion_zoo.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    for module in found.imports:  # whose recipes are forgotten after the test
        monkeypatch.setitem(sys.modules, module, None)
        del sys.modules[module]
        fashion_zoo.load_recipes(module)
    for arm in found.all_arms():
        config = fashion_zoo.recipe(arm.recipe).config
        for changes in (found.settings, arm.changes):
            config = override(config, changes)
        if not arm.teacher:  # whose place is known when it is trained
            check_switches(config.training)


@pytest.mark.parametrize("name", experiment.names())
def test_every_arm_alone_has_a_table(name):
    found = experiment.find(name)
    place = Path(__file__).parent.parent / found.page
    rows = page.read_rows(found.places(page=place).rows)
    assert rows or "Not measured yet." in place.read_text("utf-8")
    for arm in [one for one in found.all_arms() if any(row["arm"] == one.name for row in rows)]:
        lines = Measured(found, [row for row in rows if row["arm"] == arm.name]).table()
        assert lines.startswith("| ")
        assert "part of it" not in lines or arm.name in INSIDE


@pytest.mark.slow
def test_an_experiment_resumes_after_an_interruption(tmp_path, small, monkeypatch):
    found = experiment.find("dropout")
    arm = next(arm for arm in found.all_arms() if arm.name == "constant 0.1")
    one = Experiment(**{**vars(found), "arms": [arm], "claims": (), "page": ""})
    trained, train = [], session.train_run

    def interrupted(entry, config, path, **keywords):
        trained.append(config.seed)
        if trained == [0, 1]:
            raise KeyboardInterrupt
        return train(entry, config, path, **keywords)

    monkeypatch.setattr(session, "train_run", interrupted)
    small = {**small, "training": {**small["training"], "epochs": 1}}
    options = {"seeds": 2, "folder": tmp_path, **small}
    with pytest.raises(KeyboardInterrupt):
        experiments.run(one, **options)
    table = experiments.run(one, **options)
    assert experiments.run(one, **options) == table
    assert trained == [0, 1, 1]
    run = fashion_zoo.open_run(tmp_path / "constant_0.1-1")
    assert (run.config.model.dropout, run.config.seed) == ((0.1,), 1)
    row = page.read_rows(tmp_path / "dropout.csv")[1]
    gap = run.read_json("gap.json")
    assert row["test_accuracy"] == run.result("evaluation")["accuracy"]["value"]
    assert row["gap"] == gap["validation_loss"] - gap["training_loss"]
    history = run.history()  # one epoch: its validation loss is that of the final weights
    assert gap["validation_loss"] == pytest.approx(history["val_loss"][-1], rel=1e-5)


@pytest.mark.slow
def test_the_net_of_the_tutorial_learns(monkeypatch):
    monkeypatch.setattr(seconds, "TUTORIAL_EPOCHS", 1)
    data = fashion_zoo.data.load(limit=1000)
    first, second = (seconds.tutorial(seed, data) for seed in (0, 1))
    # a tenth of the images are of each class: guessing would give that
    assert first["test_accuracy"] > 0.4 < first["validation_accuracy"]
    assert first["test_accuracy"] != second["test_accuracy"]
    assert math.isfinite(first["seconds"])


def test_the_command_answers_what_is_no_experiment(tmp_path, capsys):
    assert experiment.main(["dropuot"]) == 3
    assert "Did you mean 'dropout'?" in capsys.readouterr().err
    (tmp_path / "empty.py").write_text("")
    assert experiment.main([str(tmp_path / "empty.py")]) == 3
    assert "defines no experiment: expected EXPERIMENT = " in capsys.readouterr().err
    assert experiment.main([]) == 3
    assert f"Known: {', '.join(experiment.names())}." in capsys.readouterr().err
    assert experiment.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == experiment.names()
