import matplotlib.pyplot as plt
import optuna
import optuna.visualization.matplotlib
from matplotlib.figure import Figure
from searching import search

from fashion_zoo.show import pages
from fashion_zoo.tuning import Study, report, report_page

PICTURES = [
    "Optimization history",
    "Importance of the parameters",
    "Slices",
    "Parallel coordinates",
]


def test_the_page_of_a_search_draws_what_optuna_draws(url):
    search(url, trials=6, pruner="none")
    study = Study(url, "arithmetic", fingerprint={"space": 1}, trials=6)
    page = report_page(study, study.plans(), [])
    study.close()
    for heading in PICTURES:
        assert f"<h2>{heading}</h2><img" in page
    assert page.count("<tr><td>") == 6
    assert "x=1.5, kind=b, use_rate=True, rate=0.1</td>" in page


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


def test_a_backend_that_cannot_start_is_given_up_for_one_that_can(monkeypatch):
    tried, switched = [], []

    def plot(study):
        tried.append(study)
        if len(tried) == 1:
            raise ImportError("Cannot load backend 'TkAgg'")
        return Figure().subplots()

    monkeypatch.setattr(optuna.visualization.matplotlib, "plot_slice", plot)
    monkeypatch.setattr(plt, "switch_backend", switched.append)
    assert report._figure("plot_slice", "study", None, {}).axes
    assert tried == ["study", "study"]
    assert switched == ["agg"]
