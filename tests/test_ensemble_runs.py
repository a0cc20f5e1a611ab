"""An ensemble of two small runs is a run: evaluated, exported, opened, and never trained."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ensembling import METHODS, members

import fashion_zoo
from fashion_zoo import ConfigError, DataError, RunError
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.data import load
from fashion_zoo.ensembles import making
from fashion_zoo.ensembles.choosing import log_mean, predicted
from fashion_zoo.storage import reading
from recipes import ensemble, evaluate, predict, train


@pytest.mark.parametrize("name", METHODS)
def test_an_ensemble_is_a_finished_run_that_says_what_it_is_made_of(ensembled, name):
    run = fashion_zoo.open_run(ensembled / name)
    assert run.finished
    part = run.ensemble
    assert (part["method"], part.title) == (METHODS[name], f"{METHODS[name]} of 2 members")
    assert [row["seed"] for row in part["members"]] == [0, 1]
    assert [row["recipe"] for row in part["members"]] == ["bn_mlp"] * 2
    assert [row["digest"] for row in part["members"]] == [*map(digest_of, members(ensembled))]
    for row, path in zip(part["members"], members(ensembled), strict=True):
        training = fashion_zoo.open_run(path).read_json("training.json")
        assert row["validation_accuracy"] == pytest.approx(training["validation_accuracy"])
    training = run.read_json("training.json")
    assert training["validation_accuracy"] == part["validation_accuracy"]
    assert training["validation_images"] == 5000
    first = fashion_zoo.open_run(ensembled / "run-0")
    assert (run.recipe, run.config, run.data) == (first.recipe, first.config, first.data)
    assert part["parameters"] == part["member_parameters"] * (
        1 if name == "soup" else sum(row["weight"] != 0 for row in part["members"])
    ) + (210 if name == "stack" else 0)
    with zipfile.ZipFile(run.model_file) as archive:
        assert b"fashion_zoo" not in archive.read("config.json"), "Keras's own classes only"
    assert repr(run).splitlines()[0].endswith(f"{METHODS[name]} of 2 members, ensemble {name}")
    assert "points against its best member" in repr(run)


@pytest.mark.parametrize("name", ["average", "greedy", "soup"])
def test_the_stated_figure_is_that_of_the_model_in_the_folder(ensembled, name):
    run, validation = fashion_zoo.open_run(ensembled / name), load(limit=400).validation
    found = predicted(run.load_model(), validation.images)
    reached = (found.argmax(axis=1) == validation.labels).mean()
    assert reached == pytest.approx(run.ensemble["validation_accuracy"], abs=2e-4)  # 1 image
    assert type(run.load_model().layers[-1]).__name__ == "Rescaling"


def test_the_model_of_an_average_is_the_mean_of_those_of_the_runs(ensembled):
    run, images = (
        fashion_zoo.open_run(ensembled / "average"),
        load(limit=400).validation.images[:200],
    )
    each = [predicted(fashion_zoo.open_run(one).load_model(), images) for one in members(ensembled)]
    expected = log_mean(np.array(each), [0.5, 0.5]) / run.ensemble["temperature"]
    expected -= np.log(np.exp(expected).sum(axis=1, keepdims=True))
    assert predicted(run.load_model(), images) == pytest.approx(expected, abs=1e-5)


ELSEWHERE = """
import sys
sys.modules["fashion_zoo"] = None  # it cannot be imported
import keras, numpy as np
images = np.load("images.npy")
for name in sys.argv[1:]:
    model = keras.models.load_model(f"{name}/model.keras")
    found = keras.ops.convert_to_numpy(model(images, training=False))
    error = np.abs(found - np.load(f"{name}.npy")).max()
    assert error < 1e-4, (name, error)
    print(name)
