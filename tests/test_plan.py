"""A plan is the numbers of a training, made without one."""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from resuming import OPTIONS, stopped
from test_architecture import ROOMS

import fashion_zoo
from fashion_zoo import override, recipe
from fashion_zoo.config import RunConfig, SchedulesConfig, TrainingConfig
from fashion_zoo.config.live import LIVE, idle
from fashion_zoo.language.vocabulary import Words
from fashion_zoo.training.plan import plan
from recipes import train

ROOT = Path(fashion_zoo.__file__).parent.parent  # of the installed package, too
OURS = (f"{ROOT}/fashion_zoo/", f"{ROOT}/recipes/")
LEFT_OUT = (f"{ROOT}/fashion_zoo/language/", f"{ROOT}/fashion_zoo/config/run.py")
BASES = {
    "learning_rate": 0.01, "weight_decay": 0.1, "label_smoothing": 0.2, "augmentation": 1.0,
    "mixing": 1.0, "dropout": 1.0,
}  # fmt: skip
MOVING = {
    "epochs": 2,
    "batch_size": 50,
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "weight_decay": 0.1,
    "label_smoothing": 0.2,
    "augmentation": "flip | mixup",
    "schedules": {**dict.fromkeys(BASES, "linear(1, 0.5)"), "dropout_each": "step"},
}


def test_every_live_value_has_a_schedule_and_every_schedule_a_live_value():
    fields = [field.name for field in dataclasses.fields(SchedulesConfig)]
    assert sorted(fields) == sorted([*LIVE, "dropout_each"])


def test_what_moves_is_a_table_of_base_times_schedule_over_all_steps():
    made = plan(override(recipe("bn_mlp").config, {"training": MOVING}), [60, 60])
    assert (made.steps, made.epochs, made.batch_size, made.soft_labels) == (2, 2, 50, True)
    assert made.bases.items() >= BASES.items()
    assert made.tables.keys() == BASES.keys()
    for name, table in made.tables.items():
        falling = [BASES[name] * (1 - 0.5 * step / 3) for step in range(4)]
        assert table.dtype == np.float32
        assert table == pytest.approx(falling, rel=1e-6)
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0
    assert made.ends("pipeline", 1) == {
        "label_smoothing": pytest.approx(0.1), "augmentation": 0.5, "mixing": 0.5
    }  # fmt: skip


def test_what_stands_still_is_a_number_and_dropout_moves_by_the_epoch():
    made = plan(recipe("adaptive_dropout_mlp").config, [500, 500])
    assert made.tables.keys() == {"learning_rate", "dropout"}
    assert made.tables["dropout"].tolist() == [1 - epoch / 20 for epoch in range(20)]
    still = {"label_smoothing": 0.0, "augmentation": 0.0, "mixing": 0.0}
    assert made.live("pipeline").items() >= still.items()
    assert made.live("optimizer")["weight_decay"] == 0.0
    assert not made.soft_labels


def test_the_augmentation_of_a_config_is_read_to_check_it_and_once_more(monkeypatch):
    read, parse = [], Words.parse

    def counting(self, text):
        read.append(text)
        return parse(self, text)

    monkeypatch.setattr(Words, "parse", counting)
    config = override(recipe("bn_mlp").config, {"training": {"augmentation": "flip | mixup"}})
    made = plan(config, [500, 500])
    assert made.augmentation is config.training.policy
    assert read.count("flip | mixup") == 2


def test_without_images_nothing_moves():
    made = plan(override(recipe("bn_mlp").config, {"training": MOVING}))
    assert (made.steps, made.soft_labels, made.tables) == (0, False, {})
    assert made.live("optimizer").items() >= {"learning_rate": 0.01, "weight_decay": 0.1}.items()


def test_what_no_schedule_could_move_is_known():
    plain, smoothed = TrainingConfig(), TrainingConfig(label_smoothing=0.1, augmentation="flip")
    assert {*idle(plain)} & BASES.keys() == BASES.keys() - {"learning_rate", "dropout"}
    assert {*idle(smoothed)} & BASES.keys() == {"weight_decay", "mixing"}


class Fitting(BaseException):
    """Training would begin here."""


def handed_on(call):
    """Return (caller, function) of each function of ours that ``call`` hands a RunConfig.

    What checks or reads any value whatsoever, and the config's own methods, are left out.
    """
    found = set()

    def place(frame):
        name = frame.f_code.co_filename
        if not name.startswith(OURS) or name.startswith(LEFT_OUT):
            return None
        return Path(name).relative_to(ROOT).as_posix(), frame.f_code.co_qualname

    def watch(frame, event, _):
        if event != "call" or not place(frame):
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(isinstance(frame.f_locals.get(name), RunConfig) for name in names):
            back = frame.f_back
            while not place(back):
                back = back.f_back
            found.add((place(back), place(frame)))

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def level(path):
    """Return the level of a file's room; commands stand above all."""
    top, room = Path(path).parts[:2]
    return (
        ROOMS[room.removesuffix(".py")][0] if top == "fashion_zoo" else max(ROOMS.values())[0] + 1
    )


@pytest.mark.slow
@pytest.mark.parametrize("resume", [False, True])
def test_few_functions_receive_the_config_and_none_hands_it_upwards(tmp_path, monkeypatch, resume):
    def fit(*_, **__):
        raise Fitting

    def command():
        arguments = ["--resume"] if resume else ["--model.hidden-units", "8", "--data.limit", "500"]
        with pytest.raises(Fitting):
            train.main(["bn_mlp", *arguments, "--run-dir", str(tmp_path / "r")])

    if resume:
        stopped(tmp_path / "r", 1, monkeypatch, **OPTIONS)
    monkeypatch.setattr(keras.Model, "fit", fit)
    recipe("bn_mlp")  # what registers recipes is not on the way
    found = handed_on(command)
    receivers = {function for _, function in found}
    assert ("fashion_zoo/training/plan.py", "plan") in receivers
    assert len(receivers) <= (13 if resume else 11), receivers
    for (caller, _), (path, name) in found:
        assert level(path) <= level(caller), f"{caller} hands the config up to {name}"
