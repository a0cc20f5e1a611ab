"""Under a strategy with several replicas, where a variable is one of each replica's."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

(device,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

import fashion_zoo
from fashion_zoo import schedules
from fashion_zoo.callbacks import AdaptiveDropout, DropoutScheduler, OptimizerLogger
from fashion_zoo.runs.model_file import write_model
from fashion_zoo.training import checkpoint

pixels, labels = np.zeros((80, 28, 28), "uint8"), np.arange(80) % 10
with strategy.scope():
    model = fashion_zoo.get("bn_mlp", hidden_units=(8, 4), dropout=(0.4, 0.2))
linear = schedules.linear()
moving = [
    [OptimizerLogger(), DropoutScheduler(linear)],
    [DropoutScheduler(linear, each="step")],
    [AdaptiveDropout()],
]
found = []
for callbacks in moving:
    fitted = model.fit(
        pixels, labels, batch_size=20, epochs=2, verbose=0, callbacks=callbacks,
        validation_data=(pixels, labels),
    )
    names = ("learning_rate", "dropout_1_rate")
    found.append({name: fitted.history[name] for name in names if name in fitted.history})
checkpoint.restore_variables(model, checkpoint.parse(checkpoint.capture(model, [], 2)))
write_model(model, Path("model.keras"))
modules = {type(layer).__module__ for layer in keras.saving.load_model("model.keras").layers}
data = fashion_zoo.data.load()
named = fashion_zoo.predict(model, images := data.read("train").images[:7], top=1)
classes = keras.ops.convert_to_numpy(model(images.astype("float32"))).argmax(axis=1)
assert [one.classes[0][0] for one in named] == [data.class_names[n] for n in classes]
assert fashion_zoo.evaluate(model)["images"] == 10_000
print(json.dumps([found, sorted(modules)]))
"""


@pytest.mark.slow
def test_what_callbacks_move_and_log_is_a_number_under_a_mirrored_strategy(tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "warning" not in done.stderr
    (an_epoch, a_step, adaptive), modules = json.loads(done.stdout.splitlines()[-1])
    assert an_epoch["learning_rate"] == pytest.approx([3e-3] * 2)
    assert an_epoch["dropout_1_rate"] == pytest.approx([0.4, 0.2])
    assert a_step["dropout_1_rate"] == pytest.approx([0.4 * 4 / 7, 0], abs=1e-6)
    assert adaptive["dropout_1_rate"][0] == pytest.approx(0.4)
    assert all(module.startswith("keras.") for module in modules)
