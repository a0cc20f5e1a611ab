"""Clipping, accumulation and measured gradients inside trainings; on jax as well."""

import csv

import keras
import numpy as np
import pytest
from fitting import Capture, Silent, fit_recipe
from resuming import assert_same, stopped, train

import fashion_zoo
from fashion_zoo import ConfigError, RunError, TrainingConfig, override, recipe
from fashion_zoo.data import class_counts, load
from fashion_zoo.data.batches import orders, steps_per_epoch
from fashion_zoo.training.fit import build_model, compile_model, fit
from fashion_zoo.training.plan import plan

SMALL = {"model": {"hidden_units": (8,)}, "data": {"limit": 420}}
MEASURED = {"metrics": ["gradient_norm", "zero_gradients"]}
COLUMNS = ["gradient_norm", "gradient_norm_max"]


def config(name="baseline_mlp", **training):
    options = {"epochs": 2, "batch_size": 50, **training}
    return override(recipe(name).config, {**SMALL, "training": options})


def fitted(steps_per_execution, **training):
    """Train with so many steps per execution; return the weights and the rows of the epochs."""
    chosen, capture = config(**training), Capture()
    data = load(chosen.data)
    planned = plan(chosen, class_counts(data))
    model = build_model(recipe("baseline_mlp"), chosen.model, planned)
    compile_model(model, planned, steps_per_execution=steps_per_execution)
    fit(model, planned, data, [capture], Silent(), compiled=True)
    return model.get_weights(), capture.rows


def test_the_norm_of_every_gradient_before_clipping_is_in_the_history():
    """Gradient descent without momentum moves by the rate times the clipped gradient."""
    plain = {
        "optimizer": "sgd(momentum=0.0, nesterov=False)", "epochs": 1, "batch_size": 420,
        "learning_rate": 0.5, "schedules": {"learning_rate": "constant"},
    }  # fmt: skip
    start = build_model(recipe("baseline_mlp"), config(**plain).model, plan(config(**plain)))
    before = start.get_weights()
    for clipping, moved in (("none", None), ("global_norm(0.25)", 0.125)):
        model, (row,) = fit_recipe("baseline_mlp", config(**plain, **MEASURED, clipping=clipping))
        pairs = zip(model.get_weights(), before, strict=True)
        found = np.sqrt(sum(np.square(after - first).sum() for after, first in pairs))
        if clipping == "none":
            norm = row["gradient_norm"]
            assert found == pytest.approx(0.5 * norm, rel=1e-4)
            assert 0.001 < row["zero_gradients"] < 0.999
        assert row["gradient_norm"] == row["gradient_norm_max"] == pytest.approx(norm, rel=1e-5)
        assert moved is None or found == pytest.approx(moved, rel=1e-4)


