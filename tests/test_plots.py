"""What stands on the figures: exact texts and lines, from arrays."""

import dataclasses
import itertools
import shutil

import numpy as np
import pytest

from fashion_zoo import storage
from fashion_zoo.evaluation.metrics.ece import confidence_bins
from fashion_zoo.show import figures, plots
from fashion_zoo.show.plots import canvas
from fashion_zoo.training.session import run_curves

HISTORY = {
    "epoch": [1, 2, 3],
    "loss": [0.9, 0.6, 0.5],
    "accuracy": [0.7, 0.8, 0.85],
    "val_loss": [0.7, 0.4, 0.45],
    "val_accuracy": [0.8, 0.88, 0.87],
    "learning_rate": [1e-3, 1e-3, 1e-3],
    "weight_decay": [0.01, 0.01, 0.01],
    "mixing": [1.0, 0.5, 0.0],
    "dropout_1_rate": [0.3, 0.2, 0.1],
    "dropout_2_rate": [0.2, 0.1, 0.0],
}


def words(axis):
    legend = axis.get_legend()
    return [text.get_text() for text in (legend.get_title(), *legend.get_texts())]


def test_curves_say_what_was_kept_and_what_it_reached():
    figure = plots.curves(HISTORY, "Training of x", kept=2, within=["dropout", "mixed images"])
    loss, accuracy, *moved = figure.axes
    kept = "epoch 2, whose weights were kept"
    assert words(loss) == [kept, "training 0.6000", "validation 0.4000"]
    assert words(accuracy) == [kept, "training 80.00 %", "validation 88.00 %"]
    assert [list(line.get_xdata()) for line in accuracy.lines[2:]] == [[2, 2]]
    # the learning rate always; of the others what moved
    assert [axis.get_title() for axis in moved] == ["learning rate", "mixing", "dropout rate"]
    assert words(moved[2])[1:] == ["dropout_1", "dropout_2"]
    assert "with dropout and mixed images in them; validation" in figure.get_supxlabel()


def busy(epochs):
    """A history of so many epochs with everything that there may be."""
    falling = np.linspace(0.9, 0.3, epochs)
    parts = ("", "val_", "averaged_val_")
    names = ("loss", "accuracy", "worst_recall", "balanced_accuracy")
    found = {part + name: falling for part in parts for name in names}
    found |= {f"dropout_{layer}_rate": falling / layer for layer in range(1, 9)}
    return found | dict.fromkeys(
        ["learning_rate", "weight_decay", "mixing", "gradient_norm"], falling
    )


@pytest.mark.parametrize("epochs", [1, 100])
def test_no_legend_covers_a_curve_and_no_panel_another(epochs):
    metrics = ("worst_recall", "balanced_accuracy")
    figure = plots.curves(busy(epochs), "t", metrics=metrics, caption="c")
    figure.draw_without_rendering()
    panels = [axis.get_tightbbox() for axis in figure.axes]
    assert len(panels) == (9 if epochs > 1 else 6)  # what never changed is not drawn
    for number, (axis, panel) in enumerate(zip(figure.axes, panels, strict=True)):
        assert axis.get_xlabel() == "epoch"
        assert not any(panel.overlaps(other) for other in panels[:number])
        if legend := axis.get_legend():
            inside = (axis.bbox, axis.xaxis.get_tightbbox())
            assert not any(legend.get_window_extent().overlaps(one) for one in inside)
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels[:4] == ["nats per image", *["share of the images"] * 3]
    assert "fraction of the units" in labels


def test_the_last_epoch_is_kept_by_default_and_stands_on_the_axis():
    figure = plots.curves(HISTORY, "t")
    assert words(figure.axes[0])[0] == "epoch 3, the last"
    assert all(axis.get_xticks()[-1] == 3 for axis in figure.axes)


@pytest.mark.parametrize(
    ("last", "ticks"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (7, [1, 2, 4, 6, 7]),
        (20, [1, 5, 10, 15, 20]),
        (21, [1, 5, 10, 15, 21]),
        (100, [1, 20, 40, 60, 80, 100]),
        (1000, [1, 200, 400, 600, 800, 1000]),
    ],
)
def test_an_axis_of_epochs_begins_with_the_first_and_ends_with_the_last(last, ticks):
    axis = canvas.blank(4, 3).subplots()
    canvas.whole_ticks(axis, last)
    assert list(axis.get_xticks()) == ticks


def test_percentages_along_an_axis_do_not_touch():
    figure, (axis,) = canvas.grid(4, 3)
    axis.set_xlim(0.842, 0.874)
    canvas.in_percent(axis, "x")
    figure.canvas.draw()
    labels = [
        label for label in axis.get_xticklabels() if 0.842 <= label.get_position()[0] <= 0.874
    ]
    ends = [label.get_window_extent() for label in labels]
    assert len(ends) > 2
    assert all(left.x1 + 5 < right.x0 for left, right in itertools.pairwise(ends))


def test_layers_that_move_alike_are_one_line():
    history = {**HISTORY, "dropout_2_rate": HISTORY["dropout_1_rate"]}
    axis = plots.curves(history, "t").axes[-1]
    assert len(axis.lines) == 1
    assert axis.get_legend() is None


