"""The table of results and the cards of the recipes: what is measured, and what pages say of it."""

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_rows import ROWS

import fashion_zoo
from fashion_zoo import registry
from fashion_zoo.config import digest
from fashion_zoo.config.overrides import override
from fashion_zoo.evaluation import cost, sampled_interval
from fashion_zoo.experiments import Measured, page as pages
from fashion_zoo.machine import environment
from recipes import experiment
from recipes.experiments import accuracy
from recipes.experiments.accuracy.measuring import figures

ROOT = Path(__file__).parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the pages that the experiment fills, in which it runs."""
    monkeypatch.chdir(tmp_path)
    Path("docs/commands").mkdir(parents=True)
    for name in ("results.md", "mnist.csv", "commands/verify.md"):
        shutil.copy(ROOT / "docs" / name, Path("docs") / name)
    Path("README.md").write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    own = dataclasses.replace(accuracy.EXPERIMENT, file=tmp_path / "results.csv")
    monkeypatch.setattr(accuracy, "EXPERIMENT", own)
    return tmp_path


@pytest.fixture
def audits(monkeypatch):
    """The images of which an audit was made; it suspects the first two test images."""

    def audit(data, to):
        made.append(data)
        to.mkdir()
        digest = fashion_zoo.data.load(data).test_digest
        (to / "audit.json").write_text(json.dumps({"test_digest": digest, "source": "f"}))
        for word in ("blank", "duplicates", "near_duplicates", "inverted", "label_errors"):
            (to / f"test_{word}.txt").write_text("0\n1\n" if word == "label_errors" else "")

    made = []
    monkeypatch.setattr("recipes.experiments.accuracy.measuring.audit", audit)
    return made


def cells(text, name):
    """The cells behind the name in the rows of a recipe, of all tables of a page."""
    rows = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for row in rows for cell in row.split("|")[2:-1]]


def test_every_published_row_is_of_the_defaults_of_today():
    for name, found in fashion_zoo.read_results().items():
        entry = registry.recipe(name)
        known = {digest.of(entry.config)}
        assert set(found.values("config")) == known, f"measure {name} again, or remove its rows"
        assert set(found.values("parameters")) == {entry.parameters}


def test_the_page_of_results_shows_the_figures_of_the_rows(place):
    pages.write_rows(place / "results.csv", ROWS)
    assert experiment.main(["accuracy", "--no-measure", "--seeds", "3"]) == 0
    whole = Path("docs/results.md").read_text()
    assert cells(whole, "[`bn_mlp`](recipes/bn_mlp.md)") == [
        "91.00 ± 1.00 % (88.11 to 93.24)", "92.00 ± 1.00 % (89.06 to 94.20)",
        "92.00 ± 1.00 % (88.99 to 94.24)", "70.00 % (67.09 to 72.76), Shirt",
        "0.2500 (0.2500 to 0.2500)", "0.1250 (0.1250 to 0.1250)", "0.0300 (0.0300 to 0.0300)",
        "1.50 (1.50 to 1.50)", "0.2400 (0.2400 to 0.2400)", "0.1200 (0.1200 to 0.1200)",
        "0.0100 (0.0100 to 0.0100)", "576,010", "574,080", "0.51", "4.25", "20",
    ]  # fmt: skip
    assert cells(Path("README.md").read_text(), "`bn_mlp`") == [
        "576,010", "92.00 ± 1.00 % (88.99 to 94.24)", "91.00 ± 1.00 % (88.11 to 93.24)", "20",
    ]  # fmt: skip
    said = (
        "they and milliseconds are the median over the seeds. Of a row of one core, another core "
        "may have been busy: its times may be too long. a CPU, 2 cores, commit aaaaaaaaaaaa."
    )
    assert f"Seconds are of one training in float32; {said}" in whole
    assert (
        "in float32, the median over the seeds. Of a row of one core, another core may have been"
        in Path("README.md").read_text()
    )
    verified = cells(Path("docs/commands/verify.md").read_text(), "`bn_mlp`")
    assert verified == ["1.00", "20", "2.60", "6 %"]
    others = [f"`{name}`" for name in fashion_zoo.list_recipes() if name != "bn_mlp"]
    for page in (whole, Path("README.md").read_text()):
        assert f". Not measured yet: {' and '.join(others)}.\n" in page


def test_a_figure_that_older_rows_lack_has_an_empty_cell(place):
    older = [{name: one for name, one in row.items() if name != "ece"} for row in ROWS]
    older[0]["multiply_adds"] = None  # of a model with a layer whose cost is not known
    just_measured = Measured(accuracy.EXPERIMENT, older)
    assert just_measured.rows_of(accuracy.TABLES["cost"]).endswith(
        "| 576,010 | | 0.51 | 4.25 | 20 |"
    )
    pages.write_rows(place / "results.csv", older)
    assert experiment.main(["accuracy", "--no-measure"]) == 0
    found = cells(Path("docs/results.md").read_text(), "[`bn_mlp`](recipes/bn_mlp.md)")
    assert (found[6], found[12], found.count("")) == ("", "", 2)


def test_a_card_says_what_a_recipe_is_what_it_reaches_and_where_that_ends(place):
    pages.write_rows(place / "results.csv", ROWS)
    assert experiment.main(["accuracy", "--no-measure"]) == 0
    card = Path("docs/recipes/bn_mlp.md").read_text()
    assert card.startswith(
        f"# `bn_mlp`\n\n<!-- card:begin -->\n\n{registry.recipe('bn_mlp').summary}"
    )
    assert "](../recipes.md#bn_mlp). Reference: Ioffe & Szegedy 2015, arXiv:1502.03167." in card
    assert "```bash\npython -m recipes.train bn_mlp\n```" in card
    assert "| ms for 1,000 images | 4.25 |" in card
    assert "| test accuracy | 91.00 ± 1.00 % (88.11 to 93.24) |" in card
    assert (
        "Measured on fashion_mnist: 5,000 images for validation and 10,000 for the test. "
        "Defaults that were chosen by measuring were chosen by the validation images, so the "
        "accuracy on these may be too high. The class that it recognizes worst is Shirt: recall "
        "70.00 % (67.09 to 72.76). 48 test images, 0.48 %, are suspected: their labels may be "
        "wrong, or they are blank, inverted or nearly copies of other images. The audit that lists "
        "them was made for these trainings; that of [its page](../audit_of_fashion_mnist.md) "
        "trained models of its own, which may suspect a few others. With fewer images its test "
        "accuracy is "
    ) in card
    assert "## Pictures" not in card
    assert "Not measured yet" not in card
    assert [one.name for one in Path("docs/recipes").iterdir()] == ["bn_mlp.md"]


def test_a_card_says_of_each_interval_whether_it_holds_the_choice_of_the_images(place):
    pages.write_rows(place / "results.csv", ROWS)
    assert experiment.main(["accuracy", "--no-measure"]) == 0
    card = Path("docs/recipes/bn_mlp.md").read_text()
    said = (
        "with a 95 % interval in brackets that holds both the choice of the seeds and that of the "
        "images. Intervals of NLL, Brier score, ECE and temperature hold the choice of the seeds "
        "alone. "
    )
    assert said in card
    assert said in Path("docs/results.md").read_text()
    for title in ("MNIST", "Fashion-MNIST"):  # 1,000 test images of each
        arm = [
            row
            for row in pages.read_rows(Path("docs/mnist.csv"))
            if row["arm"] == f"bn_mlp, {title}"
        ]
        low, high = sampled_interval([row["test_accuracy"] for row in arm], 1000)
        assert f" % ({100 * low:.2f} to {100 * high:.2f}) on {title}" in card


def test_a_training_that_diverged_is_no_row_of_the_results(tmp_path):
    lost = {"arm": "bn_mlp", "seed": 9, "loss_diverged": 1, "machine": "a CPU"}
    pages.write_rows(tmp_path / "results.csv", [*ROWS, lost])
    found = fashion_zoo.read_results(tmp_path / "results.csv")
    assert 9 not in found["bn_mlp"].values("seed")


def test_the_figures_of_a_run_are_those_of_its_evaluation(trained, tmp_path, audits):
    folder = tmp_path / "bn_mlp-0"
    shutil.copytree(trained.run.path, folder)
    run = fashion_zoo.open_run(folder)
    found, evaluated = figures(run), run.result("evaluation")
    for name in ("nll", "brier", "ece"):
        assert found[name] == pytest.approx(evaluated[name])
    assert found["scaled_nll"] < found["nll"]
    assert found["worst_recall"] == evaluated["worst_recall"]["value"]
    assert found["worst_class"] == evaluated["worst_recall"]["class"]
    again = fashion_zoo.evaluate(run, suspects=tmp_path / "audit", progress=False)
    assert again["without_suspects"]["accuracy"]["value"] == found["accuracy_without_suspects"]
    assert (found["suspects"], found["images_without_suspects"]) == (2, 9998)
    assert (found["validation_images"], found["test_images"]) == (5000, 10_000)
    data = fashion_zoo.data.load(run.config.data)
    assert found["data"] == f"sha256:{data.digest[:12]}"
    assert found["test_data"] == f"sha256:{data.test_digest[:12]}"
    assert found["multiply_adds"] == 784 * 32 + 32 * 16 + 16 * 10
    assert found["parameters"] == cost.parameters(run.load_model())
    assert 0 < found["ms_1"] < found["ms_1000"]
    assert figures(run) == found  # kept, the latency too
    assert [data.limit for data in audits] == [None]


def test_multiplications_are_those_of_the_dense_layers():
    inputs = keras.Input((3, 4))
    dense = keras.Model(inputs, keras.layers.Dense(5)(inputs))
    assert cost.multiply_adds(dense) == 3 * 4 * 5
    flat = keras.layers.Dense(7)(keras.layers.Flatten()(dense(inputs)))
    assert cost.multiply_adds(keras.Model(inputs, flat)) == 3 * 4 * 5 + 15 * 7
    convolved = keras.layers.Conv1D(2, 2)(inputs)
    assert cost.multiply_adds(keras.Model(inputs, convolved)) is None


def test_a_batch_has_as_many_images_as_asked_in_the_shape_of_the_model():
    images = np.arange(8, dtype="uint8").reshape(2, 2, 2)
    found = cost.batch(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]), images, 3)
    assert found.dtype == "float32"
    assert found.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]]


@pytest.mark.slow
def test_one_recipe_is_measured_alone_by_the_command_and_keeps_its_commit(
    place, audits, monkeypatch
):
    registry.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    entry = registry.recipe("bn_mlp")
    tiny = {
        "model": {"hidden_units": (8,)}, "data": {"limit": 400},
        "training": {"epochs": 1, "batch_size": 50},
    }  # fmt: skip
    for name in ("tiny_a", "tiny_b"):
        registry._recipes[name] = dataclasses.replace(
            entry, name=name, config=override(entry.config, tiny)
        )
    for name, commit in (("tiny_a", "a" * 40), ("tiny_b", "b" * 40)):
        monkeypatch.setattr(environment, "commit", lambda commit=commit: commit)
        assert experiment.main(["accuracy", "--only", name, "--seeds", "2"]) == 0
    rows = pages.read_rows(place / "results.csv")
    assert [(row["arm"], row["seed"], row["commit"][0]) for row in rows] == [
        ("tiny_a", 0, "a"), ("tiny_a", 1, "a"), ("tiny_b", 0, "b"), ("tiny_b", 1, "b"),
    ]  # fmt: skip
    assert set(ROWS[0]) <= set(rows[0])
    card = Path("docs/recipes/tiny_b.md").read_text()
    assert "commit bbbbbbbbbbbb." in card
    assert card.count("](../pictures/cards/tiny_b-") == 4
    assert len(list(Path("docs/pictures/cards").iterdir())) == 8
    assert "" not in cells(Path("docs/results.md").read_text(), "[`tiny_a`](recipes/tiny_a.md)")
    text = Path("README.md").read_text()
    assert "commit aaaaaaaaaaaa; `tiny_b` " in text
    before = {file: file.read_bytes() for file in Path("docs").rglob("*.*")}
    assert experiment.main(["accuracy", "--no-measure", "--seeds", "2"]) == 0
    assert {file: file.read_bytes() for file in Path("docs").rglob("*.*")} == before
    assert len(audits) == 1
