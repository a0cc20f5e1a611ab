import keras
import numpy as np
import pytest
from fitting import fit_recipe

from fashion_zoo import ConfigError, TrainingConfig, averaging, override, recipe
from fashion_zoo.callbacks import AverageWeights
from fashion_zoo.callbacks.averaging import kept
from fashion_zoo.optimizers import WORDS, averaged, build_optimizer, to_keras

OPTIONS = {
    "model": {"hidden_units": (16, 8), "dropout": (0.2, 0.1)},
    "data": {"limit": 600},
    "training": {"epochs": 4, "batch_size": 100, "learning_rate": 0.01},
}


def options(word, **training):
    return {**OPTIONS, "training": {**OPTIONS["training"], "averaging": word, **training}}


class Scalar:
    """A model of one weight, trained by hand; its accuracy is ``accuracy(weight)``."""

    def __init__(self, word, accuracy=lambda weight: 0.0, epochs=4, **settings):
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        self.weight = self.model.weights[0]
        self.accuracy, self.seen = accuracy, []
        chosen = averaging.WORDS.parse(word)
        self.callback = AverageWeights(chosen, lambda epoch: [], self.score, **settings)
        self.callback.set_model(self.model)
        self.callback.set_params({"epochs": epochs})
        self.callback.on_train_begin()

    @property
    def value(self):
        return float(self.weight.numpy()[0, 0])

    def score(self):
        self.seen.append(self.value)
        return {"accuracy": self.accuracy(self.value), "loss": 1.0}

    def train(self, *weights, accuracies=(0.5,) * 9):
        """Return the logs of epochs that end with these weights and validation accuracies."""
        rows = []
        for epoch, weight in enumerate(weights):
            self.weight.assign([[weight]])
            logs = {"val_accuracy": accuracies[epoch], "val_loss": 2.0}
            self.callback.on_epoch_end(epoch, logs)
            assert self.value == weight, "training goes on with its own weights"
            rows.append(logs)
        return rows


def test_swa_is_the_mean_of_the_last_epochs_and_before_them_there_is_no_average():
    scalar = Scalar("swa(0.5)", lambda weight: weight / 10)
    rows = scalar.train(1.0, 2.0, 4.0, 8.0)
    assert scalar.seen == [4.0, 6.0]
    assert [row["averaged_val_accuracy"] for row in rows] == [0.5, 0.5, 0.4, 0.6]
    assert [row["averaged_val_loss"] for row in rows] == [2.0, 2.0, 1.0, 1.0]
    last = Scalar("swa(0.99)")
    last.train(1.0, 2.0, 4.0, 8.0)
    assert last.seen == [8.0], "the last epoch always counts"


def test_best_averages_the_epochs_that_validation_prefers():
    scalar = Scalar("best(2)")
    scalar.train(1.0, 2.0, 4.0, 8.0, 16.0, accuracies=[0.2, 0.5, 0.1, 0.3, 0.5])
    assert scalar.seen == [1.0, 1.5, 5.0, 9.0], "the third changed nothing"
    by_loss = Scalar("best(1)", monitor="loss")
    by_loss.train(1.0, 2.0)
    assert by_loss.seen == [1.0], "of equals the first"


def test_validation_chooses_at_the_end():
    better, worse = Scalar("swa(0)", lambda weight: weight), Scalar("swa(0)", lambda weight: weight)
    better.train(3.0, 1.0)
    better.callback.on_train_end()
    assert better.value == 2.0
    assert better.callback.result == {
        "kept": "averaged", "epoch": 2, "monitor": "accuracy", "raw": 1.0, "averaged": 2.0,
    }  # fmt: skip
    worse.train(1.0, 3.0)
    worse.callback.on_train_end()
    assert worse.value == 3.0
    assert worse.callback.result["kept"] == "raw"
    equal = Scalar("swa(0)")
    equal.train(1.0, 3.0)
    equal.callback.on_train_end()
    assert equal.value == 3.0
    none = Scalar("swa(0.9)")
    none.train(1.0)
    none.callback.on_train_end()
    assert (none.value, none.callback.result) == (1.0, None)


def test_with_early_stopping_the_average_of_the_best_epoch_is_kept():
    """As of the training's own weights, which early stopping restores before."""
    scalar = Scalar("swa(0)", lambda weight: 1 - abs(weight - 2), keeps_best=True)
    scalar.train(1.0, 3.0, 8.0)  # averages 1, 2, 4
    scalar.weight.assign([[1.5]])
    scalar.callback.on_train_end()
    assert scalar.value == 2.0
    assert scalar.callback.result["epoch"] == 2


def test_a_state_of_another_model_is_refused():
    scalar = Scalar("best(2)")
    scalar.train(1.0, 2.0, accuracies=[0.1, 0.2])
    state = scalar.callback.state()
    scalar.callback.restore(state)
    for arrays in ([np.ones((2, 1))], [np.ones((1, 1))] * 3):
        with pytest.raises(ValueError, match="another model's"):
            scalar.callback.restore({**state, "arrays": arrays})
    with pytest.raises(ValueError, match="another model's"):
        scalar.callback.restore({**state, "best_weights": [np.ones(3)]})


