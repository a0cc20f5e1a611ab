import re
import sys
from types import SimpleNamespace

import optuna
import pytest
from searching import search

from fashion_zoo.config import SearchConfig
from fashion_zoo.show import pages
from fashion_zoo.show.plots.search import Axis, _places
from fashion_zoo.tuning import Study, facts, hypermodel, report, report_page

PICTURES = [
    "Optimization history",
    "Hyperparameter importance",
    "Slices",
    "Parallel coordinates",
]


def test_the_page_of_a_search_has_its_pictures_and_how_to_read_them(url):
    search(url, trials=6, pruner="none")
    study = Study(url, "arithmetic", fingerprint={"space": 1}, trials=6)
    page = report_page(study, study.plans(), [])
    study.close()
    for heading in PICTURES:
        assert re.search(f"<h2>{heading}</h2>(<p[^>]*>[^<]*</p>)+<div class=.wide.><img", page)
    assert page.count("<tr><td>") == 6
    assert "x=1.5, kind=b, use_rate=True, rate=0.1</td>" in page
    assert (
        '<p class="warning">Only 6 trials completed, for 3 hyperparameters. '
        "With fewer than about 30 the order can be due to chance.</p>"
    ) in page


@pytest.fixture(scope="session")
def plans(tmp_path_factory):
    """Twelve trials of arithmetic, most of them pruned."""
    return search(f"sqlite:///{tmp_path_factory.mktemp('study')}/study.db", trials=12)


@pytest.mark.slow
def test_pruned_trials_are_in_the_history(plans):
    pruned = sum(plan.outcome.state.name == "PRUNED" for plan in plans)
    assert 0 < pruned < 12
    (history, *_) = report.pictures(plans, ())
    (axis,) = history.make().axes
    hollow = [one for one in axis.collections if not len(one.get_facecolors())]
    assert sum(len(one.get_offsets()) for one in hollow) == pruned
    assert sum(len(one.get_offsets()) for one in axis.collections) == 12
    best = [line for line in axis.lines if line.get_label() == "best so far"]
    assert max(best[0].get_ydata()) == max(plan.score for plan in plans if plan.completed)


@pytest.mark.slow
def test_every_trial_is_a_line_through_its_values(plans):
    found = {one.heading: one for one in report.pictures(plans, ())}
    (axis,) = found["Parallel coordinates"].make().axes
    names = [text.get_text() for text in axis.get_xticklabels()]
    assert names == ["x", "kind", "use_rate", "rate", "validation accuracy"]
    lines = [line for line in axis.lines if len(line.get_xdata()) == 5]
    assert len(lines) == 12
    without = [plan for plan in plans if "rate" not in plan.outcome.params]
    assert sum(line.get_ydata()[3] < 0 for line in lines) == len(without) > 0
    panels = [one for one in found["Slices"].make().axes if one.get_title()]
    assert [panel.get_title() for panel in panels] == names[:-1]
    shown = sum(len(one.get_offsets()) for one in panels[3].collections)
    assert shown == 12 - len(without)


def test_numbers_of_a_choice_stand_in_their_order():
    axis = Axis("units", ["1024", "64", "a", "128"])
    assert _places(axis)[2] == ["64", "128", "1024", "a"]
    assert _places(Axis("rate", [1e-4, 1e-2, None], log=True))[2] == ["0.0001", "0.001", "0.01"]


def test_no_more_parameters_than_can_be_read_stand_beside_each_other():
    axes = [Axis(f"p{number}", [1, 2]) for number in range(14)]
    few, said = report._most_important(axes, {"p13": (0.5, 0.4, 0.6)})
    assert [one.name for one in few] == [*(f"p{number}" for number in range(11)), "p13"]
    assert said == " Not shown: p11 and p12."


def test_the_page_says_what_was_searched_without_its_password():
    model = hypermodel("bn_mlp", data={"limit": 2000}, training={"epochs": 9})
    study = SimpleNamespace(trials=24)
    said = dict(facts(model, study, SearchConfig(), command="x --storage a://me:se@cret@b/c"))
    assert said["images"] == (
        "fashion_mnist: 2,000 to train on, scored on the 5,000 validation images; no test image"
    )
    assert said["trials"] == "24 planned, of up to 9 epochs"
    assert said["command"] == "x --storage a://me:***@b/c"
    assert set(said) >= {"recipe", "sampler", "written", "machine", "versions"}


def test_what_was_found_is_in_percent_with_its_verdict(plans):
    row = {
        "trial": 1, "defaults": False, "score": 0.9, "again": [0.89, 0.91], "mean": 0.9, "low": 0.8,
        "high": 0.95, "gain": 0.01, "gain_low": -0.01, "gain_high": 0.03, "optimism": 0.0,
    }  # fmt: skip
    own = {**row, "trial": 0, "defaults": True, "gain": None, "gain_low": None, "mean": 0.89}
    page = report._candidates([row, own], plans, ())
    assert page.startswith(
        "<p><strong>Trial 1 is 1.00 points (95 % interval -1.00 to +3.00) above the defaults, "
        "which is not significant.</strong></p>"
    )
    assert "<td>80.00 % to 95.00 %</td><td>+1.00 points (-1.00 to +3.00)</td>" in page
    assert "<th>hyperparameter</th><th>trial 1</th><th>defaults</th>" in page


def test_a_page_of_one_trial_draws_its_history_only(url):
    search(url, trials=1)
    study = Study(url, "arithmetic", fingerprint={"space": 1}, trials=1)
    page = report_page(study, study.plans(), [])
    study.close()
    assert page.count("<img") == 1


def test_the_study_is_one_that_optuna_opens(url):
    search(url, trials=3)
    found = optuna.load_study(study_name="arithmetic", storage=url)
    assert len(found.trials) == 3
    assert found.best_value == max(trial.value for trial in found.trials)


def test_what_stands_in_a_cell_is_text():
    assert pages.table(["<a>"], [["<b>"]]) == (
        '<div class="wide"><table><tr><th>&lt;a&gt;</th></tr>'
        "<tr><td>&lt;b&gt;</td></tr></table></div>"
    )


def test_the_pictures_need_no_backend_of_windows(plans, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would choose one
    drawn = report.pictures(plans, ())
    assert len(drawn) >= 3
    assert all(one.make() for one in drawn)
