"""The experiments on the changes that the exercises suggest: the same changes as on the pages."""

import re
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo.experiments import training
from recipes import experiment
from recipes.experiments import _training, ensembles, schedules, tuning

NAMES = [name for name in experiment.names() if name.endswith("_changes")]
ROOT = Path(__file__).parent.parent
WIDE = (1024, 512, 256, 128)


def configs(name):
    found = experiment.find(name)
    return training.configs_of(found, found.all_arms(), [])


def program(name, arm):
    (found,) = (one for one in experiment.find(name).all_arms() if one.name == arm)
    return found.program


@pytest.mark.parametrize("name", NAMES)
def test_a_change_of_an_exercise_was_run_or_says_that_it_was_not(name):
    found = experiment.find(name)
    text = (ROOT / found.page).read_text("utf-8")
    assert f"`python -m recipes.experiment {name}`" in text
    each = re.findall(r"\*\*Change\.\*\*.*?\*\*Found\.\*\*\s(.*?)(?=\n- |\n\n)", text, re.S)
    assert len(each) == text.count("**Change.**") >= 4
    run = [one for one in each if not one.startswith("Not run.")]
    assert all("below](#changes)" in one for one in run)
    numbers = [re.match(r"The (two|three)? ?verdicts? on ", one)[1] for one in run]
    assert len(found.claims) == sum({None: 1, "two": 2, "three": 3}[one] for one in numbers)


def test_each_exercise_has_an_experiment_on_its_changes():
    pages = {experiment.find(name).page for name in NAMES}
    assert pages == {
        f"docs/exercises/{page.name}" for page in (ROOT / "docs/exercises").glob("*.md")
    }


@pytest.mark.parametrize(
    ("name", "arm", "part", "field", "value"),
    [
        ("batch_norm", "before, batches of 8", "training", "batch_size", 8),
        ("batch_norm", "before, batches of 8", "data", "limit", 5_000),
        ("batch_norm", "none, six layers", "model", "hidden_units", (128,) * 6),
        ("batch_norm", "before, glorot_normal", "model", "kernel_initializer", "glorot_normal"),
        ("batch_norm", "before, glorot_normal", "model", "normalization", "batch"),
        ("dropout_rates", "doubled widths, rate 0.7", "model", "hidden_units", WIDE),
        ("dropout_rates", "falling", "model", "dropout", (0.5, 0.5, 0.1, 0.1)),
        ("dropout_rates", "rising", "model", "dropout", (0.1, 0.1, 0.5, 0.5)),
        ("dropout_rates", "fewer images, rate 0.3", "data", "limit", 5_000),
        ("dropout_rates", "bn_mlp, rate 0.1", "model", "normalization", "batch"),
        ("schedules", "cosine, short", "training", "epochs", 3),
        ("schedules", "cosine, larger rate", "training", "learning_rate", pytest.approx(10**-1.5)),
        ("regularizers", "batch norm, larger rate", "training", "learning_rate", 0.03),
        ("regularizers", "dropout + smoothing", "training", "label_smoothing", 0.1),
        ("regularizers", "dropout, fewer images", "data", "limit", 5_000),
        ("regularizers", "strong decay", "training", "weight_decay", 1.0),
        ("regularizers", "strong decay", "training", "optimizer", "adamw"),
    ],
)  # fmt: skip
def test_an_arm_has_the_change_of_the_page(name, arm, part, field, value):
    config = configs(f"{name}_changes")[arm]
    assert getattr(getattr(config, part), field) == value


@pytest.mark.parametrize(
    ("arm", "schedule"),
    [("warm, larger rate", "warmup(0.05) >> cosine"), ("half steps", "step(0.5, every=1/3)")],
)
def test_a_schedule_is_that_of_the_page(arm, schedule):
    config = configs("schedules_changes")[arm]
    assert config.training.schedules.learning_rate == schedule
    assert schedule in (ROOT / "docs/exercises/schedules.md").read_text("utf-8")


def test_the_base_rates_of_sgd_are_tried_with_sgd(monkeypatch):
    asked = []

    def figures_of(name, data, seed, changes):
        asked.append(changes["training"])
        history = {"val_accuracy": [0.9], "loss": [1], "val_loss": [1]}
        return _training.Figures(0.9 - len(asked) / 100, history, 0.8, None)

    monkeypatch.setattr(_training, "figures_of", figures_of)
    row = program("schedules_changes", "sgd, four rates")(0, None)
    assert row["spread"] == pytest.approx(0.03)
    assert [one["learning_rate"] for one in asked] == pytest.approx(
        [0.01, 10 ** (-4 / 3), 10 ** (-2 / 3), 1]
    )
    assert {(one["optimizer"], one["epochs"]) for one in asked} == {("sgd", 10)}
    schedules.measure("cosine", 0, None, rates=(0.1,))
    assert "optimizer" not in asked[-1]


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("20 trials", (20, "tpe", "log(1e-5, 1e-1)")),
        ("5 trials", (5, "tpe", "log(1e-5, 1e-1)")),
        ("100 trials", (100, "tpe", "log(1e-5, 1e-1)")),
        ("20 trials, narrow", (20, "tpe", "log(1e-3, 1e-2)")),
        ("20 trials, random", (20, "random", "log(1e-5, 1e-1)")),
    ],
)
def test_a_search_has_the_trials_the_sampler_and_the_range_of_its_arm(arm, expected, monkeypatch):
    def tune(name, trials, sampler, space, **others):
        raise LookupError(trials, sampler, space["learning_rate"])

    monkeypatch.setattr(fashion_zoo, "tune", tune)
    tuning.search.cache_clear()
    with pytest.raises(LookupError) as caught:
        program("tuning_changes", arm)(0, fashion_zoo.data.load(limit=100))
    assert caught.value.args == expected


@pytest.mark.parametrize(
    ("arm", "made", "count"),
    [
        ("average of 2", ("seeds", "average"), 2),
        ("average of 10", ("seeds", "average"), 10),
        ("best member, fewer images", ("seeds", "greedy(1)"), 5),
        ("bagged stack", ("bagging", "stack"), 5),
    ],
)
def test_members_are_trained_and_combined_as_the_arm_says(arm, made, count):
    found = program("ensembles_changes", arm)
    assert found.func is ensembles.measure
    assert (*found.args, found.keywords["count"]) == (made, count)
