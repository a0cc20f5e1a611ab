"""The troubles of the debugging guide: each is seen, each cure changes one thing, none is lost."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from arms import letters, measured

import fashion_zoo
from fashion_zoo import override, recipe
from fashion_zoo.config.overrides import changes
from fashion_zoo.show import figures
from recipes import compare
from recipes.experiments import _troubles, debugging

DOCS = Path(__file__).parent.parent / "docs"
EXPERIMENT = debugging.EXPERIMENT


def made_up(arms):
    """What might have been measured; the first arm diverged."""
    curves = {"training_curve": "2 1 0.5", "validation_curve": "2 1.1 0.9"}
    trained = {"loss": 0.5, "validation_loss": 0.9, "validation_accuracy": 0.7, **curves}
    rows = {
        arm: [
            {"findings": found, **(trained if number else {"validation_accuracy": 0.1})}
            for found in ("nothing", "dead units")
        ]
        for number, arm in enumerate(arms)
    }
    return measured(EXPERIMENT, rows)


def test_a_cure_changes_one_thing_of_its_trouble_and_is_claimed_to_help():
    assert [one.arm for one in EXPERIMENT.claims] == [
        one for one in debugging.CURES if one != debugging.STOPPED
    ]
    for one in EXPERIMENT.claims:
        trouble, cure = debugging.CURES[one.arm]
        assert one.against == trouble
        training = debugging.TROUBLES[trouble].wrong
        usual = recipe(training.recipe).config
        wrong = override(usual, training.changes)
        # A cure has one changed option, another recipe, or other images or labels.
        found = [
            *changes(wrong, override(wrong, cure.changes)).values(),
            *([] if cure.fault == training.fault else [{"images": cure.fault}]),
            *([] if cure.recipe == training.recipe else [{"recipe": cure.recipe}]),
        ]
        assert [len(section) for section in found] == [1], one.arm


def test_a_convolution_at_the_start_is_compared_with_the_same_layers_and_training():
    trouble, cure = debugging.CURES["underfits: no neighbours, kernels that begin as a convolution"]
    plain, start = debugging.TROUBLES[trouble].wrong, recipe(cure.recipe).config
    without = override(recipe(plain.recipe).config, plain.changes)
    assert start.training == without.training
    own = {"kernel_size": 5, "stride": 2}
    assert dataclasses.asdict(start.model) == {**dataclasses.asdict(without.model), **own}


def test_the_options_of_the_table_are_those_of_the_command_line():
    whole = made_up([arm.name for arm in EXPERIMENT.all_arms()])
    for name, (training, *_) in debugging.TROUBLES.items():
        words = debugging.settings(whole, name)
        if training.fault:
            assert words == training.fault
            continue
        words = words.strip("`")
        found = compare.arm(words if words.startswith("bn_mlp") else f"baseline_mlp {words}")
        usual = recipe(training.recipe).config
        assert found.recipe == training.recipe
        assert override(usual, found.changes) == override(usual, training.changes)


@pytest.mark.parametrize("arm", debugging.CURES)
def test_the_options_of_a_cure_are_its_own_unless_it_is_another_recipe(arm):
    trouble, cure = debugging.CURES[arm]
    words, usual = debugging.settings(made_up([arm]), arm), recipe(cure.recipe).config
    expected = cure.changes
    if cure.recipe != _troubles.RECIPE:
        expected = debugging.TROUBLES[trouble].wrong.changes
        words = words.strip("`").removeprefix(cure.recipe)
    if cure.fault or not expected:
        assert words == (cure.fault or "none")
        return
    found = compare.arm(f"{cure.recipe} {words.removeprefix('and ').strip('`')}")
    assert override(usual, found.changes) == override(usual, expected)


def test_an_inspection_looks_at_the_images_of_the_training(monkeypatch):
    seen = {}
    history = {"loss": [1.0], "val_loss": [1.0]}
    training = {"validation_loss": 1.0, "validation_accuracy": 0.5}
    done = SimpleNamespace(run=None, history=history, training=training)

    def look_at(name, data, seed, *changes, look, evaluate):
        seen["trained"] = data
        return look(done)

    def inspect(run, data, **options):
        seen["inspected"] = data
        return {"findings": []}

    monkeypatch.setattr(debugging._training, "look_at", look_at)
    monkeypatch.setattr(fashion_zoo, "inspect", inspect)
    row = debugging.measure(
        "learns badly: pixels scaled twice", 0, fashion_zoo.data.load(limit=100)
    )
    assert row["findings"] == debugging.NOTHING
    assert seen["inspected"] is seen["trained"]
    assert seen["inspected"].train.images.max() <= 1


def test_what_diverged_has_no_losses_and_the_table_says_of_how_many_seeds_a_finding_is():
    arms = [arm.name for arm in EXPERIMENT.all_arms()]
    lines = made_up(arms).text().splitlines()
    first = next(line for line in lines if line.startswith(f"| {arms[0]} |"))
    second = next(line for line in lines if line.startswith(f"| {arms[1]} |"))
    ends = "nothing (1 of 2); dead units (1 of 2) |"
    assert re.search(r"` \| \| \| 10\.00 % \| \| " + re.escape(ends), first)
    assert "| 0.50 | 0.90 | 70.00 %" in second
    assert "| +60.00 |" in second


@pytest.mark.parametrize("number", [1, 2, None])
def test_the_figure_fits_a_phone_whatever_was_measured(number):
    arms = [arm.name for arm in EXPERIMENT.all_arms()][:number]
    drawn = debugging.figure(made_up(arms))
    assert drawn.get_figwidth() <= 5.2
    assert letters(drawn) >= 8
    assert figures.draw(lambda: drawn).startswith(b"\x89PNG")


def test_a_training_that_diverges_has_a_row_without_curves(monkeypatch):
    def diverge(*given, **options):
        raise fashion_zoo.TrainingError("it diverged")

    monkeypatch.setattr(debugging._training, "look_at", diverge)
    row = debugging.measure("overfits", 0, fashion_zoo.data.load(limit=100))
    assert row == {"validation_accuracy": 0.1, "findings": debugging.ENDED}


@pytest.mark.slow
def test_a_training_that_diverges_is_a_row_and_one_that_ends_is_inspected(monkeypatch):
    data = fashion_zoo.data.load(limit=500)

    def train(model, **training):
        own = _troubles.Training({"model": model, "training": training})
        monkeypatch.setattr(debugging, "training_of", lambda arm: own)
        monkeypatch.setattr(debugging, "changes_of", lambda arm: (own.changes,))
        return debugging.measure("own", 0, data)

    assert train({}, optimizer="sgd", learning_rate=1e4, epochs=1) == {
        "validation_accuracy": 0.1,
        "findings": debugging.ENDED,
    }
    row = train({"hidden_units": (16,) * 6, "activation": "sigmoid"}, epochs=2)
    assert len(row["training_curve"].split()) == len(row["validation_curve"].split()) == 2
    assert "vanishing gradients" in row["findings"]
    assert row["loss"] > 2
    assert abs(row["validation_accuracy"] - 0.1) < 0.05
    explodes = _troubles.TROUBLES["learns badly: gradients explode"].wrong.changes["model"]
    assert "exploding gradients" in train(explodes, epochs=1)["findings"]


def test_faults_of_the_data_are_what_their_names_say():
    data = fashion_zoo.data.load(limit=500)
    scaled = _troubles.scaled_twice(data, 0)
    for part, whole in ((scaled.train, data.train), (scaled.validation, data.validation)):
        np.testing.assert_allclose(part.images * 255, whole.images, rtol=1e-6)
        assert part.images.dtype == np.float32
        np.testing.assert_array_equal(part.labels, whole.labels)
    wrong = _troubles.mislabelled(data, 0)
    np.testing.assert_array_equal(wrong.train.images, data.train.images)
    np.testing.assert_array_equal(wrong.validation.labels, data.validation.labels)
    np.testing.assert_array_equal(wrong.validation.images, data.validation.images)
    assert (wrong.train.labels != data.train.labels).sum() == 100
    assert wrong.train.labels.max() == 9
    again, other = (_troubles.mislabelled(data, seed).train.labels for seed in (0, 1))
    np.testing.assert_array_equal(again, wrong.train.labels)
    assert (other != again).any()


def test_what_an_audit_suspects_is_left_out_and_nothing_else(monkeypatch):
    data = fashion_zoo.data.load(limit=500)
    seen = []

    def audit(dataset, **options):
        seen.append(dataset)
        return {"lists": {"label_errors": {"train": [3, 499, 600]}}}  # one held out for validation

    monkeypatch.setattr(_troubles, "audit", audit)
    left = _troubles.without_suspects(data, 0)
    wrong = _troubles.mislabelled(data, 0)
    np.testing.assert_array_equal(seen[0].train.labels, wrong.train.labels)
    kept = np.delete(np.arange(500), [3, 499])
    np.testing.assert_array_equal(left.train.images, wrong.train.images[kept])
    np.testing.assert_array_equal(left.train.labels, wrong.train.labels[kept])
    np.testing.assert_array_equal(left.validation.labels, data.validation.labels)


def test_the_guide_leads_to_the_page_in_both_languages():
    page = (DOCS.parent / EXPERIMENT.page).resolve()
    for guide in (DOCS / "guide" / "debugging.md", DOCS / "ko" / "guide" / "debugging.md"):
        links = re.findall(r"\]\(([^)#:]+)", guide.read_text("utf-8"))
        assert page in [(guide.parent / link).resolve() for link in links]
    assert "python -m recipes.experiment debugging" in page.read_text("utf-8")


def test_every_line_of_the_guide_has_a_run_or_a_page():
    table = r"^\| (.+?) \| (.+?) \|"
    shown = re.findall(table, (DOCS / "guide" / "debugging.md").read_text("utf-8"), re.M)
    lines = [line for line, _ in shown if line not in ("look for", "do", "---")]
    page = (DOCS / "debugging.md").read_text("utf-8").partition("{#lines}")[2]
    runs = dict(re.findall(table, page, re.M)[2:])
    assert list(runs) == lines
    for run in runs.values():
        for part in run.split("; "):  # an arm, an arm and what it is about, or a link
            ends = (part, part.partition(", ")[0])
            own = [arm for arm in EXPERIMENT.all_arms() if arm.name.endswith(ends)]
            assert own or "](" in part, part
