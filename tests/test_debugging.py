"""The troubles of the debugging guide: each is seen, each cure changes one thing, none is lost."""

import re
from pathlib import Path

import pytest
from arms import measured

import fashion_zoo
from fashion_zoo import override, recipe
from fashion_zoo.config.overrides import changes
from fashion_zoo.show import figures
from recipes import compare
from recipes.experiments import debugging

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
        wrong = override(recipe("baseline_mlp").config, debugging.TROUBLES[trouble].changes)
        (section,) = changes(wrong, override(wrong, cure)).values()
        assert len(section) == 1, one.arm


def test_the_options_of_the_table_are_those_of_the_command_line():
    whole = made_up([arm.name for arm in EXPERIMENT.all_arms()])
    for name, trouble in debugging.TROUBLES.items():
        words = debugging.settings(whole, name).strip("`")
        found = compare.arm(f"baseline_mlp {words}")
        usual = recipe("baseline_mlp").config
        assert override(usual, found.changes) == override(usual, trouble.changes)


def test_what_diverged_has_no_losses_and_the_table_says_of_how_many_seeds_a_finding_is():
    arms = [arm.name for arm in EXPERIMENT.all_arms()]
    lines = made_up(arms).text().splitlines()
    first = next(line for line in lines if line.startswith(f"| {arms[0]} |"))
    second = next(line for line in lines if line.startswith(f"| {arms[1]} |"))
    ends = "nothing (1 of 2); dead units (1 of 2) |"
    assert re.search(r"` \| \| \| 10\.00 % \| \| " + re.escape(ends), first)
    assert "| 0.50 | 0.90 | 70.00 %" in second
    assert "| +60.00 |" in second


@pytest.mark.parametrize("number", [1, 2, 20])
def test_the_figure_fits_a_phone_whatever_was_measured(number):
    arms = [arm.name for arm in EXPERIMENT.all_arms()][:number]
    drawn = debugging.figure(made_up(arms))
    assert drawn.get_figwidth() <= 5.2
    assert figures.draw(lambda: drawn).startswith(b"\x89PNG")


def test_a_training_that_diverges_has_a_row_without_curves(monkeypatch):
    def diverge(*given, **options):
        raise fashion_zoo.TrainingError("it diverged")

    monkeypatch.setattr(debugging._training, "look_at", diverge)
    row = debugging.measure((), 0, fashion_zoo.data.load(limit=100))
    assert row == {"validation_accuracy": 0.1, "findings": debugging.ENDED}


@pytest.mark.slow
def test_a_training_that_diverges_is_a_row_and_one_that_ends_is_inspected():
    data = fashion_zoo.data.load(limit=500)
    sgd = {"training": {"optimizer": "sgd", "learning_rate": 1e4, "epochs": 1}}
    assert debugging.measure((sgd,), 0, data) == {
        "validation_accuracy": 0.1,
        "findings": debugging.ENDED,
    }
    deep = {
        "model": {"hidden_units": (16,) * 6, "activation": "sigmoid"},
        "training": {"epochs": 1},
    }
    row = debugging.measure((deep, {"training": {"epochs": 2}}), 0, data)
    assert len(row["training_curve"].split()) == len(row["validation_curve"].split()) == 2
    assert "vanishing gradients" in row["findings"]
    assert row["loss"] > 2
    assert abs(row["validation_accuracy"] - 0.1) < 0.05


def test_the_guide_leads_to_the_page_in_both_languages():
    page = (DOCS.parent / EXPERIMENT.page).resolve()
    for guide in (DOCS / "guide" / "debugging.md", DOCS / "ko" / "guide" / "debugging.md"):
        links = re.findall(r"\]\(([^)#:]+)", guide.read_text("utf-8"))
        assert page in [(guide.parent / link).resolve() for link in links]
    assert "python -m recipes.experiment debugging" in page.read_text("utf-8")


def test_every_line_of_the_guide_has_a_run_or_a_page_or_is_not_measured():
    table = r"^\| (.+?) \| (.+?) \|"
    shown = re.findall(table, (DOCS / "guide" / "debugging.md").read_text("utf-8"), re.M)
    lines = [line for line, _ in shown if line not in ("look for", "do", "---")]
    page = (DOCS / "debugging.md").read_text("utf-8").partition("{#lines}")[2]
    runs = dict(re.findall(table, page, re.M)[2:])
    assert list(runs) == lines
    for run in runs.values():
        own = [arm for arm in EXPERIMENT.all_arms() if arm.name.endswith(run.partition(";")[0])]
        assert own or run.startswith("another page: [") or "*not measured*" in run
