"""A small training with everything that moves, and when two of its runs are the same."""

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo.training import checkpoint as checkpoints, session

OPTIONS = {
    "model": {"hidden_units": (16, 8), "dropout": (0.2, 0.1)},
    "data": {"limit": 600},
    "training": {
        "epochs": 3,
        "batch_size": 100,
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "label_smoothing": 0.1,
        "schedules": {
            "weight_decay": "linear",
            "label_smoothing": "cosine",
            "dropout": "linear(1, 0.5)",
            "dropout_each": "step",
        },
        "early_stopping": {"monitor": "accuracy", "patience": 3, "budget": 1000},
    },
}


def train(path, **changes):
    """Train, without what comes after training."""
    return fashion_zoo.train("bn_mlp", run_dir=path, evaluate=False, export=False, **changes).run


class Killed(BaseException):
    """Leaves a training where it stands."""


def stopped(path, epoch, monkeypatch, **options):
    """Train and break off after an epoch, counted from 1."""

    class Break(session.StopOnInterrupt):
        def on_epoch_begin(self, number, logs=None):
            if number == epoch:
                raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(session, "StopOnInterrupt", Break)
        train(path, **options)


def files(run):
    return sorted(
        file.relative_to(run.path).as_posix() for file in run.path.rglob("*") if file.is_file()
    )


def assert_same(run, other):
    """Both hold the same files, history, weights and state, to the last bit."""
    assert files(run) == files(other)
    history = "history.csv"
    assert (run.path / history).read_bytes() == (other.path / history).read_bytes()
    for arrays, others in ((_weights(run), _weights(other)), (_variables(run), _variables(other))):
        assert len(arrays) == len(others)
        assert all(np.array_equal(a, b) for a, b in zip(arrays, others, strict=True))
    ended, its = (
        {name: value for name, value in one.read_json("training.json").items() if name != "seconds"}
        for one in (run, other)
    )
    assert ended == its


def _weights(run):
    return run.load_model().get_weights()


def _variables(run):
    return checkpoints.parse(run.load_checkpoint()).variables
