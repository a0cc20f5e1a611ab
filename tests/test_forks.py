"""Forks: new runs that begin with the weights, the optimizer and the history of another."""

import pytest
from resuming import assert_same, stopped, train

import fashion_zoo
from fashion_zoo import RunError, runs
from fashion_zoo.training import session

LONGER = {"training": {"epochs": 5, "batch_size": 50}}


def test_a_fork_goes_on_with_other_settings(whole, tmp_path):
    schedules = {"dropout": "constant", "dropout_each": "epoch"}
    run = train(
        tmp_path / "fork",
        fork=whole.path,
        model={"dropout": (0.4, 0.3)},
        training={"epochs": 5, "batch_size": 50, "schedules": schedules},
    )
    history, origin = run.history(), whole.history()
    assert history["epoch"] == [1, 2, 3, 4, 5]
    assert history["loss"][:3] == origin["loss"]
    assert history["loss"][3] < origin["loss"][0]
    assert run.config.model.hidden_units == whole.config.model.hidden_units
    assert [run.load_model().get_layer(f"dropout_{n}").rate for n in (1, 2)] == [0.4, 0.3]
    # 12 steps an epoch now: the one-cycle rate ends with the last of 60
    assert history["learning_rate"][-1] == pytest.approx(3e-3 / 250_000)
    assert whole.finished


def test_a_fork_that_cannot_be_says_why(whole, tmp_path):
    with pytest.raises(RunError, match=r"has trained 3 epochs.*Set training.epochs above 3"):
        train(tmp_path / "r", fork=whole.path)
    no_decay = {"weight_decay": 0.0, "schedules": {"weight_decay": "constant"}}
    for changes in (
        {"model": {"hidden_units": (16, 16)}},
        {"training": {"optimizer": "sgd", **no_decay}},
    ):
        config = fashion_zoo.override(whole.config, {"training": {"epochs": 5}})
        with pytest.raises(RunError, match="Model and optimizer cannot change"):
            train(tmp_path / "r", fork=whole.path, config=fashion_zoo.override(config, changes))
        assert not (tmp_path / "r").exists()


@pytest.fixture(scope="module")
def fork(whole, tmp_path_factory):
    """A fork that was never stopped."""
    return train(tmp_path_factory.mktemp("fork") / "r", fork=whole.path, **LONGER)


@pytest.mark.slow
@pytest.mark.parametrize("again", [True, False])
def test_a_fork_that_was_killed_in_its_first_epoch_resumes_from_its_origin(
    whole, fork, tmp_path, monkeypatch, again
):
    stopped(tmp_path / "r", 3, monkeypatch, fork=whole.path, **LONGER)
    origin = {"fork": whole.path} if again else {}
    run = train(tmp_path / "r", resume=True, **origin)
    assert_same(run, fork)
    assert run.environments == fork.environments


@pytest.mark.slow
def test_a_fork_that_was_killed_before_training_begins_with_its_origin(whole, fork, tmp_path):
    with runs.create(tmp_path / "r", "bn_mlp", fork.config, {}, data=fork.data):
        pass  # as if killed here
    run = train(tmp_path / "r", resume=True, fork=whole.path)
    assert_same(run, fork)
    assert run.environments == fork.environments


def test_a_fork_names_its_origin_and_is_no_training_of_an_experiment(whole, fork):
    (place,) = fork.environments
    assert place["fork"] == {"run": str(whole.path), "epochs": 3}
    assert runs.aside(fork) == f"began as a fork of {whole.path} after 3 epochs"
    assert runs.aside(whole) is None
    assert session._same_run(whole.path, "bn_mlp", whole.config) == whole
    assert session._same_run(fork.path, "bn_mlp", fork.config) is None


@pytest.mark.slow
def test_a_training_that_begins_again_elsewhere_was_not_begun_where_it_was_killed(whole, tmp_path):
    config = fashion_zoo.override(whole.config, {"training": {"epochs": 1}})
    before = {"commit": "another", "fork": {"run": "r", "epochs": 1}}
    with runs.create(tmp_path / "r", "bn_mlp", config, before, data=whole.data):
        pass  # as if killed here, before the first checkpoint
    run = train(tmp_path / "r", resume=True)
    assert run.environments == whole.environments
