"""What a result looks like in a cell of a notebook."""

import numpy as np

import fashion_zoo
from fashion_zoo.show.trials import Counts
from fashion_zoo.training.lr_finder import RangeTest, Suggestion
from fashion_zoo.tuning import Tuned


def results(trained):
    rates = np.geomspace(1e-6, 10, 50)
    losses = np.stack([2 - rates / 10, 2.1 - rates / 10])
    rule = Suggestion(1e-3, 5e-4, 2e-3)
    row = {"trial": 3, "defaults": False, "score": 0.913, "mean": 0.912}
    yield "run", trained.run
    yield "trained", trained
    yield "evaluation", fashion_zoo.open_run(trained).result("evaluation")
    yield "range test", RangeTest(rates, losses, losses, dict.fromkeys(("valley", "slide"), rule))
    yield "tuned", Tuned("studies/x", Counts(9, 7, 1, 0, 1), [row], "studies/x/best.json", 1.0, 0.1)
    yield "recipe", fashion_zoo.recipe("bn_mlp.large")
    yield "data", fashion_zoo.data.load()
    yield "images", fashion_zoo.data.load().test


def test_every_result_is_three_lines_in_a_cell(trained):
    for name, result in results(trained):
        text = repr(result)
        assert len(text.splitlines()) <= 3, name
        assert len(text) < 330, name


def test_runs_and_range_tests_show_their_curves_in_a_notebook(trained):
    shown = {
        name: result._repr_html_()
        for name, result in results(trained)
        if hasattr(result, "_repr_html_")
    }
    for name in ("run", "trained", "range test"):
        assert shown[name].count("data:image/png;base64,") == 1, name
    for name, word in (("tuned", "trial 3"), ("evaluation", "Ankle boot")):
        assert "<table>" in shown[name]
        assert word in shown[name]


def test_a_result_names_what_it_is(trained):
    first, second, third = repr(trained).splitlines()
    assert first.startswith(f"{trained.run.path}: {trained.run.recipe}, ")
    assert second.startswith("trained ")
    assert "validation accuracy" in second
    assert third == trained.evaluation.summary


def test_a_run_without_results_is_shown_too(tmp_path):
    run = fashion_zoo.Run(tmp_path, "bn_mlp", fashion_zoo.RunConfig(fashion_zoo.MLPConfig()))
    assert repr(run).splitlines()[1:] == ["not trained to its end"]
    (tmp_path / "training.json").write_text("{")
    assert "not trained to its end" in run._repr_html_()


def test_a_part_of_an_evaluation_is_shown_as_it_is(trained):
    evaluation = type(trained.evaluation)(images=1)
    assert repr(evaluation) == "{'images': 1}"
    assert "images" in evaluation._repr_html_()


def test_a_drawing_without_a_file_is_a_picture_in_a_notebook(tmp_path):
    figure = fashion_zoo.plot_schedules("one_cycle")
    assert figure._repr_png_().startswith(b"\x89PNG")
    stored = fashion_zoo.plot_schedules(["linear"], tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()
    assert len(stored.axes) == len(figure.axes)


def test_the_model_and_the_history_are_at_hand(trained):
    assert trained.model.output_shape == (None, 10)
    assert trained.history.keys() >= {"loss", "val_accuracy"}
