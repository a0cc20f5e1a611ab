"""The exercises of the guide: what they measure of a training, and what they say of rows."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from arms import letters, measured
from matplotlib.figure import Figure

import fashion_zoo
from fashion_zoo import TrainingError, experiments
from fashion_zoo.experiments import Experiment, page
from recipes import experiment
from recipes.experiments import _training, batch_norm, ensembles, regularizers, schedules
from recipes.experiments._figures import WIDTH

TINY = {"model": {"hidden_units": (8, 8)}}


def curves(level, epochs=3):
    """Made-up curves that end at a level."""
    rising = [level - 0.1 / (2**epoch) for epoch in range(epochs)]
    history = {"val_accuracy": rising, "loss": [1, 0.5, 0.4], "val_loss": [1, 0.6, 0.5]}
    return _training.curves_of(history)


def test_epochs_are_counted_to_the_first_that_reaches_the_level():
    assert _training.first_epoch([0.8, 0.9, 0.95]) == 2
    assert _training.first_epoch([0.8, 0.89]) == 0
    assert _training.numbers(0.9) == [0.9], "one epoch is a number in the file"
    assert _training.numbers(_training.joined([0.5, 0.25])) == [0.5, 0.25]


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ([0.80, 0.84, 0.82], 1.0),  # within 2 points to the end
        ([0.80, 0.84, 0.80], 10**-0.5),  # 2 points are lost in the middle of the last factor 10
        ([0.85, 0.10, 0.84], 1e-2 * 10 ** (0.02 / 0.75)),  # not what comes after a fall
    ],
)
def test_a_rate_is_tolerated_until_two_points_are_lost(tried, expected):
    rates = (1e-2, 1e-1, 1.0)
    assert batch_norm.largest_rate(rates, tried) == pytest.approx(expected)


def test_the_drift_is_in_standard_deviations_of_the_unit_before():
    one = np.array([[0.0, 10.0], [2.0, 10.0]], "float32")  # means 1 and 10, deviations 1 and 0
    seen = [[one[:, :1]], [one[:, :1] + 3], [one[:, :1] + 3]]
    found = batch_norm.summary(seen)
    assert found["drift"] == pytest.approx(1.5, rel=1e-4), "3 in one epoch, 0 in the next"
    assert _training.numbers(found["layer_1"])[:3] == pytest.approx([0.1, 1.0, 1.9])


def test_batch_normalization_is_measured_with_the_rate_that_validation_chose(monkeypatch):
    asked, said = [], []

    def figures_of(name, data, seed, changes, evaluate=True, callbacks=()):
        training = changes["training"]
        asked.append((training["learning_rate"], training["epochs"], evaluate, seed))
        reached = {0.001: 0.8, 0.01: 0.85, 0.1: None}[training["learning_rate"]]
        history = {"val_accuracy": [0.7, 0.9], "loss": [1, 0.5], "val_loss": [1, 0.6]}
        return reached and _training.Figures(reached, history, 0.84 if evaluate else None, "x:1:gA")

    data = fashion_zoo.data.load(limit=100)
    seen = [[np.zeros((3, 2))], [np.ones((3, 2))]]
    monkeypatch.setattr(_training, "figures_of", figures_of)
    monkeypatch.setattr(batch_norm, "watch", lambda images: (None, seen))
    short = {"rates": (0.001, 0.01, 0.1), "trial_epochs": 1, "epochs": 2}
    row = batch_norm.measure("after", 3, data, **short, display=SimpleNamespace(say=said.append))
    assert said == [
        "rate 0.001: validation 80.00 %", "rate 0.01: validation 85.00 %",
        "rate 0.1: the loss diverged",
    ]  # fmt: skip
    assert [one[:3] for one in asked] == [
        (0.001, 1, False), (0.01, 1, False), (0.1, 1, False), (0.01, 2, True)
    ]  # fmt: skip
    assert (row["learning_rate"], row["test_accuracy"], row["epochs_to_level"]) == (0.01, 0.84, 2)
    assert row["tried"] == "0.8000 0.8500 0.1000", "one that diverges has reached a guess"
    assert 0.01 < row["largest_rate"] < 0.011


@pytest.mark.slow
def test_activations_are_looked_at_after_each_epoch(monkeypatch):
    monkeypatch.setitem(batch_norm.ARMS, "before", {"normalization": "batch", **TINY["model"]})
    data = fashion_zoo.data.load(limit=400)
    row = batch_norm.measure("before", 0, data, rates=(1e-3, 1e-2), trial_epochs=1, epochs=2)
    for layer in ("layer_1", "layer_2"):
        low, middle, high = _training.numbers(row[layer])[-3:]
        assert low < middle < high
    assert "layer_3" not in row
    assert row["drift"] > 0
    assert len(_training.numbers(row["curve"])) == 2
    assert row["correct"].count(":") == 2


DROPOUT = {
    f"rate {rate:g}": [
        {"validation_accuracy": one + seed / 1000, "test_accuracy": one - 0.01 - seed / 500,
         "gap": 0.4 - 0.3 * rate + seed / 100, **curves(one)}
        for seed in range(2)
    ]
    for rate, one in ((0, 0.9), (0.1, 0.91), (0.3, 0.905), (0.5, 0.9), (0.7, 0.88), (0.9, 0.8))
}  # fmt: skip


def test_the_best_dropout_rate_is_that_of_validation_and_how_sure_it_is_stands_beside_it():
    first, second = DROPOUT["rate 0.3"]
    rows = {**DROPOUT, "rate 0.3": [first, {**second, "validation_accuracy": 0.912}]}
    lines = measured(experiment.find("dropout_rates"), rows).table().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:8]]
    assert [row[2] for row in cells] == [
        "0 of 2", "1 of 2", "1 of 2", "0 of 2", "0 of 2", "0 of 2"
    ]  # fmt: skip
    assert [row[4] == "best" for row in cells] == [False, True, False, False, False, False]


BATCH_NORM = {
    arm: [
        {"learning_rate": rate, "largest_rate": 3 * rate + seed / 100,
         "log10_of_the_largest_rate": -1.0,
         "rates": "0.001 0.01 0.1", "tried": "0.8 0.85 0.5", "validation_accuracy": level,
         "test_accuracy": level - 0.01 * seed, **curves(level), "drift": rate + seed / 100,
         "drifts": "0.5 0.25", **{f"layer_{n}": "-1 0 1 -2 0 2 -1 0 3" for n in range(1, 5)}}
        for seed in range(2)
    ]
    for arm, rate, level in (("none", 1e-3, 0.89), ("before", 1e-2, 0.9), ("after", 1e-2, 0.91))
}  # fmt: skip


def test_a_schedule_is_measured_at_the_base_rate_that_validation_prefers(monkeypatch):
    def figures_of(name, data, seed, changes):
        training, found = changes["training"], {1e-3: (0.88, 0.99), 1e-2: (0.9, 0.8), 1.0: (0, 0)}
        assert training["schedules"] == {"learning_rate": "step(0.1, every=0.4)"}
        reached, test = found[training["learning_rate"]]
        history = {"val_accuracy": [0.7, reached], "loss": [1, 0.5], "val_loss": [1, 0.6]}
        return _training.Figures(reached, history, test, None) if reached else None

    monkeypatch.setattr(_training, "figures_of", figures_of)
    row = schedules.measure("step", 0, None, rates=(1e-3, 1e-2, 1.0))
    assert (row["learning_rate"], row["test_accuracy"]) == (1e-2, 0.8), "test has no say"
    assert (row["spread"], row["tried"]) == (0.8, "0.8800 0.9000 0.1000")
    never = schedules.measure("step", 0, None, rates=(1e-3,))
    assert [one["epochs_to_90_percent"] for one in (row, never)] == [2, 11]
    with pytest.raises(TrainingError, match="With schedule 'step' every base rate diverged"):
        schedules.measure("step", 0, None, rates=(1.0,))


SCHEDULES = {
    arm: [
        {"learning_rate": rate, "spread": spread + seed / 100, "rates": "0.001 0.003 0.01",
         "tried": f"0.88 {level} 0.89", "validation_accuracy": level + seed / 200,
         "test_accuracy": level - 0.01 + seed / 300, schedules.SPEED: 3, **curves(level + 0.02)}
        for seed in range(2)
    ]
    for arm, rate, spread, level in (
        ("constant", 1e-3, 0.05, 0.89), ("step", 3e-3, 0.03, 0.9),
        ("exponential", 3e-3, 0.02, 0.902), ("cosine", 3e-3, 0.01, 0.905),
        ("one_cycle", 3e-3, 0.005, 0.91),
    )
}  # fmt: skip


TUNING = {
    arm: [
        {"learning_rate": 3e-3, "dropout": 0.2, "units": 256, "score": score,
         "validation_accuracy": score - lost, "optimism": lost + seed / 1000,
         "test_accuracy": score - lost - 0.01 + seed / 500, "importance_learning_rate": 0.8,
         "importance_dropout": 0.15, "importance_units": 0.05 + seed / 100,
         "tried_learning_rate": "-2.5 -4 -1", "tried_dropout": "0.2 0.1 0.4",
         "tried_units": "256 128 512", "scores": "0.86 0.7 0.6"}
        for seed in range(2)
    ]
    for arm, score, lost in (("tuned", 0.87, 0.01), ("defaults", 0.86, 0.0))
}  # fmt: skip
ENSEMBLES = {
    arm: [
        {"validation_accuracy": 0.91, "test_accuracy": 0.9 + number / 500 + seed / (400 + number),
         "nll": 0.3, "ece": 0.01, "temperature": 1.1, "used": 5, "parameters": 500_000 + number,
         "seconds": 60.0, "milliseconds_one": 1.0 + number, "milliseconds": 10.0 + number + seed}
        for seed in range(2)
    ]
    for number, arm in enumerate(ensembles.ARMS)
}  # fmt: skip


def test_a_quick_look_at_ensembles_leaves_the_members_of_the_whole_experiment_alone():
    found = ensembles.EXPERIMENT.quickly()
    for arm in found.all_arms():
        given = arm.program.keywords
        assert given["folder"] != ensembles.FOLDER
        assert (given["count"], given["changes"]["training"]["epochs"]) == (2, 1)


def regularized(some, seed):
    """Accuracy of an arm with 1 point of batch norm, 2 of dropout, and 1 less with both."""
    points = ("batch norm" in some) + 2 * ("dropout" in some) - (len(some & BOTH) == 2)
    level = 0.9 + (points + seed / 10 * ("batch norm" in some)) / 100
    return {"validation_accuracy": level, "test_accuracy": level, "gap": 0.2 - 0.05 * len(some)}


BOTH = {"batch norm", "dropout"}
REGULARIZERS = {
    name: [{**regularized(some, seed), **curves(0.9)} for seed in range(2)]
    for some, name in regularizers.NAMES.items()
}


def test_each_seed_has_an_effect_and_a_verdict_is_of_its_interval():
    found = measured(experiment.find("regularizers"), REGULARIZERS)
    verdicts = {(one.claim.arm, one.claim.metric): one for one in found.verdicts()}
    # by hand: 1 point alone and 0 with dropout, and 0.1 more with the second seed
    assert verdicts["batch norm", "test_accuracy"].difference == pytest.approx(0.0055)
    assert verdicts["batch norm x dropout", "test_accuracy"].difference == pytest.approx(-0.005)
    text = str(verdicts["batch norm", "test_accuracy"])
    assert ": the effect of batch norm on the test accuracy is +0.55 points (" in text
    assert "2 seeds)." in text
    assert len(verdicts) == 9, "none of the interaction of three"
    rows = regularizers.table(found).splitlines()[2:]
    assert (len(rows), rows[0][:22]) == (7, "| batch norm | +0.55 (")
    alone = measured(experiment.find("regularizers"), {"decay": REGULARIZERS["decay"]})
    assert {one.word for one in alone.verdicts()} == {"these seeds cannot tell"}
    assert str(alone.verdicts()[0]) == (
        "The effect of batch norm on the test accuracy is above 0. These seeds cannot tell: the "
        "arms of the effect of batch norm have fewer than 2 seeds in common."
    )
    assert isinstance(alone.experiment.figure(alone), Figure)
    assert regularizers.table(alone).splitlines()[2] == "| batch norm | | |"


MADE_UP = {
    "dropout_rates": DROPOUT, "batch_norm": BATCH_NORM, "regularizers": REGULARIZERS,
    "schedules": SCHEDULES, "tuning": TUNING, "ensembles": ENSEMBLES,
}  # fmt: skip


@pytest.mark.parametrize("name", MADE_UP)
def test_a_quick_look_at_an_exercise_has_the_same_arms_but_for_some_ensembles(name):
    found = experiment.find(name)
    quick, arms = found.quickly(), [arm.name for arm in found.all_arms()]
    if name == "ensembles":
        arms = [one for one in arms if one in ensembles.QUICK]
        assert [one.arm for one in quick.claims] == ["stack", "bagging", "boosting"]
    assert [arm.name for arm in quick.all_arms()] == arms
    assert (found.seeds, quick.seeds) == (5, 2)
    assert quick.quick.changes["data"] == {"limit": 2_000}


@pytest.mark.parametrize(("name", "rows"), MADE_UP.items(), ids=list(MADE_UP))
def test_a_quick_look_at_an_exercise_ends_with_verdicts_a_table_and_a_picture(
    name, rows, tmp_path, no_memory_given_back
):
    drawn, found = [], experiment.find(name)
    arms = [
        experiments.Arm(arm.name, program=lambda seed, data, own=rows[arm.name]: own[seed])
        for arm in found.quickly().all_arms()
    ]

    def figure(measured):
        return drawn.append(found.figure(measured)) or drawn[-1]

    quick = experiments.Quick({"data": {"limit": 400}}, arms=arms)
    own = Experiment(**{**vars(found), "quick": quick, "figure": figure})
    text = experiments.run(own, quick=True, folder=tmp_path, progress=False)
    verdicts, tested, table, note, picture = text.split("\n\n")
    assert len(verdicts.splitlines()) == len(own.quickly().claims)
    said = re.compile("(Holds here|Does not hold here|These seeds cannot tell): .*[ (]2 seeds\\)")
    assert all(said.search(line) for line in verdicts.splitlines())
    assert tested.startswith("Verdicts come from two-sided Student's t-tests, paired by seed")
    assert len(table.splitlines()) == 2 + sum(arm.shown for arm in found.quickly().all_arms())
    assert note.startswith("A quick look, which the whole experiment may contradict: 2 seeds.")
    file = tmp_path / f"{name}-quick.png"
    assert (picture, file.stat().st_size > 1000) == (f"Picture: {file}", True)
    assert drawn[0].get_figwidth() == WIDTH
    assert letters(drawn[0]) >= 8
    assert len(page.read_rows(tmp_path / f"{name}-quick.csv")) == 2 * len(arms)


@pytest.mark.parametrize("name", ["schedules", "ensembles"])
def test_a_copy_of_an_exercise_is_an_experiment_of_its_own(name, tmp_path):
    shipped = Path(experiment.__file__).parent / "experiments" / f"{name}.py"
    (tmp_path / "mine.py").write_text(shipped.read_text("utf-8"), "utf-8")
    places = experiment.find(str(tmp_path / "mine.py")).places()
    assert places.page is None
    assert places.rows == places.folder / "mine.csv" == Path("runs/mine/mine.csv").absolute()
    assert experiment.find(str(shipped)).places() == experiment.find(name).places()
    assert experiment.find(str(shipped)).command == experiment.find(name).command


def test_ensembles_of_other_images_do_not_replace_the_members(monkeypatch):
    asked = []
    monkeypatch.setattr(
        ensembles, "train_members", lambda *given: asked.append(Path(given[3])) or []
    )
    for limit in (300, 400, 300):
        ensembles.members("seeds", 1, fashion_zoo.data.load(limit=limit), {})
    assert asked[0] == asked[2] != asked[1]
    assert {place.parent for place in asked} == {ensembles.FOLDER}
