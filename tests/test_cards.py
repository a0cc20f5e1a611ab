"""The cards of recipes: their class, their weights, their pictures."""

import ast
import dataclasses
from pathlib import Path

from PIL import Image
from recipe_rows import ROW, ROWS

import fashion_zoo
from fashion_zoo import registry
from fashion_zoo.config import digest
from fashion_zoo.config.overrides import override
from fashion_zoo.experiments import Measured, page as pages
from recipes.experiments import accuracy, distillation
from recipes.experiments.accuracy import cards, own_class, published

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CONV = "conv_start_mlp"


def card(name, rows):
    own = [column for columns in accuracy.TABLES.values() for column in columns]
    measured = Measured(accuracy.EXPERIMENT, rows)
    return cards.page(registry.recipe(name), measured, own, "note", [], DOCS)


def of(arm, *accuracies):
    """Rows of a recipe with these test accuracies."""
    own = {"validation_accuracy": 0.9, "accuracy_without_suspects": 0.9, "seconds": 1.0,
           "worst_recall": 0.7, "worst_class": "Shirt"}  # fmt: skip
    return [
        {"arm": arm, "seed": seed, **ROW, **own, "test_accuracy": reached}
        for seed, reached in enumerate(accuracies)
    ]


def test_a_recipe_in_a_class_of_its_own_is_marked_beside_others():
    rows = [*of(CONV, 0.91, 0.92), *of("bn_mlp.large", 0.9, 0.91)]
    table = Measured(accuracy.EXPERIMENT, rows).rows_of(accuracy.EXPERIMENT.columns)
    assert f"\n| `{CONV}` (first kernel begins as a convolution) |" in table
    assert "\n| `bn_mlp.large` |" in table
    said = "It is in a class of its own: its first kernel begins as a convolution"
    assert said in card(CONV, rows)
    assert "in a class of its own" not in card("bn_mlp.large", rows)


def test_its_card_tests_it_against_plain_ones_that_have_rows():
    large = of("bn_mlp.large", 0.900, 0.901, 0.902)
    text = card(CONV, [*of(CONV, 0.910, 0.9111, 0.912), *large])
    (line,) = [one for one in text.splitlines() if one.startswith("- ")]
    assert line.startswith(f"- `{CONV}` is better than `bn_mlp.large`, which has the same training")
    assert "Holds here: test accuracy" in line
    assert "1.00 points higher than that of `bn_mlp.large`" in line
    assert "## Beside plain perceptrons" not in card(CONV, of(CONV, 0.91, 0.92))
    assert "## Beside plain perceptrons" not in card("bn_mlp.large", large)


def test_what_the_claims_say_of_the_recipes_is_so():
    large, strongest = ("bn_mlp.large", "bn_mlp.strongest")
    assert [claim.named for claim in own_class.CLAIMS] == [[CONV, large], [CONV, strongest]]
    own, large, strongest = (registry.recipe(name) for name in (CONV, large, strongest))
    assert own.config.training == large.config.training
    assert own.config.model.hidden_units[0] > large.config.model.hidden_units[0]
    assert own.config.model.hidden_units[1:] == large.config.model.hidden_units[1:]
    assert 0.95 * own.parameters < strongest.parameters < own.parameters
    assert strongest.config.model.dropout > own.config.model.dropout
    assert strongest.config.training.epochs > own.config.training.epochs


def test_a_recipe_that_was_chosen_names_the_page_of_what_was_tried():
    text = card("bn_mlp.tiny", of("bn_mlp.tiny", 0.9, 0.91))
    assert "[What was tried](../choosing-tiny.md). Reference: " in text
    assert "What was tried" not in card("bn_mlp", ROWS)


def test_the_interval_of_a_recall_counts_the_images_only_if_the_rows_are_of_them():
    measured = Measured(accuracy.EXPERIMENT, ROWS)
    assert cards.worst_class(measured, "bn_mlp") == ("Shirt", "70.00 % (67.09 to 72.76)")
    others = [{**row, "test_data": "sha256:others"} for row in ROWS]
    measured = Measured(accuracy.EXPERIMENT, others)
    assert cards.worst_class(measured, "bn_mlp") == ("Shirt", "70.00 % (70.00 to 70.00)")