model.optimizer.learning_rate = 1e-3
model.train_on_batch(images, np.zeros(len(images)))  # it is compiled
"""


@pytest.mark.slow
def test_the_models_load_where_this_package_is_not_installed(ensembled):
    images = load(limit=400).validation.images[:20].astype("float32")
    np.save(ensembled / "images.npy", images)
    names = ["average", "stack"]  # a greedy choice is an average, and a soup one of its recipe
    for name in names:
        model = fashion_zoo.open_run(ensembled / name).load_model()
        np.save(ensembled / f"{name}.npy", model.predict_on_batch(images))
    done = subprocess.run(
        [sys.executable, "-P", "-c", ELSEWHERE, *names],
        cwd=ensembled,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == names


def test_evaluate_and_predict_take_an_ensemble(ensembled, tmp_path, capsys):
    folder = shutil.copytree(ensembled / "average", tmp_path / "e")
    assert evaluate.main([str(folder)]) == 0
    assert "accuracy" in capsys.readouterr().out
    run = fashion_zoo.open_run(folder)
    assert run.result("evaluation")["images"] == 10_000
    (found,) = fashion_zoo.predict(run, load().test.images[0], top=1)
    assert found.classes[0][0] in run.data.class_names
    assert predict.main([str(folder), str(tmp_path / "none.png")]) != 0


def test_an_ensemble_is_not_trained_further(ensembled, tmp_path):
    folder, config = ensembled / "average", fashion_zoo.open_run(ensembled / "average").config
    refused = r"is an ensemble \(average of 2 members\), which has no training to resume, fork"
    for settings in (
        {"run_dir": folder, "resume": True},
        {"run_dir": folder, "resume": True, "config": config},
        {"run_dir": tmp_path / "f", "fork": folder},
        {"run_dir": tmp_path / "f", "fork": folder, "config": config},
    ):
        with pytest.raises(RunError, match=refused):
            fashion_zoo.train("bn_mlp", **settings)
    assert not (tmp_path / "f").exists()
    with pytest.raises(RunError, match=refused):
        fashion_zoo.publish(folder, to=tmp_path / "f")
    alone = r"whose model contains its members\. Start from one of them, or from a soup of them\."
    with pytest.raises(RunError, match=alone):
        fashion_zoo.get("bn_mlp", weights=folder)
    assert not (tmp_path / "f").exists()


def test_a_model_starts_from_a_soup_which_is_one_of_the_recipe(ensembled):
    run, images = fashion_zoo.open_run(ensembled / "soup"), load(limit=400).validation.images[:200]
    model = fashion_zoo.get("bn_mlp", weights=ensembled / "soup", precision="float32")
    assert model.get_layer("dense_1").units == 16
    logits = run.ensemble["temperature"] * run.load_model().predict_on_batch(images)
    assert model.predict_on_batch(images) == pytest.approx(logits, abs=1e-4)


def test_the_command_line_refuses_it_in_one_line(ensembled, capsys):
    assert train.main(["bn_mlp", "--run-dir", str(ensembled / "average"), "--resume"]) == 5
    assert "which has no training to resume, fork" in capsys.readouterr().err


def test_a_member_whose_model_can_no_longer_be_read_is_named_as_a_member(
    ensembled, tmp_path, monkeypatch
):
    def gone(*_, **__):
        raise OSError("the disk is gone")

    monkeypatch.setattr(reading, "archive_digest", gone)
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.ensemble(members(ensembled), to=tmp_path / "e")
    assert str(refused.value) == (
        f"The member {members(ensembled)[0]} cannot be used: model.keras cannot be read: the disk "
        "is gone."
    )


def test_a_member_whose_outputs_are_not_finite_is_refused(ensembled, tmp_path):
    good, bad = members(ensembled)
    shutil.copytree(bad, tmp_path / "bad")
    model = fashion_zoo.open_run(bad).load_model()
    model.get_layer("logits").bias.assign(np.full(10, np.nan))
    model.save(tmp_path / "bad" / "model.keras")
    with pytest.raises(RunError, match="has outputs that are not finite, so it cannot be part of"):
        fashion_zoo.ensemble([good, tmp_path / "bad"], "stack", to=tmp_path / "e")


def test_a_member_and_a_teacher_are_trained_to_their_end(ensembled, tmp_path):
    good, _ = members(ensembled)
    half = shutil.copytree(ensembled / "run-1", tmp_path / "half")
    stored = json.loads((half / "training.json").read_text())
    (half / "training.json").write_text(json.dumps({**stored, "finished": False}))
    message = r"half is not trained to its end\. Resume it with .*resume=True"
    with pytest.raises(RunError, match=message):
        fashion_zoo.ensemble([good, half], to=tmp_path / "e")
    taught = {"epochs": 1, "distillation": {"teacher": half}}
    with pytest.raises(RunError, match=message):
        fashion_zoo.train("bn_mlp", data={"limit": 400}, training=taught, run_dir=tmp_path / "s")
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_dir()) == ["half"]


@pytest.mark.slow
def test_an_ensemble_can_be_a_member(ensembled, tmp_path):
    run = fashion_zoo.ensemble([ensembled / "soup", ensembled / "average"], to=tmp_path / "e")
    single = fashion_zoo.open_run(ensembled / "soup").ensemble["parameters"]
    assert run.ensemble["parameters"] == 3 * single


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"class_names": ["a", "b"]}}, "class names a, b, not T-shirt/top, Trouser,"),
        ({"data": {"image_shape": [14, 14]}}, r"image shape \(14, 14\), not \(28, 28\)"),
        (
            {"data": {"digest": "ab" * 32}},
            "and validation images abababababab, not",
        ),
        ({"data": {"test_digest": "ab" * 32}}, ""),
        ({"data": {"invert": True}}, "inversion True, not False"),
    ],
)
def test_members_of_other_images_are_refused(ensembled, tmp_path, changes, message):
    other = shutil.copytree(ensembled / "run-1", tmp_path / "other")
    stored = json.loads((other / "config.json").read_text())
    for section, fields in changes.items():
        stored[section] |= fields
    (other / "config.json").write_text(json.dumps(stored))
    if not message:  # of one of the two it is not known
        fashion_zoo.ensemble([ensembled / "run-0", other], to=tmp_path / "e")
        return
    with pytest.raises(DataError, match=message):
        fashion_zoo.ensemble([ensembled / "run-0", other], to=tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_what_cannot_be_combined_is_answered(ensembled, tmp_path):
    first, second = members(ensembled)
    to = tmp_path / "e"
    for runs, received in (([first], "1"), ([], "0"), (3, "3"), ("runs/a", "'runs/a'")):
        with pytest.raises(ConfigError, match=f"a list of at least 2 runs, received {received}"):
            fashion_zoo.ensemble(runs, to=to)
    with pytest.raises(ConfigError, match="Each member is named once"):
        fashion_zoo.ensemble([first, second, first], to=to)
    with pytest.raises(ConfigError, match="is or holds one of the members"):
        fashion_zoo.ensemble([first, second], to=first, force=True)
    with pytest.raises(RunError, match=r"holds a run already\. Choose another place, or replace"):
        fashion_zoo.ensemble([first, second], to=ensembled / "average")
    with pytest.raises(ConfigError, match=r"Unknown ensemble method 'averag'\. Did you mean"):
        fashion_zoo.ensemble([first, second], "averag", to=to)
    without = shutil.copytree(second, tmp_path / "without")
    (without / "model.keras").unlink()
    with pytest.raises(RunError, match=r"has no model\.keras"):
        fashion_zoo.ensemble([first, without], to=to)
    assert not to.exists()


def test_an_older_ensemble_is_replaced_only_if_forced_and_kept_if_that_fails(
    ensembled, tmp_path, monkeypatch
):
    folder = shutil.copytree(ensembled / "greedy", tmp_path / "e")
    again = fashion_zoo.ensemble(members(ensembled), "average", to=folder, force=True)
    assert again.ensemble["method"] == "average"
    monkeypatch.setattr(fashion_zoo.Run, "save_model", lambda *_: pytest.fail("a full disk"))
    with pytest.raises(BaseException, match="a full disk"):
        fashion_zoo.ensemble(members(ensembled), "greedy", to=folder, force=True)
    assert fashion_zoo.open_run(folder).ensemble["method"] == "average"
    assert [one.name for one in tmp_path.iterdir() if not one.name.endswith(".lock")] == ["e"]


def test_by_default_an_ensemble_has_a_folder_as_a_training_has(ensembled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(making, "default_run_dir", lambda name: Path("runs") / f"{name}-now")
    made = [fashion_zoo.ensemble(members(ensembled), progress=False) for _ in range(2)]
    folder = tmp_path / "runs"
    assert [run.path for run in made] == [folder / "ensemble-now", folder / "ensemble-now-2"]
    assert made[1].ensemble.title == "average of 2 members"


def test_the_command_prints_what_it_made_and_what_comes_next(
    ensembled, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(ensembled)
    flags = ["--method", "greedy(4)", "--temperature", "--to", str(tmp_path / "e")]
    assert ensemble.main(["run-0", "run-1", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"member       \d+\.\d\d %  run-0, weight [01]\.\d{3}", lines[0])
    assert re.fullmatch(r"best member  \d+\.\d\d %  run-\d \(bn_mlp, seed \d\)", lines[2])
    assert re.fullmatch(
        r"ensemble     \d+\.\d\d %  greedy\(4\) of 2 members, [+-]\d+\.\d\d points", lines[3]
    )
    assert re.fullmatch(r"parameters   [\d,]+, of the best member [\d,]+", lines[4])
    assert re.fullmatch(r"temperature  \d+\.\d{3}", lines[5])
    assert lines[6] == f"run          {tmp_path / 'e'}"
    assert lines[7] == f"Next: python -m recipes.evaluate {tmp_path / 'e'}"
    assert ensemble.main(["run-0", "run-1", "--to", str(tmp_path / "j"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"run": str(tmp_path / "j"), **fashion_zoo.open_run(tmp_path / "j").ensemble}
    assert found["temperature"] is None
    assert ensemble.main(["run-0", "--to", str(tmp_path / "k")]) == 3


def test_a_damaged_part_is_named(ensembled, tmp_path):
    folder = Path(shutil.copytree(ensembled / "average", tmp_path / "e"))
    stored = json.loads((folder / "config.json").read_text())
    for part, message in (
        ([], r"ensemble must be an object"),
        ({**stored["ensemble"], "members": [{"path": 3}]}, r"ensemble.members\[0\].path must be a"),
        ({**stored["ensemble"], "members": []}, "its ensemble has no members"),
    ):
        (folder / "config.json").write_text(json.dumps({**stored, "ensemble": part}))
        with pytest.raises(RunError, match=message):
            fashion_zoo.open_run(folder)
