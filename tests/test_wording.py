"""What is shown to a person: percent, points, counts."""

import re
from pathlib import Path

import pytest
from keras_tuner.engine.trial import Trial

import fashion_zoo
from fashion_zoo.experiments import Claim
from fashion_zoo.language import wording
from fashion_zoo.tuning.tuner import _line

SHOWN = [
    *(Path(fashion_zoo.__file__).parent / "show").glob("*.py"),
    *(Path(fashion_zoo.__file__).parent / "tuning").glob("*.py"),
    *(Path(fashion_zoo.__file__).parent.parent / "recipes").glob("*.py"),
]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (wording.percent(0.91314), "91.31 %"),
        (wording.points(-0.00131), "-0.13"),
        (wording.counted(1, "epoch"), "1 epoch"),
        (wording.counted(5000, "image"), "5,000 images"),
        (wording.cost("parameters", 1206538.0), "1,206,538 parameters"),
        (wording.cost("latency", 4.54), "4.5 ms"),
    ],
)
def test_a_number_reads_well(said, wanted):
    assert said == wanted


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_no_accuracy_is_shown_as_a_fraction(path):
    """Four digits behind the point are for losses; what is a share of images is in percent."""
    for line in path.read_text(encoding="utf-8").splitlines():
        for name in re.findall(r"\{([^{}]*?):[+]?\.[34]f\}", line):
            assert re.search("loss|nll|brier|weight|temperature", name), line.strip()


@pytest.mark.parametrize(("epochs", "said"), [(1, "1 epoch"), (2, "2 epochs")])
def test_the_line_of_a_trial_counts_its_epochs(epochs, said):
    trial = Trial(None, trial_id="3")
    trial.metrics.register("val_accuracy", "max")
    for epoch in range(epochs):
        trial.metrics.update("val_accuracy", 0.91, step=epoch)
    trial.score = 0.91
    assert _line(trial, "val_accuracy", False) == f"trial 3: 91.00 % after {said}"


@pytest.mark.parametrize(
    ("metric", "words", "found"),
    [
        ("seconds", "seconds of `a` are lower than those", "are 2.00 points lower than those"),
        ("epochs_to_level", "epochs to level of `a` are lower", "points lower than those of `b`"),
        ("number_of_epochs", "number of epochs of `a` is lower", "points lower than that of `b`"),
        ("validation_loss", "validation loss of `a` is lower", "is 2.00 points lower than that"),
    ],
)
def test_a_sentence_agrees_with_its_metric_in_number(metric, words, found):
    claim = Claim("a", "b", metric, "lower")
    assert f"The {words}" in claim.words("b")
    assert found in claim.found(-0.02, "b")
    assert Claim("a", "b", "seconds").found(0.0, "b") == "seconds of `a` equal those of `b`"