def test_distilled_weights_have_the_figures_of_all_trainings_like_theirs():
    rows = Measured(distillation.EXPERIMENT, pages.read_rows(DOCS / "distillation.csv"))
    table = (DOCS / "distillation.md").read_text("utf-8")
    found = {one.recipe: one for one in fashion_zoo.weights.list_weights() if "." in one.weights}
    assert set(found) == set(published.STUDENTS)
    for name, arm in published.STUDENTS.items():
        row = found[name]
        (text,) = published.over_seeds(row, DOCS)
        reached, _, rest = text.partition(" reach ")[2].partition(" on the test images: ")
        assert f"| {reached} | {rest.partition(' points against')[0]} |" in table
        # The call that trains the published weights has the settings of the arm.
        call = ast.parse(row.command.splitlines()[-1]).body[0].value
        changes = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
        del changes["training"]["distillation"]["teacher"]
        config = override(registry.recipe(name).config, changes)
        assert {digest.of(config)} == set(rows.values(arm, "config"))
        assert abs(row.test.accuracy - rows.by_seed(arm, "test_accuracy")[row.seed]) < 0.001
        assert published.over_seeds(row, ROOT) == []  # without rows


def test_a_card_says_why_there_are_no_weights_and_how_to_make_some():
    why, commands = published.none(registry.recipe(CONV), taken=27_900_000)
    assert why == (
        "None are published. All files of weights in this package take at most 28 MB together. "
        "Those of the other recipes take 27.9 MB, and those of this one would take 7.8 MB more. "
        "This trains and publishes [some of your own](../weights.md#publishing):"
    )
    assert f"python -m recipes.publish runs/{CONV} --to published" in commands
    why, _ = published.none(registry.recipe(CONV), taken=0)
    assert why.startswith("None are published. This trains and publishes [some")


def test_a_card_names_the_published_weights_and_their_figures():
    rows = [one for one in fashion_zoo.weights.list_weights() if one.recipe == "bn_mlp"]
    row, distilled = sorted(rows, key=lambda one: one.weights)
    text = cards.page(
        registry.recipe("bn_mlp"), Measured(accuracy.EXPERIMENT, ROWS), [], "note", [], ROOT
    )
    assert f"{row.test.right:,} of 10,000 test images right" in text
    assert f"NLL {row.test.nll:.4f}" in text
    for one in (row, distilled):  # in the precision of the figures, whatever that of the recipe
        given = f'"bn_mlp", weights="{one.weights}", precision="float32"'
        assert f"model = fashion_zoo.get({given})" in text
    assert row.command not in text.splitlines()
    assert f"Trained with\n\n```python\nimport fashion_zoo\n\n{distilled.command}\n```" in text
    (*_, said) = published.weights(dataclasses.replace(row, config="1-of a student"), ROOT)
    assert said == f"Trained with\n\n```python\nimport fashion_zoo\n\n{row.command}\n```"
    unpublished = dataclasses.replace(registry.recipe("bn_mlp"), name="bn_mlp.unpublished")
    rows = [{**row, "arm": "bn_mlp.unpublished"} for row in ROWS]
    named = dataclasses.replace(
        accuracy.EXPERIMENT, arms=[fashion_zoo.experiments.Arm("bn_mlp.unpublished", "bn_mlp")]
    )
    text = cards.page(unpublished, Measured(named, rows), [], "note", ["curves"], ROOT / "docs")
    assert "## Published weights\n\nNone are published. " in text
    assert "On other images it was not measured." in text
    assert "(../pictures/cards/bn_mlp.unpublished-curves.webp)" in text


def test_pictures_are_those_of_the_run_of_the_row_and_of_no_other(trained):
    reached = trained.run.result("evaluation")["accuracy"]["value"]
    found = cards.pictures(trained.run.path, {"test_accuracy": reached})
    assert list(found) == ["curves", "confusion", "reliability", "errors"]
    for name, data in found.items():
        assert data[:4] + data[8:12] == b"RIFFWEBP"
        assert len(data) < (trained.run.path / f"{name}.png").stat().st_size
    assert cards.pictures(trained.run.path, {"test_accuracy": reached + 1e-4}) == {}
    assert cards.pictures(trained.run.path / "none", {}) == {}


def test_a_picture_is_not_wider_than_a_page(tmp_path):
    Image.new("RGBA", (3000, 600)).save(tmp_path / "a.png")
    (tmp_path / "a.webp").write_bytes(cards.webp(tmp_path / "a.png"))
    with Image.open(tmp_path / "a.webp") as image:
        assert image.size == (1000, 200)
