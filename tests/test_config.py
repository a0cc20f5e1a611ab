import dataclasses
import json
from pathlib import Path

import pytest

from fashion_zoo import (
    AdaptiveDropoutConfig,
    ConfigError,
    DataConfig,
    EarlyStoppingConfig,
    MLPConfig,
    RunConfig,
    SchedulesConfig,
    TrainingConfig,
    list_recipes,
    override,
    recipe,
)
from fashion_zoo.config.overrides import changes, differences


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLPConfig(hidden_units=(256, -1)), "hidden_units must be a whole number of at le"),
        (lambda: MLPConfig(hidden_units=(256, 0)), "at least 1, received 0"),
        (lambda: MLPConfig(hidden_units=(2.5,)), "at least 1, received 2.5"),
        (lambda: MLPConfig(hidden_units=(True,)), "at least 1, received True"),
        (lambda: MLPConfig(hidden_units=()), "hidden_units must hold at least one number"),
        (lambda: MLPConfig(hidden_units="256"), "must be a number or a list of numbers, received "),
        (lambda: MLPConfig(hidden_units=None), "must be a number or a list of numbers, received N"),
        (lambda: MLPConfig(dropout=1.0), "at least 0 and below 1, received 1.0"),
        (lambda: MLPConfig(dropout=-0.1), "at least 0 and below 1, received -0.1"),
        (lambda: MLPConfig(dropout=float("nan")), "below 1, received nan"),
        (lambda: MLPConfig(dropout=("a",)), "below 1, received 'a'"),
        (
            lambda: MLPConfig(dropout=(0.1, 0.2, 0.3)),
            r"dropout must hold 1 rate, 2 \(first and last\) or 4 \(one for each hidden layer\), "
            r"received 3: \(0\.1, 0\.2, 0\.3\)",
        ),
        (
            lambda: MLPConfig(activation="rleu"),
            r"activation: .*Unknown activation 'rleu'\. Did you mean 'relu'\? Known: elu, gelu, ",
        ),
        (lambda: MLPConfig(normalization="bach"), "Did you mean 'batch'"),
        (lambda: MLPConfig(normalization_position="befor"), "Did you mean 'before'"),
        (lambda: MLPConfig(kernel_initializer="he"), "Unknown kernel_initializer 'he'"),
        (
            lambda: MLPConfig(normalization="group(32)", hidden_units=(64, 40)),
            r"widths that 32 divides, received hidden_units=\(64, 40\): 40 is not a multiple of 32",
        ),
        (
            lambda: MLPConfig(normalization="group(16)", hidden_units=(64, 16)),
            r"groups of at least 2 units, received hidden_units=\(64, 16\): a single unit minus",
        ),
        (lambda: MLPConfig(normalization="group(0)"), "groups must be a whole number of at least"),
        (lambda: MLPConfig(normalization="batch(momentum=1)"), "momentum must be a number of at "),
        (lambda: MLPConfig(normalization="rms(0)"), "epsilon must be a number above 0, received 0"),
        (lambda: MLPConfig(activation="elu(-1)"), "alpha must be a number above 0, received -1"),
        (
            lambda: MLPConfig(activation="leaky_relu(1)"),
            "slope must be a number of at least 0 and ",
        ),
        (lambda: MLPConfig(activation="batch"), "Unknown activation 'batch'"),
        (
            lambda: MLPConfig(normalization="instance"),
            "a vector has one place: every value minus its own mean is 0. Take 'layer', whose mean",
        ),
        (lambda: MLPConfig(groups=16), r"model.groups is now model.normalization, as in 'group\("),
        (lambda: MLPConfig(l2=-1), "l2 must be a number of at least 0, received -1"),
        (lambda: MLPConfig(l2=float("inf")), "l2 must be a number of at least 0, received inf"),
        (lambda: MLPConfig(num_classes=1), "num_classes must be a whole number of at least 2"),
        (lambda: MLPConfig(input_shape=(28, 0)), "input_shape must be a whole number of at least"),
        (lambda: DataConfig(source="mnist"), "data.source: .*Unknown source 'mnist'"),
        (lambda: DataConfig(limit=0), "data.limit must be a whole number of at least 1, received"),
        (lambda: DataConfig(folder=3), "data.folder must be a path, received 3"),
        (lambda: TrainingConfig(epochs=0), "epochs must be a whole number of at least 1"),
        (lambda: TrainingConfig(epochs="5"), "at least 1, received '5'"),
        (lambda: TrainingConfig(batch_size=-1), "batch_size must be a whole number of at least 1"),
        (lambda: TrainingConfig(learning_rate=0), "learning_rate must be a number above 0"),
        (lambda: TrainingConfig(optimizer="sdg"), "Did you mean 'sgd'"),
        (lambda: TrainingConfig(weight_decay=0.1), "needs optimizer 'adabound' or 'adamw'"),
        (
            lambda: TrainingConfig(clipping="norm(0)"),
            "clipping: .*limit must be a number above 0",
        ),
        (lambda: TrainingConfig(label_smoothing=1), "label_smoothing must be a number of at least"),
        (lambda: SchedulesConfig(learning_rate="cosin"), "Did you mean 'cosine'"),
        (lambda: EarlyStoppingConfig(monitor="acc"), "Unknown early_stopping.monitor 'acc'"),
        (lambda: EarlyStoppingConfig(patience=0), "patience must be a whole number of at least 1"),
        (
            lambda: RunConfig(MLPConfig(), seed=-1),
            "seed must be a whole number in 0..9223372036854775807",
        ),
        (lambda: RunConfig(MLPConfig(), precision="bf16"), "Unknown precision 'bf16'"),
        (
            lambda: RunConfig(MLPConfig(), training={"epochs": 5}),
            "training must be a TrainingConfig, received {",
        ),
        (lambda: TrainingConfig(schedules={}), "schedules must be a SchedulesConfig, received {}"),
        (
            lambda: SchedulesConfig(dropout=[]),
            r"schedules.dropout: A schedule is written as text, received \[\]",
        ),
        (
            lambda: TrainingConfig(schedules=SchedulesConfig(label_smoothing="linear")),
            "schedules.label_smoothing 'linear' moves nothing: label_smoothing is 0",
        ),
        (
            lambda: TrainingConfig(
                label_smoothing=0.5, schedules=SchedulesConfig(label_smoothing="linear(0, 2)")
            ),
            "schedules.label_smoothing takes label_smoothing to 1; it must stay below 1",
        ),
        (
            lambda: TrainingConfig(schedules=SchedulesConfig(augmentation="linear")),
            "schedules.augmentation 'linear' moves nothing: augmentation is none",
        ),
        (
            lambda: TrainingConfig(
                augmentation="flip", schedules=SchedulesConfig(mixing="step(0, at=[0.8])")
            ),
            r"schedules.mixing 'step\(0, at=\[0.8\]\)' moves nothing: augmentation mixes no images",
        ),
        (
            lambda: TrainingConfig(
                augmentation="flip", schedules=SchedulesConfig(augmentation="linear(0, 1.5)")
            ),
            "schedules.augmentation takes augmentation to 1.5; it must stay at most 1",
        ),
        (
            lambda: TrainingConfig(augmentation=3),
            "augmentation: A policy is written as text, received 3",
        ),
        (lambda: TrainingConfig(augmentation="flip | shft(2)"), "column 8: Unknown policy 'shft'"),
        (
            lambda: SchedulesConfig(dropout_each="batch"),
            "Unknown schedules.dropout_each 'batch'",
        ),
        (
            lambda: EarlyStoppingConfig(monitor="loss", significant=True),
            "early_stopping.significant needs monitor 'accuracy'",
        ),
        (lambda: EarlyStoppingConfig(budget=0), "early_stopping.budget must be a number above 0"),
        (
            lambda: TrainingConfig(
                adaptive_dropout=AdaptiveDropoutConfig(enabled=True),
                schedules=SchedulesConfig(dropout="linear"),
            ),
            "adaptive_dropout moves the rates itself and needs schedules.dropout 'constant'",
        ),
        (lambda: AdaptiveDropoutConfig(enabled=1), "enabled must be True or False, received 1"),
        (lambda: AdaptiveDropoutConfig(gain=-1), "adaptive_dropout.gain must be a number above 0"),
        (
            lambda: AdaptiveDropoutConfig(lowest=1.5),
            "lowest must be at most 1 and highest at least 1, received 1.5 and 4.0",
        ),
        (lambda: RunConfig(model={}), "model must be a config dataclass, received {}"),
    ],
)
def test_a_bad_value_says_what_came_and_what_is_allowed(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("dropout", "units", "rates"),
    [
        (0.2, (8, 8, 8), (0.2, 0.2, 0.2)),
        ((0.3, 0.1), (8, 8, 8), (0.3, 0.2, 0.1)),
        ((0.3, 0.1), (8, 8), (0.3, 0.1)),
        ((0.3, 0.1), (8,), (0.3,)),
        ((0.1, 0.5, 0.2), (8, 8, 8), (0.1, 0.5, 0.2)),
    ],
)
def test_dropout_spells_out_to_one_rate_a_layer(dropout, units, rates):
    assert MLPConfig(dropout=dropout, hidden_units=units).dropout_rates == pytest.approx(rates)


