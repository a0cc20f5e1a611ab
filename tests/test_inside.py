"""Inside what TensorFlow would compute later or elsewhere, a call is answered in one sentence."""

import numpy as np
import pytest
import tensorflow as tf

import fashion_zoo
from fashion_zoo import ConfigError

LATER = r"^fashion_zoo was called inside a tf\.function or a tf\.Graph, .* Call it outside\.$"
PICTURE = np.full((28, 28), 9, "uint8")
CALLS = {
    "train": lambda path: fashion_zoo.train("bn_mlp", run_dir=path),
    "find_lr": lambda path: fashion_zoo.find_lr("bn_mlp"),
    "tune": lambda path: fashion_zoo.tune("bn_mlp", study_dir=path),
    "evaluate": lambda path: fashion_zoo.evaluate(path),
    "predict": lambda path: fashion_zoo.predict(path, PICTURE),
    "export": lambda path: fashion_zoo.export(path, path),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_graph_and_the_scope_of_a_strategy_are_refused(call, tmp_path):
    with tf.Graph().as_default(), pytest.raises(ConfigError, match=LATER):
        CALLS[call](tmp_path)
    with (
        tf.distribute.OneDeviceStrategy("CPU:0").scope(),
        pytest.raises(
            ConfigError,
            match=r"inside the scope of a OneDeviceStrategy, but trains and predicts on",
        ),
    ):
        CALLS[call](tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_is_made_inside_a_scope_and_in_no_graph():
    with tf.Graph().as_default(), pytest.raises(ConfigError, match=LATER):
        fashion_zoo.get("bn_mlp")
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        assert fashion_zoo.get("bn_mlp", hidden_units=(4,)).compiled


def test_a_function_is_refused(tmp_path):
    @tf.function(autograph=False)  # which would write the lines of its own code before it
    def inside():
        fashion_zoo.get("bn_mlp")

    with pytest.raises(ConfigError, match=LATER):
        inside()