def test_a_clipping_logs_the_norm_and_nothing_else_does():
    assert TrainingConfig().measures == ()
    assert TrainingConfig(clipping="norm(1)").measures == ("gradient_norm",)
    assert TrainingConfig(metrics=("zero_gradients",)).measures == ("zero_gradients",)
    assert TrainingConfig(metrics=("zero_gradients",)).watched == ()
    with pytest.raises(ConfigError, match=r"early_stopping\.monitor 'gradient_norm'"):
        fashion_zoo.EarlyStoppingConfig("gradient_norm")


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [
        {"clipping": "adaptive", **MEASURED},
        {"clipping": "norm(0.1)", "accumulation": 4, "optimizer": "adamw", "weight_decay": 0.1},
    ],
    ids=str,
)
def test_any_number_of_steps_per_execution_trains_the_same(training):
    if keras.backend.backend() == "torch":
        pytest.skip("Keras has no longer executions there")
    (weights, rows), (others, expected) = (fitted(steps, **training) for steps in (1, 8))
    for row, other in zip(rows, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert all(0 < row["gradient_norm"] <= row["gradient_norm_max"] for row in rows)


def test_accumulated_batches_train_as_one_large_batch():
    """420 images: 3 updates of 128 an epoch, as 12 batches of 32, and 36 images are left out."""
    one, rows = fit_recipe("baseline_mlp", config(epochs=3, batch_size=128, **MEASURED))
    few = config(epochs=3, batch_size=32, accumulation=4, **MEASURED)
    four, others = fit_recipe("baseline_mlp", few)
    planned = plan(few, np.full(10, 42))
    assert (planned.steps, planned.effective_batch) == (12, 128)
    for row, other in zip(rows, others, strict=True):
        assert other.keys() == row.keys()
        assert other["learning_rate"] == row["learning_rate"]
        assert other == pytest.approx(row, rel=1e-4, abs=1e-9)
        assert other["gradient_norm"] == pytest.approx(row["gradient_norm"], rel=1e-5)
    for weights, its in zip(one.get_weights(), four.get_weights(), strict=True):
        assert weights == pytest.approx(its, abs=1e-5)


@pytest.mark.slow
def test_the_gradient_of_four_batches_of_64_is_that_of_one_of_256():
    """One update of gradient descent with the rate 1 subtracts it."""
    plain = {
        "optimizer": "sgd(momentum=0.0, nesterov=False)", "epochs": 1, "learning_rate": 1.0,
        "schedules": {"learning_rate": "constant"},
    }  # fmt: skip
    start = build_model(recipe("baseline_mlp"), config().model, plan(config())).get_weights()
    found = []
    for batch_size, accumulation in ((256, 1), (64, 4)):
        chosen = config(**plain, batch_size=batch_size, accumulation=accumulation)
        model, _ = fit_recipe("baseline_mlp", chosen)
        steps = zip(start, model.get_weights(), strict=True)
        found.append(np.concatenate([(before - after).ravel() for before, after in steps]))
    assert np.linalg.norm(found[0] - found[1]) < 1e-6 * np.linalg.norm(found[0])


def test_the_images_of_accumulated_batches_are_those_of_one_large_batch():
    labels = np.arange(100) % 3
    for balanced in (False, True):
        large = orders(labels, 24, 7, balanced)(2)
        small = orders(labels, 8, 7, balanced, accumulation=3)(2)
        assert np.array_equal(small.reshape(large.shape), large)
        assert len(small) == steps_per_epoch(100, 8, 3) == 12
    with pytest.raises(ConfigError) as found:
        steps_per_epoch(100, 30, 4)
    assert "training.batch_size times training.accumulation 4 must be at most 100" in str(
        found.value
    )


@pytest.mark.parametrize(
    "training",
    [
        {"clipping": "adaptive(0.02)", "accumulation": 3},
        {"clipping": "global_norm(1)", **MEASURED},
    ],
    ids=str,
)
@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_run(training, tmp_path, monkeypatch):
    options = {**SMALL, "training": {"epochs": 3, "batch_size": 40, **training}}
    whole = train(tmp_path / "whole", **options)
    stopped(tmp_path / "r", 2, monkeypatch, **options)
    assert_same(train(tmp_path / "r", resume=True), whole)
    with (whole.path / "history.csv").open() as file:
        assert set(COLUMNS) <= set(next(csv.reader(file)))


@pytest.mark.slow
def test_a_checkpoint_of_a_clipped_training_before_gradients_were_measured_is_resumed(
    tmp_path, monkeypatch
):
    """Which had neither the variables nor the columns."""
    options = {**SMALL, "training": {"epochs": 2, "batch_size": 100, "clipping": "global_norm(1)"}}
    with monkeypatch.context() as patch:
        patch.setattr(TrainingConfig, "measures", ())
        stopped(tmp_path / "r", 1, monkeypatch, **options)
    history = train(tmp_path / "r", resume=True).history()
    assert np.isnan(history["gradient_norm"][0])
    assert history["gradient_norm"][1] > 0


@pytest.mark.slow
def test_another_accumulation_cannot_go_on_from_the_optimizer_of_a_training(tmp_path, monkeypatch):
    options = {**SMALL, "training": {"epochs": 2, "batch_size": 50}}
    stopped(tmp_path / "r", 1, monkeypatch, **options)
    with pytest.raises(RunError, match="The checkpoint does not fit bn_mlp"):
        train(tmp_path / "f", fork=tmp_path / "r", **override_of(options, accumulation=2))


def override_of(options, **training):
    return {**options, "training": {**options["training"], **training}}


@pytest.mark.slow
def test_the_images_of_an_update_are_said(tmp_path, capfd):
    options = {**SMALL, "training": {"epochs": 1, "batch_size": 50, "accumulation": 2}}
    fashion_zoo.train(
        "baseline_mlp", run_dir=tmp_path / "r", evaluate=False, export=False, progress=True,
        **options,
    )  # fmt: skip
    said = capfd.readouterr().err
    assert "An update takes 100 images, in 2 batches of 50; an epoch leaves out 20 images." in said


def test_steps_that_overflow_are_counted_and_each_halves_the_scale():
    chosen = override(config(epochs=2, **MEASURED), {"precision": "mixed_float16"})
    data, capture = load(chosen.data), Capture()
    planned = plan(chosen, class_counts(data))
    model = build_model(recipe("baseline_mlp"), chosen.model, planned)
    compile_model(model, planned)

    def overflow(epoch, logs):
        model.optimizer.dynamic_scale.assign(2.0**60 if epoch == 0 else 1.0)

    far = keras.callbacks.LambdaCallback(on_epoch_begin=overflow)
    model.optimizer.build(model.trainable_variables)
    fit(model, planned, data, [far, capture], Silent(), compiled=True)
    first, second = capture.rows
    assert planned.steps == first["skipped_steps"] == 8
    assert first["loss_scale"] == 2.0**52
    assert np.isnan(first["gradient_norm"])
    assert (second["skipped_steps"], second["loss_scale"]) == (0, 1)
    assert second["gradient_norm"] > 0
