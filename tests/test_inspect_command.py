"""What an inspection is made of, and what it leaves: runs, model files, pages, the command."""

import json
import shutil

import keras
import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, RunError
from recipes.inspect import main


@pytest.fixture(scope="module")
def small_model():
    return keras.Sequential(
        [
            keras.layers.Input((28, 28, 1)),
            keras.layers.Conv2D(4, 5, 4, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax", name="probabilities"),
        ],
        name="small",
    )


@pytest.fixture(scope="module")
def data(images):
    kept = images.labels < 3
    return images.images[kept], images.labels[kept]


def test_any_keras_model_file_is_inspected(small_model, data, tmp_path):
    small_model.save(tmp_path / "model.keras")
    found = fashion_zoo.inspect(
        tmp_path / "model.keras", to=tmp_path / "i", data=data, scale=1 / 255
    )
    (epoch,) = found["epochs"]
    names = [layer["name"] for layer in epoch["layers"]]
    assert names == ["conv", "norm", "probabilities"]
    assert [layer["units"] for layer in epoch["layers"]] == [4, 4, 3]
    assert epoch["learning_rate"] is None  # it is not compiled
    assert epoch["layers"][0]["kernel"]["update_ratio"] is None
    assert epoch["layers"][0]["rms"] < 2  # the pixels are scaled
    assert json.loads((tmp_path / "i" / "inspection.json").read_text()) == found


def test_a_model_is_as_before(small_model, data, tmp_path):
    nodes = [len(layer._inbound_nodes) for layer in small_model.layers]
    before = [np.array(one) for one in small_model.get_weights()]
    fashion_zoo.inspect(small_model, to=tmp_path / "i", data=data)
    assert all(map(np.array_equal, before, small_model.get_weights()))
    assert nodes == [len(layer._inbound_nodes) for layer in small_model.layers]


@pytest.mark.slow
def test_a_run_without_checkpoints_or_without_a_model_is_inspected_as_it_is(trained, tmp_path):
    shutil.copytree(trained.run.path, tmp_path / "r")
    (tmp_path / "r" / "model.keras").unlink()
    (tmp_path / "r" / "state" / "epoch-000001").write_bytes(b"damaged")
    found = fashion_zoo.inspect(tmp_path / "r", images=100)
    assert [one["epoch"] for one in found["epochs"]] == ["untrained", "epoch 2"]
    shutil.rmtree(tmp_path / "r" / "state")
    with pytest.raises(RunError, match=r"no checkpoint and no model\.keras to inspect"):
        fashion_zoo.inspect(tmp_path / "r", images=100, force=True)
    shutil.copy(trained.run.path / "model.keras", tmp_path / "r")
    found = fashion_zoo.inspect(tmp_path / "r", images=100, force=True)
    assert [one["epoch"] for one in found["epochs"]] == ["untrained", "model.keras"]
    assert found["epochs"][-1]["learning_rate"] > 0


@pytest.mark.slow
def test_a_model_file_with_folded_kernels_is_the_last_checkpoint(tmp_path):
    run = fashion_zoo.train(
        "baseline_mlp", run_dir=tmp_path / "r", evaluate=False, export=False,
        model={"hidden_units": (8,), "weight_standardization": True},
        data={"limit": 200}, training={"epochs": 1, "batch_size": 50},
    ).run  # fmt: skip
    found = fashion_zoo.inspect(run, images=100)
    assert [one["epoch"] for one in found["epochs"]] == ["untrained", "epoch 1"]


def test_an_inspection_is_a_result_of_its_run(trained, tmp_path, capsys, drawn):
    shutil.copytree(trained.run.path, tmp_path / "r")
    assert main([str(tmp_path / "r"), "--images", "100"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("bn_mlp, run r, seed 0: 7 layers; untrained, epoch 1, epoch 2\n")
    assert f"page   {tmp_path}/r/inspection/inspection.html" in printed
    pictures = {file.stem for file in (tmp_path / "r" / "inspection").glob("*.png")}
    assert pictures == {
        "batch_norm", "gradient_flow", "gradients", "outputs", "ranks", "units", "updates",
    }  # fmt: skip
    page = (tmp_path / "r" / "inspection" / "inspection.html").read_text()
    assert page.count("<img") == 7
    run = fashion_zoo.open_run(tmp_path / "r")
    assert [one["epochs"] for one in run.result("inspection")["findings"]] == [["epoch 1"]]
    assert run.result("inspection").summary in repr(run)
    assert main([str(tmp_path / "r"), "--images", "100"]) == RunError.exit_code
    run.drop_results()  # as a training that is resumed does
    assert not (tmp_path / "r" / "inspection").exists()


def test_findings_are_printed_with_their_layer(tmp_path, capsys):
    model = fashion_zoo.get("baseline_mlp", hidden_units=(16, 8))
    model.get_layer("dense_1").kernel.assign(0 * model.get_layer("dense_1").kernel)
    model.save(tmp_path / "dead.keras")
    place = ["--to", str(tmp_path / "i"), "--images", "100"]
    assert main([str(tmp_path / "dead.keras"), *place]) == 0
    printed = capsys.readouterr().out
    assert (
        "Dead units: relu_1 (the model): 16 units of 16 (100.00 %) give one value for all images"
    ) in printed
    assert "\nDead units: What usually helps is a smaller --training.learning-rate, " in printed


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: 3, "inspect takes a run, its folder or a model, or the file of a model, received"),
        (lambda: _subclassed(), "inspect takes a functional or sequential Keras model"),
        (lambda: fashion_zoo.get("bn_mlp", num_classes=3), "a model of 10 classes"),
    ],
)
def test_what_cannot_be_inspected_is_one_sentence(make, text, tmp_path):
    with pytest.raises(ConfigError, match=text):
        fashion_zoo.inspect(make(), to=tmp_path / "i")


def test_a_run_has_its_own_scale_and_a_model_needs_layers(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"the pixels it was trained on; received scale=0\.5\. L"):
        fashion_zoo.inspect(trained.run.path, to=tmp_path / "i", scale=0.5)
    layers = keras.layers
    ten = [layers.Reshape((784, 1)), layers.Cropping1D((0, 774)), layers.Flatten()]
    model = keras.Sequential([layers.Input((28, 28, 1)), *ten], name="crop")
    with pytest.raises(ConfigError, match="layers that learn, received crop without any"):
        fashion_zoo.inspect(model, to=tmp_path / "i")


def test_a_file_that_is_no_model_is_one_sentence(tmp_path):
    (tmp_path / "m.keras").write_text("no model")
    with pytest.raises(RunError, match=r"m\.keras cannot be loaded as a Keras model"):
        fashion_zoo.inspect(tmp_path / "m.keras", to=tmp_path / "i")
    with pytest.raises(RunError, match="There is no run folder"):
        fashion_zoo.inspect(tmp_path / "nothing", to=tmp_path / "i")


def _subclassed():
    class Mine(keras.Model):
        output_shape = (None, 10)

        def call(self, inputs):
            return inputs

    return Mine()
