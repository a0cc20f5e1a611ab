"""A plan is the numbers of a training, made without one."""

import dataclasses

import numpy as np
import pytest

from fashion_zoo import override, recipe
from fashion_zoo.config import SchedulesConfig, TrainingConfig
from fashion_zoo.config.live import LIVE, idle
from fashion_zoo.training.plan import plan

MOVING = {
    "epochs": 2,
    "batch_size": 50,
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "weight_decay": 0.1,
    "label_smoothing": 0.2,
    "augmentation": "flip | mixup",
    "schedules": {**dict.fromkeys(LIVE, "linear(1, 0.5)"), "dropout_each": "step"},
}


def test_every_live_value_has_a_schedule_and_every_schedule_a_live_value():
    fields = [field.name for field in dataclasses.fields(SchedulesConfig)]
    assert sorted(fields) == sorted([*LIVE, "dropout_each"])


def test_what_moves_is_a_table_of_base_times_schedule_over_all_steps():
    made = plan(override(recipe("bn_mlp").config, {"training": MOVING}), images=120)
    assert (made.steps, made.epochs, made.batch_size, made.soft_labels) == (2, 2, 50, True)
    bases = {
        "learning_rate": 0.01, "weight_decay": 0.1, "label_smoothing": 0.2, "augmentation": 1.0,
        "mixing": 1.0, "dropout": 1.0,
    }  # fmt: skip
    assert made.bases == bases
    assert made.tables.keys() == LIVE.keys()
    for name, table in made.tables.items():
        falling = [bases[name] * (1 - 0.5 * step / 3) for step in range(4)]
        assert table.dtype == np.float32
        assert table == pytest.approx(falling, rel=1e-6)
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0
    assert made.ends("pipeline", 1) == {
        "label_smoothing": pytest.approx(0.1), "augmentation": 0.5, "mixing": 0.5
    }  # fmt: skip


def test_what_stands_still_is_a_number_and_dropout_moves_by_the_epoch():
    made = plan(recipe("adaptive_dropout_mlp").config, images=1000)
    assert made.tables.keys() == {"learning_rate", "dropout"}
    assert made.tables["dropout"].tolist() == [1 - epoch / 20 for epoch in range(20)]
    assert made.live("pipeline") == {"label_smoothing": 0.0, "augmentation": 0.0, "mixing": 0.0}
    assert made.live("optimizer")["weight_decay"] == 0.0
    assert not made.soft_labels


def test_without_images_nothing_moves():
    made = plan(override(recipe("bn_mlp").config, {"training": MOVING}))
    assert (made.steps, made.soft_labels, made.tables) == (0, False, {})
    assert made.live("optimizer") == {"learning_rate": 0.01, "weight_decay": 0.1}


def test_what_no_schedule_could_move_is_known():
    assert idle(TrainingConfig()) == ["weight_decay", "label_smoothing", "augmentation", "mixing"]
    assert idle(TrainingConfig(label_smoothing=0.1, augmentation="flip")) == [
        "weight_decay", "mixing"
    ]  # fmt: skip
