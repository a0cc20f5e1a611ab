"""Snapshots of a training at the ends of cycles of the learning rate, and ensembles of them."""

import re
import shutil

import numpy as np
import pytest
from resuming import OPTIONS, Killed, assert_same, files, stopped, train

import fashion_zoo
from fashion_zoo import ConfigError, RunError, TrainingConfig, open_run, override, recipe
from fashion_zoo.config import digest
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.data import load
from fashion_zoo.ensembles.choosing import log_mean, predicted
from fashion_zoo.runs import model_file, snapshots_of
from fashion_zoo.training import snapshots
from fashion_zoo.training.plan import plan
from recipes import ensemble

CYCLES = {
    **OPTIONS,
    "training": {
        **OPTIONS["training"],
        "epochs": 4,
        "schedules": {"learning_rate": "restarts(2, 1)", "dropout": "linear(1, 0.5)"},
        "snapshots": 2,
    },
}
NAMES = ["snapshots/epoch-000002.keras", "snapshots/epoch-000004.keras"]


@pytest.fixture(scope="module")
def cycled(shared):
    """The run of ``CYCLES`` that was never stopped. Do not write into it."""
    name, folder = shared("cycled", lambda folder: train(folder / "r", **CYCLES).path.name)
    return open_run(folder / name)


def weights_of(run):
    """The weights of each snapshot."""
    return [one.load_model().get_weights() for one in snapshots_of(run)]


def assert_equal(models, others):
    for weights, its in zip(models, others, strict=True):
        assert len(weights) == len(its)
        assert all(map(np.array_equal, weights, its))


def test_each_snapshot_is_of_an_epoch_whose_last_rate_is_the_lowest():
    config = override(recipe("bn_mlp").config, {"training": {
        "epochs": 20, "batch_size": 40, "snapshots": 5,
        "schedules": {"learning_rate": "restarts(5, 1)"},
    }})  # fmt: skip
    planned = plan(config, [40] * 10)
    assert sorted(planned.snapshots) == [4, 8, 12, 16, 20]
    rates = planned.tables["learning_rate"].reshape(5, -1)
    assert (rates.argmin(axis=1) == rates.shape[1] - 1).all()
    assert (rates[:, -1] < 0.01 * rates[:, 0]).all()
    assert rates[:, 0] == pytest.approx(config.training.learning_rate, rel=1e-2)
    assert plan(recipe("bn_mlp").config, [40] * 10).snapshots == frozenset()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 12, "schedule": "restarts(5, 1)"}, r'12 epochs\. Set training={"epochs": 15}'),
        ({"epochs": 10, "schedule": "one_cycle"}, r"'one_cycle' does not\. Set .*restarts\(5, 1\)"),
        ({"epochs": 10, "schedule": "restarts(5)"}, r"that of 'restarts\(5\)' does not"),
        ({"epochs": 10, "schedule": "constant"}, "that of 'constant' does not"),
        ({"epochs": 10, "schedule": "warmup >> restarts(5, 1)"}, "does not"),
    ],
)
def test_snapshots_that_would_not_end_a_cycle_are_refused(settings, message):
    schedules = fashion_zoo.SchedulesConfig(learning_rate=settings["schedule"])
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(epochs=settings["epochs"], snapshots=5, schedules=schedules)
    with pytest.raises(ConfigError, match="snapshots must be a whole number of at least 0"):
        TrainingConfig(snapshots=-1)


def test_snapshots_only_watch():
    config = override(recipe("bn_mlp").config, {"training": CYCLES["training"]})
    without = override(config, {"training": {"snapshots": 0}})
    assert digest.of(config) == digest.of(without) != digest.of(recipe("bn_mlp").config)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_snapshots(cycled, tmp_path, monkeypatch):
    stopped(tmp_path / "r", 3, monkeypatch, **CYCLES)
    assert [name for name in files(open_run(tmp_path / "r")) if "snapshots" in name] == NAMES[:1]
    run = train(tmp_path / "r", resume=True)
    assert_same(run, cycled)
    assert [name for name in files(run) if "snapshots" in name] == NAMES
    first, last = weights_of(cycled)
    assert_equal(weights_of(run), (first, last))
    assert_equal([last], [cycled.load_model().get_weights()])
    assert not np.array_equal(first[0], last[0])


@pytest.mark.slow
def test_a_kill_while_a_snapshot_is_written_leaves_none_that_is_half(cycled, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(model_file, "_pack", lambda file: (_ for _ in ()).throw(Killed))
        train(tmp_path / "r", **CYCLES)
    run = open_run(tmp_path / "r")
    assert not [name for name in files(run) if name in NAMES]
    run = train(tmp_path / "r", resume=True)
    assert_same(run, cycled)
    assert_equal(weights_of(run), weights_of(cycled))


@pytest.mark.slow
def test_a_training_is_the_same_without_snapshots(cycled, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "keeping", lambda *_: [])
    without = {**CYCLES, "training": {**CYCLES["training"], "snapshots": 0}}
    run = train(tmp_path / "r", **without)
    assert not (run.path / "snapshots").exists()
    assert_equal([run.load_model().get_weights()], weights_of(cycled)[1:])


def test_an_ensemble_of_snapshots_is_one_of_models_of_their_epochs(cycled, tmp_path):
    run = fashion_zoo.ensemble([cycled], snapshots=True, to=tmp_path / "e")
    rows = run.ensemble["members"]
    assert [row["path"] for row in rows] == [str(cycled.path / name) for name in NAMES]
    assert [row["digest"] for row in rows] == [digest_of(cycled.path, name) for name in NAMES]
    assert [row["weight"] for row in rows] == [0.5, 0.5]
    history = cycled.history()["val_accuracy"]
    found = [row["validation_accuracy"] for row in rows]
    assert found == pytest.approx([history[1], history[3]], abs=2e-4)  # 1 image
    images = load(limit=600).validation.images[:50]
    each = np.array([predicted(one.load_model(), images) for one in snapshots_of(cycled)])
    assert np.abs(each[0] - each[1]).max() > 1e-3
    assert predicted(run.load_model(), images) == pytest.approx(
        log_mean(each, [0.5, 0.5]), abs=1e-5
    )


@pytest.mark.slow
def test_the_command_combines_the_snapshots_of_one_run(cycled, tmp_path, capsys):
    flags = ["--snapshots", "--method", "soup", "--to", str(tmp_path / "e")]
    assert ensemble.main([str(cycled.path), *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"member       \d+\.\d\d %  .*{NAMES[0]}, weight [01]\.\d+", lines[0])


def test_runs_without_enough_snapshots_are_answered(cycled, tmp_path):
    few = shutil.copytree(cycled.path, tmp_path / "few")
    (few / NAMES[0]).unlink()
    with pytest.raises(ConfigError, match=f"at least 2 members, received .*{NAMES[1]} alone"):
        fashion_zoo.ensemble([few], snapshots=True, to=tmp_path / "e")
    shutil.rmtree(few / "snapshots")
    with pytest.raises(RunError, match=r"has no snapshots\. Train one with training"):
        fashion_zoo.ensemble([few], snapshots=True, to=tmp_path / "e")
    with pytest.raises(ConfigError, match="a list of at least 1 run, received 0"):
        fashion_zoo.ensemble([], snapshots=True, to=tmp_path / "e")
    with pytest.raises(ConfigError, match="a list of at least 2 runs, received 1"):
        fashion_zoo.ensemble([cycled], to=tmp_path / "e")
    assert not (tmp_path / "e").exists()
