"""The experiments on the changes that the exercises suggest: the same changes as on the pages."""

import functools
import itertools
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from arms import measured

import fashion_zoo
from fashion_zoo.config import digest
from fashion_zoo.experiments import page, training
from recipes import experiment
from recipes.experiments import _training, ensembles, ensembles_changes, tuning, tuning_changes

NAMES = [name for name in experiment.names() if name.endswith("_changes")]
ROOT = Path(__file__).parent.parent
NONE = "none of them"
BATCH_NORM = {"model.normalization": "batch"}
SIX_LAYERS = {"model.hidden_units": [128] * 6}
GLOROT = {"model.kernel_initializer": "glorot_normal"}
DOUBLED = {"model.hidden_units": [1024, 512, 256, 128]}
LARGER = {"training.learning_rate": pytest.approx(10**-1.5)}
FEWER, SHORT = {"data.limit": 5_000}, {"training.epochs": 3}


@functools.cache
def settings(name):
    """Arm to its settings, "part.field" to value."""
    found = experiment.find(f"{name}_changes")
    configs = training.configs_of(found, found.all_arms(), [])
    return {arm: dict(flat(digest.plain(config))) for arm, config in configs.items()}


def flat(value, *path):
    for name, one in value.items():
        if isinstance(one, dict):
            yield from flat(one, *path, name)
        else:
            yield ".".join((*path, name)), one


def program(name, arm):
    (found,) = (one for one in experiment.find(name).all_arms() if one.name == arm)
    return found.program


@pytest.mark.parametrize("name", NAMES)
def test_what_was_found_of_a_change_is_a_verdict_or_it_was_not_run(name):
    found = experiment.find(name)
    text = (ROOT / found.page).read_text("utf-8")
    assert f"`python -m recipes.experiment {name}`" in text
    each = re.findall(r"\*\*Change\.\*\*.*?\*\*Found\.\*\*\s(.*?)(?=\n- |\n\n)", text, re.S)
    assert len(each) == text.count("**Change.**") >= 4
    told = []
    for one in each:
        if not one.startswith("Not run."):
            count, words = re.match(r"The (two |three )?verdicts? on (.+?) \[below", one).groups()
            claims = [claim.text for claim in found.claims if words.lower() in claim.text.lower()]
            assert len(claims) == {None: 1, "two ": 2, "three ": 3}[count], (words, claims)
            told += claims
    assert told == [claim.text for claim in found.claims]


def test_each_exercise_has_an_experiment_on_its_changes():
    pages = {Path(experiment.find(name).page).name for name in NAMES}
    assert pages == {page.name for page in (ROOT / "docs" / "exercises").glob("*.md")}


@pytest.mark.parametrize(
    ("name", "arm", "usual", "changed"),
    [
        ("batch_norm", "before", "none", BATCH_NORM),
        ("batch_norm", "before, small batches", "none, small batches", BATCH_NORM),
        ("batch_norm", "none, small batches", "none", {**FEWER, "training.batch_size": 8}),
        ("batch_norm", "none, six layers", "none", SIX_LAYERS),
        ("batch_norm", "before, six layers", "before", SIX_LAYERS),
        ("batch_norm", "none, glorot_normal", "none", GLOROT),
        ("batch_norm", "before, glorot_normal", "before", GLOROT),
        ("dropout_rates", "bn_mlp, rate 0.1", "bn_mlp, rate 0", {"model.dropout": [0.1]}),
        ("dropout_rates", "fewer images, rate 0", "rate 0", FEWER),
        ("dropout_rates", "fewer images, rate 0.3", "fewer images, rate 0",
         {"model.dropout": [0.3]}),
        ("dropout_rates", "rate 0.7", "rate 0", {"model.dropout": [0.7]}),
        ("dropout_rates", "doubled widths, rate 0", "rate 0", DOUBLED),
        ("dropout_rates", "doubled widths, rate 0.7", "rate 0.7", DOUBLED),
        ("dropout_rates", "falling", "rate 0", {"model.dropout": [0.5, 0.5, 0.1, 0.1]}),
        ("dropout_rates", "rising", "rate 0", {"model.dropout": [0.1, 0.1, 0.5, 0.5]}),
        ("schedules", "cosine", "constant", {"training.schedules.learning_rate": "cosine"}),
        ("schedules", "cosine, short", "cosine", SHORT),
        ("schedules", "constant, short", "constant", SHORT),
        ("schedules", "cosine, larger rate", "cosine", LARGER),
        ("schedules", "constant, larger rate", "constant", LARGER),
        ("schedules", "warm, larger rate", "cosine, larger rate",
         {"training.schedules.learning_rate": "warmup(0.05) >> cosine"}),
        ("schedules", "half steps", "step",
         {"training.schedules.learning_rate": "step(0.5, every=1/3)"}),
        ("regularizers", "batch norm", NONE, BATCH_NORM),
        ("regularizers", "batch norm, larger rate", "batch norm", {"training.learning_rate": 0.03}),
        ("regularizers", f"{NONE}, larger rate", NONE, {"training.learning_rate": 0.03}),
        ("regularizers", "dropout", NONE, {"model.dropout": [0.2]}),
        ("regularizers", "smoothing", NONE, {"training.label_smoothing": 0.1}),
        ("regularizers", "dropout + smoothing", "dropout", {"training.label_smoothing": 0.1}),
        ("regularizers", f"{NONE}, fewer images", NONE, FEWER),
        ("regularizers", "dropout, fewer images", "dropout", FEWER),
        ("regularizers", "strong decay", NONE, {"training.weight_decay": 1.0}),
        ("ensembles", "some members, fewer images", "some members", FEWER),
        ("ensembles", "best member, fewer images", "best member", FEWER),
    ],
)  # fmt: skip
def test_an_arm_differs_by_the_change_of_the_page_alone(name, arm, usual, changed):
    own, other = settings(name)[arm], settings(name)[usual]
    assert {field: own[field] for field in own if own[field] != other[field]} == changed


