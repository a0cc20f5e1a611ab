"""What a process may write at most in a file, ``ulimit -f``, is one sentence wherever it is met."""

import contextlib
import resource

import keras
import pytest

from fashion_zoo import StorageError, open_run, recipe, runs, storage


@contextlib.contextmanager
def limited(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save_model(run):
    inputs = keras.Input((28, 28))
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    run.save_model(model)


WRITES = {
    "state": lambda run: run.save_checkpoint(2, bytes(9000)),
    "model": save_model,
    "table": lambda run: storage.write_table(run.to_write("history.csv"), [{"x": "1" * 9000}]),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_file_that_may_not_be_as_large_is_one_sentence_and_leaves_nothing(tmp_path, write):
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {}) as run:
        run.save_checkpoint(1, b"state")
        before = sorted(run.path.rglob("*"))
        with pytest.raises(StorageError, match="Cannot write") as refused, limited(4096):
            WRITES[write](run)
        assert "File too large" in str(refused.value) or write == "model"
        assert "\n" not in str(refused.value)
        assert sorted(run.path.rglob("*")) == before
    assert open_run(run.path).load_checkpoint() == b"state"
