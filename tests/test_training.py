import keras
import numpy as np
import pytest
from fitting import fit_recipe
from rounding import SUMS

import fashion_zoo
from fashion_zoo import ConfigError, MLPConfig, recipe
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.training.fit import build_model, compile_model, steps_of_about_a_second
from fashion_zoo.training.plan import plan


def fitted(small, **changes):
    return fit_recipe("bn_mlp", override(override(recipe("bn_mlp").config, small), changes))


def test_the_same_seed_gives_the_same_run_bit_for_bit(trained, tmp_path, small):
    again = fashion_zoo.train(
        "bn_mlp", run_dir=tmp_path / "again", evaluate=False, export=False, **small
    )
    first, second = trained.run, again.run
    assert (first.path / "history.csv").read_bytes() == (second.path / "history.csv").read_bytes()
    weights = zip(first.load_model().weights, second.load_model().weights, strict=True)
    assert all(np.array_equal(a, b) for a, b in weights)
    _, others = fitted(small, seed=1, training={"epochs": 1})
    assert others[0]["loss"] != first.history()["loss"][0]


@pytest.mark.parametrize("steps", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_how_many_steps_an_execution_has_changes_nothing(trained, small, monkeypatch, steps):
    module = "fashion_zoo.training.fit.steps_of_about_a_second"
    monkeypatch.setattr(module, lambda *_: steps)  # of 10 batches: 3 leaves a ragged last execution
    _, rows = fitted(small)
    whole = trained.run.history()  # of executions of 10 steps
    del whole["epoch"]
    for row, values in zip(rows, zip(*whole.values(), strict=True), strict=True):
        assert row == pytest.approx(dict(zip(whole, values, strict=True)), rel=SUMS)


def test_learning_rate_and_dropout_rates_run_to_the_end_of_their_schedules(trained, small):
    assert trained.run.history()["learning_rate"][-1] == pytest.approx(3e-3 / 250_000)
    schedules = {"learning_rate": "step", "dropout": "linear"}
    _, rows = fitted(small, training={"schedules": schedules, "epochs": 3})
    assert [row["learning_rate"] for row in rows] == pytest.approx([3e-3, 3e-4, 3e-5])
    assert [row["dropout_1_rate"] for row in rows] == pytest.approx([0.2, 0.4 / 3, 0.2 / 3])


def test_a_step_is_traced_once(small, monkeypatch):
    """TensorFlow traces a step again that has made variables."""
    traced, train_step = [], keras.Model.train_step

    def counted(self, data):
        traced.append(self.name)
        return train_step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    training = {"averaging": "ema", "clipping": "adaptive", "metrics": ["worst_recall"]}
    fitted(small, training={**training, "epochs": 1})
    assert len(traced) == 1


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        pytest.param("linear", (0.5, 0.0), marks=pytest.mark.slow),
        ("linear(0, 1)", (0.5, 1.0)),
        pytest.param("constant(0.5)", (0.5, 0.5), marks=pytest.mark.slow),
    ],
)
def test_everything_scheduled_may_start_at_0_end_at_0_or_stand_still(small, schedule, ends):
    names = ("learning_rate", "weight_decay", "label_smoothing", "dropout")
    _, rows = fitted(
        small,
        training={
            "optimizer": "adamw",
            "weight_decay": 0.1,
            "label_smoothing": 0.2,
            "schedules": {**dict.fromkeys(names, schedule), "dropout_each": "step"},
        },
    )
    bases = {"learning_rate": 3e-3, "weight_decay": 0.1, "label_smoothing": 0.2}
    for name, base in {**bases, "dropout_1_rate": 0.2, "dropout_2_rate": 0.2}.items():
        # the first of two epochs of 10 steps ends at progress 9 / 19
        applied = [row[name] / base for row in rows]
        assert applied == pytest.approx(ends, abs=0.03), name
        assert applied[-1] == pytest.approx(ends[-1], abs=1e-6)
    assert all(np.isfinite([row["loss"], row["val_loss"]]).all() for row in rows)


def test_a_dropout_schedule_without_dropout_is_refused_and_leaves_nothing(tmp_path, small):
    training = {**small["training"], "schedules": {"dropout": "linear"}}
    with pytest.raises(ConfigError, match=r"baseline_mlp has none\. Give it a rate above 0"):
        fashion_zoo.train("baseline_mlp", run_dir=tmp_path / "r", **{**small, "training": training})
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_label_smoothing_keeps_validation_loss_comparable(small):
    model, rows = fitted(small, training={"label_smoothing": 0.1})
    compile_model(model, plan(RunConfig(MLPConfig())))
    validation = load().validation
    loss, accuracy = model.evaluate(validation.images, validation.labels.astype("int32"), verbose=0)
    assert rows[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert rows[-1]["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.slow
def test_gradients_are_clipped_by_their_global_norm(small):
    free, _ = fitted(small, training={"optimizer": "sgd", "epochs": 1})
    still, _ = fitted(
        small, training={"optimizer": "sgd", "epochs": 1, "clipping": "global_norm(1e-6)"}
    )
    config = override(recipe("bn_mlp").config, small)
    start = build_model(recipe("bn_mlp"), config.model, plan(config)).get_layer("dense_1").kernel
    assert np.abs(still.get_layer("dense_1").kernel - start).max() < 1e-7
    assert np.abs(free.get_layer("dense_1").kernel - start).max() > 1e-3


def test_a_model_that_does_not_fit_the_data_is_refused_before_anything_is_written(tmp_path, small):
    for changes, message in (
        ({"num_classes": 3}, "model.num_classes is 3, but the data has 10 classes"),
        ({"input_shape": (32, 32)}, r"input_shape=\(32, 32\), which is 1,024 values"),
    ):
        with pytest.raises(ConfigError, match=message):
            fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", model=changes)
        assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_other_input_shapes_train_evaluate_and_export(tmp_path, small):
    for name, shape in (("flat", (784,)), ("channel", (28, 28, 1))):
        config = {**small, "model": {"hidden_units": (8,), "input_shape": shape}}
        trained = fashion_zoo.train("bn_mlp", run_dir=tmp_path / name, **config)
        assert trained.evaluation["images"] == 10_000
        assert trained.parity["same_class"] == 1


def test_an_execution_is_about_a_second_and_at_most_an_epoch():
    assert steps_of_about_a_second(576_010, 256, 214) == 50
    assert steps_of_about_a_second(1_000, 32, 100) == 100
    assert steps_of_about_a_second(10**9, 512, 100) == 1