def test_the_common_settings_are_those_of_the_exercise():
    assert settings("regularizers")[NONE]["training.optimizer"] == "adamw"
    assert settings("schedules")["constant"]["training.learning_rate"] == pytest.approx(10**-2.5)
    for name in ("batch_norm", "dropout_rates", "schedules", "regularizers", "ensembles"):
        assert 20_000 in {one["data.limit"] for one in settings(name).values()}
        assert {one["training.epochs"] for one in settings(name).values()} <= {3, 10, 20}


@pytest.mark.parametrize(
    ("name", "claim", "higher", "lower"),
    [
        ("batch_norm", 2, "none, six layers", "before, six layers"),
        ("batch_norm", 3, "before, glorot_normal", "none, glorot_normal"),
        ("dropout_rates", 3, "doubled widths, rate 0.7", "rate 0.7"),
        ("schedules", 0, "cosine, short", "constant, short"),
        ("schedules", 1, "cosine, larger rate", "constant, larger rate"),
        ("regularizers", 0, "batch norm, larger rate", f"{NONE}, larger rate"),
        ("regularizers", 1, "smoothing", "dropout + smoothing"),
        ("regularizers", 2, f"{NONE}, fewer images", "dropout, fewer images"),
        ("ensembles", 0, "some members", "many members"),
        ("ensembles", 1, "some members, fewer images", "best member, fewer images"),
    ],
)
def test_a_claim_on_a_gain_holds_where_it_is_there(name, claim, higher, lower):
    found = experiment.find(f"{name}_changes")
    generator = np.random.default_rng(0)

    def word(high, low):
        moved = {high: 0.1, low: -0.1}
        rows = {
            arm.name: [
                {
                    found.claims[claim].metric: 0.5
                    + moved.get(arm.name, 0)
                    + generator.normal(0, 1e-3)
                }
                for _ in range(5)
            ]
            for arm in found.all_arms()
        }
        one = measured(found, rows)
        one.experiment = fashion_zoo.experiments.Experiment(
            **{**vars(found), "claims": [found.claims[claim]]}
        )
        return one.verdicts()[0].word

    assert word(higher, lower) == "holds here"
    assert word(lower, higher) == "does not hold here"


@pytest.mark.parametrize(("arm", "rates"), [("adam", (-3.5, -1.5)), ("sgd", (-2, 0))])
def test_the_base_rates_of_an_optimizer_are_tried_with_it(arm, rates, monkeypatch):
    asked = []

    def figures_of(name, data, seed, changes):
        asked.append(changes["training"])
        history = {"val_accuracy": [0.9], "loss": [1], "val_loss": [1]}
        return _training.Figures(0.9 - len(asked) / 100, history, 0.8, None)

    monkeypatch.setattr(_training, "figures_of", figures_of)
    row = program("schedules_changes", f"{arm}, several rates")(0, None)
    assert row["spread"] == pytest.approx(0.04)
    assert np.log10([one["learning_rate"] for one in asked]) == pytest.approx(
        np.linspace(*rates, 5)
    )
    assert {(one["optimizer"], one["epochs"]) for one in asked} == {(arm, 10)}
    assert {one["schedules"]["learning_rate"] for one in asked} == {"cosine"}