def test_a_trial_reports_what_it_would_keep():
    logs = {"val_accuracy": 0.5, "averaged_val_accuracy": 0.6, "val_loss": 1.0}
    logs["averaged_val_loss"] = 2.0
    assert kept(logs, "accuracy") == {**logs, "val_accuracy": 0.6, "val_loss": 2.0}
    assert kept(logs, "loss") == logs
    assert kept({"val_accuracy": 0.5}, "accuracy") == {"val_accuracy": 0.5}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("word", ["adam", "sgd"])
def test_the_exponential_average_is_its_formula(word, scaled):
    rate = np.full(9, 0.1, "float32")
    made = build_optimizer(
        WORDS.parse(word), learning_rate=rate, average_decay=0.75, scale_loss=scaled
    )
    weight = keras.Variable([3.0, -4.0])
    made.build([weight])
    expected = None
    for step in range(5):
        made.apply([(1.0 if not scaled else made.dynamic_scale) * (weight - step)], [weight])
        now = weight.numpy().astype("float64")
        expected = now if expected is None else 0.75 * expected + 0.25 * now
    assert averaged(made)[0] == pytest.approx(expected, rel=1e-6)
    made.finalize_variable_values([weight])
    assert weight.numpy() == pytest.approx(now), "fit must not overwrite the weights"
    plain = to_keras(made)
    assert not getattr(plain, "inner_optimizer", plain).use_ema


def test_an_exponential_average_moves_once_for_each_update():
    made, plain = (
        build_optimizer(
            WORDS.parse("sgd(0)"), learning_rate=0.5, average_decay=0.75, accumulation=batches
        )
        for batches in (3, 1)
    )
    few, all_ = keras.Variable([3.0, -4.0]), keras.Variable([3.0, -4.0])
    made.build([few])
    plain.build([all_])
    for step in range(12):
        made.apply([few - step], [few])
        if step % 3 == 2:
            plain.apply([all_ - (step - 1)], [all_])
    assert few.numpy() == pytest.approx(all_.numpy(), rel=1e-6)
    assert averaged(made)[0] == pytest.approx(averaged(plain)[0], rel=1e-6)
    assert averaged(made)[0] != pytest.approx(few.numpy(), rel=0.01)


@pytest.mark.slow
def test_the_singular_vectors_of_spectral_kernels_follow_the_averaged_weights():
    config = override(recipe("baseline_mlp").config, options("swa(0)", epochs=2))
    config = override(config, {"model": {"spectral_normalization": True}})
    found, call = [], AverageWeights._normalize

    def largest(model):
        layers = [layer for layer in model.layers if hasattr(layer, "u")]
        return [np.linalg.norm(layer.effective_kernel().numpy(), 2) for layer in layers]

    def looking(self):
        before = largest(self.model)
        call(self)
        found.append((before, largest(self.model)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AverageWeights, "_normalize", looking)
        fit_recipe("baseline_mlp", config)
    assert len(found[-1][0]) == 3
    for before, after in found:
        assert all(1 - 1e-5 < new < old for old, new in zip(before, after, strict=True))


@pytest.mark.slow
def test_the_statistics_are_those_of_the_averaged_weights():
    """And the training is the same as without an average: dropout, order and statistics."""
    config = override(recipe("bn_mlp").config, options("ema(0.5)", epochs=2))
    seen, call = [], AverageWeights._normalize

    def looking(self):
        call(self)
        model = self.model
        inputs = np.concatenate([*self.batches(self.epochs - 1)])
        assert len(inputs) == 600, "an epoch, if there are fewer than 10,000 images"
        part = keras.Model(model.input, model.get_layer("batch_norm_1").input)
        values = part.predict(inputs, batch_size=100, verbose=0).reshape(6, 100, -1)
        layer = model.get_layer("batch_norm_1")
        means, variances = values.mean(axis=1).mean(axis=0), values.var(axis=1).mean(axis=0)
        seen.append(np.abs(layer.moving_mean.numpy() - means).max() / values.std())
        seen.append(np.abs(layer.moving_variance.numpy() / variances - 1).max())
        seen.append(layer.momentum - 0.99)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AverageWeights, "_normalize", looking)
        patch.setattr(AverageWeights, "on_train_end", lambda self, logs=None: None)
        model, rows = fit_recipe("bn_mlp", config)
    assert max(seen) < 1e-4
    other, expected = fit_recipe("bn_mlp", override(config, {"training": {"averaging": "none"}}))
    assert [{name: row[name] for name in expected[0]} for row in rows] == expected
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    assert {*rows[0]} - {*expected[0]} == {"averaged_val_accuracy", "averaged_val_loss"}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: averaging.WORDS.parse("ema(1)"), "decay must be a number above 0 and below 1"),
        (lambda: averaging.WORDS.parse("swa(1)"), "begin must be a number of at least 0 and below"),
        (lambda: averaging.WORDS.parse("best(0)"), "count must be a whole number in 1..100"),
        (
            lambda: TrainingConfig(averaging="swa", optimizer="schedule_free_adamw"),
            "optimizer 'schedule_free_adamw' keeps an average of the weights itself and needs "
            "averaging 'none', received 'swa'.",
        ),
        (lambda: TrainingConfig(averaging="ewa"), "Unknown averaging 'ewa'. Did you mean 'swa'"),
    ],
)
def test_a_wrong_average_is_answered(made, message):
    with pytest.raises(ConfigError) as found:
        made()
    assert message in str(found.value)