def test_the_curves_of_a_run_name_run_seed_data_and_images(trained):
    figure = run_curves(trained.run)
    assert figure.get_suptitle() == "Training of bn_mlp"
    assert figure.get_supxlabel().splitlines()[0] == (
        "bn_mlp, run bn, seed 0; fashion_mnist, 1,000 training images, 5,000 validation images."
    )
    assert "with dropout in them" in figure.get_supxlabel()


def test_the_curves_of_a_run_mark_the_epoch_that_was_kept(trained, tmp_path):
    run = dataclasses.replace(trained.run, path=tmp_path)
    for name in ("history.csv", "training.json"):
        shutil.copy(trained.run.path / name, tmp_path)
    storage.write_json(tmp_path / "training.json", {**trained.training, "weights_of_epoch": 1})
    assert words(run_curves(run).axes[0])[0] == "epoch 1, whose weights were kept"


def test_the_pictures_of_an_evaluation_name_run_seed_data_and_images(
    trained, tmp_path, monkeypatch
):
    from fashion_zoo.evaluation import report

    made = {}
    monkeypatch.setattr(
        report.figures, "try_save", lambda path, make: made.setdefault(path.name, make())
    )
    report.evaluate_run(trained.run)
    caption = "bn_mlp, run bn, seed 0; fashion_mnist, 10,000 test images."
    for figure in made.values():
        assert figure.get_supxlabel().startswith(caption)
    found = trained.evaluation["accuracy"]
    said = [f"{100 * found[name]:.2f} %" for name in ("value", "low", "high")]
    assert made["confusion.png"].get_suptitle().replace("\n", " ") == (
        f"Confusion matrix, test accuracy {said[0]} (95 % interval {said[1]} to {said[2]}, "
        "10,000 images)"
    )
    ece = f"{100 * trained.evaluation['ece']:.2f} %"
    assert (
        made["reliability.png"].get_suptitle() == f"Reliability, expected calibration error {ece}"
    )
    wrong = round(10_000 * (1 - found["value"]))
    assert f"images. {wrong:,} mistakes in all." in made["errors.png"].get_supxlabel()


def test_a_confusion_matrix_has_its_counts_and_no_zeros():
    figure = plots.confusion(np.array([[3, 1], [0, 4]]), ["a", "b"], "accuracy 87.50 %")
    assert figure.get_suptitle() == "Confusion matrix, accuracy 87.50 %"
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["1", "3", "4"]


def test_a_bin_of_few_images_is_drawn_with_its_interval_and_paler():
    confidence = np.array([0.5] * 8 + [0.99] * 800)
    bins = confidence_bins(confidence, np.arange(808) % 2 == 0)
    figure = plots.reliability(bins, 0.1)
    upper, lower = figure.axes
    few, many = (bar.get_alpha() for bar in upper.containers[0])
    assert few < 0.5 < 0.9 < many
    (bars,) = upper.containers[1].lines[2]
    heights = [end[1] - start[1] for start, end in bars.get_segments()]
    # by hand: Wilson at 4 of 8 and at 400 of 800
    assert heights == pytest.approx([2 * 0.2848, 2 * 0.0346], abs=1e-3)
    assert [text.get_text() for text in lower.texts] == ["8", "800"]


def test_a_mistake_is_named_by_its_place_in_the_file():
    figure = plots.errors(
        np.zeros((1, 28, 28)), ["Coat"], ["Shirt"], [0.99987], indices=[4571], caption="c"
    )
    assert figure.axes[0].get_title() == "image 4571\ntrue Coat\npredicted Shirt\n99.99 %"
    assert plots.errors(np.zeros((0, 28, 28)), [], [], [], indices=[]).get_suptitle() == (
        "No mistakes"
    )


def test_schedules_are_drawn_over_each_other():
    factors = {"one": [0, 1], "_two": [1, 0], "three" * 20: [1, -1]}
    figure = plots.schedules(factors, overlay=True)
    (axis,) = figure.axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[0, 1], [1, 0], [1, -1]]
    (legend,) = figure.legends
    assert [text.get_text().strip().replace("\n", "") for text in legend.get_texts()] == list(
        factors
    )
    assert axis.get_ylim()[0] == -1


@pytest.mark.parametrize(
    "make",
    [
        lambda text: plots.curves(HISTORY, text, caption=text, within=[text]),
        lambda text: plots.curves({**HISTORY, f"{text}_rate": [1, 2, 3]}, "t"),
        lambda text: plots.confusion(np.eye(2, dtype=int), [text, "b"], text, caption=text),
        lambda text: plots.reliability(
            confidence_bins(np.array([0.5]), np.array([True])), 0.1, caption=text
        ),
        lambda text: plots.errors(
            np.zeros((1, 28, 28)), [text], [text], [0.5], indices=[1], caption=text
        ),
        lambda text: plots.pictures([(np.zeros((1, 28, 28)), [text])], text, labels=[text]),
        lambda text: plots.schedules({text: [0, 1], "b": [0, 1]}, overlay=True),
    ],
)
def test_whatever_a_user_wrote_is_drawn(make):
    """As text, be it a formula, markup, without a glyph, or too long for its place."""
    text = "_$x^2$ \\frac{ <b>&amp; \u6ce8\u610f" + "x" * 300
    assert figures.draw(lambda: make(text), dpi=30).startswith(b"\x89PNG")