def test_layer_normalization_is_tried_with_the_rates_of_the_exercise(monkeypatch):
    asked = []

    def figures_of(name, data, seed, changes, evaluate):
        asked.append((changes["model"], changes["training"]["epochs"], evaluate))

    monkeypatch.setattr(_training, "figures_of", figures_of)
    for arm, model in (("none", {}), ("layer", {"normalization": "layer"})):
        asked.clear()
        program("batch_norm_changes", f"{arm}, several rates")(0, None)
        assert asked == [(model, 3, False)] * 7


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("some trials", (20, "tpe", "log(1e-5, 1e-1)")),
        ("fewer trials", (5, "tpe", "log(1e-5, 1e-1)")),
        ("more trials", (100, "tpe", "log(1e-5, 1e-1)")),
        ("narrow range", (20, "tpe", "log(1e-3, 1e-2)")),
        ("at random", (20, "random", "log(1e-5, 1e-1)")),
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


def test_the_row_of_a_search_is_that_of_the_best_trial(monkeypatch):
    rows = {"tuned": {"score": 0.9, "importance_learning_rate": 0.7}, "defaults": {"score": 0.8}}
    monkeypatch.setattr(tuning_changes, "measure", lambda arm, *given, **settings: rows[arm])
    row = program("tuning_changes", "some trials")(0, None)
    assert (row["score"], row["importance_of_the_learning_rate"]) == (0.9, 0.7)


def test_members_are_trained_and_combined_as_the_arm_says(monkeypatch):
    asked = []

    def train_members(training, config, count, place, dataset, train):
        asked.append((training, config.seed, count, place.name, dataset.origin.exclude))
        raise LookupError

    monkeypatch.setattr(ensembles, "train_members", train_members)
    monkeypatch.setattr(ensembles_changes, "audit", lambda data, to, progress: None)
    monkeypatch.setattr(ensembles_changes, "load", lambda origin: SimpleNamespace(origin=origin))
    data = fashion_zoo.data.load(limit=100)
    methods = {}
    for arm in experiment.find("ensembles_changes").all_arms():
        with pytest.raises(LookupError):
            arm.program(3, data)
        methods[arm.name] = (
            arm.program.args[0][1] if arm.program.args else ensembles_changes.BOOSTING[1]
        )
    assert {one[1] for one in asked} == {30}, "of the first member; those of a group are the same"
    assert [(one[0], one[2]) for one in asked] == [
        ("seeds", 2), ("seeds", 5), ("seeds", 10), ("seeds", 5), ("seeds", 5), ("seeds", 5),
        ("bagging", 5), ("bagging", 5), ("boosting", 5), ("boosting", 5),
    ]  # fmt: skip
    assert len({one[3] for one in asked[:4]}) == 1, "the same members"
    assert [Path(one[4]).name if one[4] else None for one in asked[-2:]] == [
        None,
        "label_errors.txt",
    ]
    assert list(methods.values()) == [
        "average", "average", "average", "greedy(1)", "average", "greedy(1)", "average", "stack",
        "boost('all')", "boost('all')",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_two_arms_of_a_quick_look_are_the_same(name):
    found = experiment.find(name)
    arms = found.quickly().all_arms()
    configs = training.configs_of(found.quickly(), arms, [found.quick.changes])
    each = []
    for arm in arms:
        run = arm.program
        each.append((configs[arm.name], run and (run.func, run.args, run.keywords)))
    for one, other in itertools.combinations(range(len(each)), 2):
        assert each[one] != each[other], (arms[one].name, arms[other].name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_arms_of_a_claim_are_trained_in_a_quick_look(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the members of ensembles are kept
    quick = experiment.find(name).quickly()
    for arm in quick.claims[0].named:
        options = {"quick": True, "only": arm, "folder": tmp_path / "runs", "progress": False}
        fashion_zoo.experiments.run(experiment.find(name), **options)
    rows = page.read_rows(tmp_path / "runs" / f"{name}-quick.csv")
    assert len(rows) == 2 * len(quick.claims[0].named)
    assert all(row[quick.claims[0].metric] is not None for row in rows)


def test_the_experiments_are_found_without_tensorflow():
    code = (
        "import sys; from recipes import experiment; "
        "all(map(experiment.find, experiment.names())); "
        "print(sorted({'tensorflow', 'keras', 'optuna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