def test_override_reaches_any_depth_and_leaves_the_rest():
    config = override(
        RunConfig(MLPConfig()), {"seed": 3, "training": {"schedules": {"dropout": "linear"}}}
    )
    assert config == RunConfig(
        MLPConfig(), seed=3, training=TrainingConfig(schedules=SchedulesConfig(dropout="linear"))
    )


def test_changes_make_a_config_of_another_one():
    base = RunConfig(MLPConfig())
    made = {"seed": 3, "model": {"dropout": (0.1,)}, "training": {"schedules": {"dropout": "step"}}}
    assert changes(base, override(base, made)) == made
    assert changes(base, base) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sed": 1}, r"Unknown option 'sed'\. Did you mean 'seed'"),
        ({"training": {"epoch": 1}}, r"Unknown option of training 'epoch'\. Did you mean 'epochs'"),
        (
            {"training": {"schedules": {"lr": "cosine"}}},
            "Unknown option of training.schedules 'lr'",
        ),
        (
            {"epochs": 5},
            r"Unknown option 'epochs'\. .* It is an option of training: training=\{'epochs'",
        ),
        ({"policy": ()}, r"Unknown option 'policy'\. Known: [a-z, ]+\.$"),  # a property, no option
        ({"training": 5}, "training must be a mapping with some of epochs, batch_size"),
        ({"model": {"dropout": 2}}, "below 1, received 2"),
    ],
)
def test_a_wrong_override_is_answered(changes, message):
    with pytest.raises(ConfigError, match=message):
        override(RunConfig(MLPConfig()), changes)


def test_a_folder_may_be_a_path():
    assert DataConfig(folder=Path("x")) == DataConfig(folder="x")


@pytest.mark.parametrize("name", list_recipes())
def test_a_config_survives_json(name):
    config = recipe(name).config
    stored = json.loads(json.dumps(dataclasses.asdict(config)))
    assert override(RunConfig(type(config.model)()), stored) == config


def test_differences_name_each_field_at_any_depth():
    one = RunConfig(MLPConfig())
    other = override(
        one, {"seed": 3, "model": {"l2": 0.5}, "training": {"schedules": {"dropout": "linear"}}}
    )
    assert differences(one, one) == []
    assert differences(one, other) == [
        "model.l2: 0.0, now 0.5",
        "training.schedules.dropout: 'constant', now 'linear'",
        "seed: 0, now 3",
    ]
