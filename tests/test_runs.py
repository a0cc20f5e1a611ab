import json
import shutil
from pathlib import Path
from typing import ClassVar

import keras
import pytest

import fashion_zoo
from fashion_zoo import RunError, open_run, recipe, runs
from fashion_zoo.runs import stored


def test_a_run_holds_what_it_says(trained):
    run = trained.run
    assert {file.name for file in run.path.iterdir()} == {
        "config.json", "environment.json", "history.csv", "timing.csv", "training.json",
        "model.keras", "curves.png", "evaluation.json", "confusion.png", "reliability.png",
        "errors.png", "saved_model", "state", "positions.npz",
    }  # fmt: skip
    stored = run.read_json("config.json")
    assert stored["format"] == 3
    assert stored["recipe"] == "bn_mlp"
    assert open_run(run.path) == run
    history = run.history()
    assert history["epoch"] == [1, 2]
    assert set(history) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate",
    }  # fmt: skip
    surroundings = run.read_json("environment.json")
    assert surroundings["versions"]["keras"] == keras.__version__
    assert surroundings["precision"] == {
        "asked": "float32", "policy": "float32", "reason": "asked for",
    }  # fmt: skip
    assert trained.training["finished"] is True
    assert trained.training["epochs"] == 2
    assert trained.training["validation_accuracy"] == pytest.approx(
        history["val_accuracy"][-1], abs=1e-7
    )


def test_a_run_without_a_model_is_named(tmp_path):
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {}):
        pass
    with pytest.raises(RunError, match=r"has no model\.keras: its training did not finish"):
        fashion_zoo.evaluate(tmp_path / "r")


@pytest.mark.slow
def test_the_current_folder_can_be_the_run(tmp_path, small, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = fashion_zoo.train("bn_mlp", run_dir=".", evaluate=False, export=False, **small)
    assert (tmp_path / "model.keras").is_file()
    assert trained.training["finished"] is True


def test_a_run_is_never_overwritten_unless_forced(trained, tmp_path, small):
    with pytest.raises(RunError, match="resume it with resume=True, or replace it"):
        fashion_zoo.train("bn_mlp", run_dir=trained.run.path, **small)
    folder = tmp_path / "r"
    shutil.copytree(trained.run.path, folder)
    only = {"evaluate": False, "export": False}
    fashion_zoo.train("bn_mlp", run_dir=folder, force=True, seed=1, **only, **small)
    assert open_run(folder).config.seed == 1


def test_a_folder_that_is_not_a_run_is_never_replaced(tmp_path, small):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RunError, match="is there already and is not a run"):
        fashion_zoo.train("bn_mlp", run_dir=tmp_path, force=True, **small)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a run folder: it has no config.json"),
        ("{", r"config\.json cannot be read"),
        ("[]", "is damaged: expected a JSON object"),
        ("{}", "config.json is not a run's"),
        ('{"format": 99}', "has format 99; this package reads formats up to 3. Update"),
        ('{"format": 1, "recipe": ["x"], "config": {}}', "config.json is not a run's"),
        ('{"format": 1, "recipe": "bn_mlp", "config": 5}', "config.json is not a run's"),
        (
            '{"format": 1, "recipe": "bn_mlp", "config": {"training": {"schedules": 5}}}',
            "schedules must be a mapping with some of learning_rate",
        ),
        ('{"format": 1, "recipe": "own", "config": {}}', "load its file first, with load_recipes"),
        ('{"format": 1, "recipe": "bn_mlp", "config": {"sed": 1}}', "Unknown option 'sed'"),
    ],
)
def test_what_is_not_a_run_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(tmp_path)
    with pytest.raises(RunError, match="There is no run folder"):
        open_run(tmp_path / "missing")


def test_a_mistyped_folder_is_answered_with_the_nearest_run_beside_it(tmp_path):
    for name in ("large", "largo"):
        (tmp_path / name).mkdir()
    (tmp_path / "large" / "config.json").touch()
    with pytest.raises(RunError) as refused:
        open_run(tmp_path / "largoo")
    assert str(refused.value) == (
        f"There is no run folder {tmp_path}/largoo. Did you mean '{tmp_path}/large'?"
    )
    with pytest.raises(RunError, match=r"There is no run folder [^ ]*other\.$"):
        open_run(tmp_path / "other")


def test_callbacks_of_ones_own_are_noted_where_an_older_version_began(tmp_path):
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {"cores": 2}) as run:
        assert runs.move(run, {"cores": 2, "callbacks": []}, 1) == []
        changed = runs.move(run, {"cores": 2, "callbacks": ["Mine"]}, 1)
    assert changed == ["callbacks was [], now ['Mine']"]
    assert runs.aside(run) == "was trained with callbacks of its own (Mine)"


def test_a_damaged_model_is_named(trained, tmp_path):
    data = trained.run.model_file.read_bytes()
    with runs.create(tmp_path / "r", "bn_mlp", trained.run.config, {}) as run:
        pass
    run.model_file.write_bytes(data[: len(data) // 2])
    with pytest.raises(RunError, match=r"model\.keras cannot be loaded"):
        run.load_model()


def test_a_run_reads_says_and_drops_the_results_of_rooms_it_does_not_know(tmp_path, monkeypatch):
    class Weighed(stored.Result):
        """How heavy a model is."""

        file, files = "weight.json", ("weight.json", "scales")
        shape: ClassVar = {"grams": int}
        missing = "not weighed"

        @property
        def summary(self):
            return f"{self['grams']} g"

    monkeypatch.setattr(stored.RESULTS, "_members", dict(stored.RESULTS))
    stored.RESULTS.register(Weighed, "weight")
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {}) as run:
        end = {"finished": True, "epochs": 1, "seconds": 1.0, "validation_accuracy": 0.5}
        (run.path / "training.json").write_text(json.dumps(end))
        assert repr(run).endswith("not evaluated on the test images\nnot weighed")
        assert run.result("weight") is None
        (run.path / "scales").mkdir()
        (run.path / "notes.txt").touch()
        (run.path / "weight.json").write_text('{"grams": 3}')
        assert isinstance(run.result("weight"), Weighed)
        assert repr(run).endswith("3 g")
        (run.path / "weight.json").write_text('{"grams": "heavy"}')
        with pytest.raises(RunError, match=r"weight.json is damaged: grams must be a whole number"):
            run.result("weight")
        run.drop_results()
        assert {file.name for file in run.path.iterdir()} == {
            "config.json", "environment.json", "training.json", "notes.txt",
        }  # fmt: skip


def test_the_run_folder_has_no_name_of_a_file_of_a_room_above_it():
    texts = [file.read_text("utf-8") for file in Path(runs.__file__).parent.glob("*.py")]
    for kind in stored.RESULTS.values():
        for name in (kind.file, *kind.files):
            assert not any(name in text for text in texts), name
