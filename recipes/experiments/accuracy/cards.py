"""The card of a recipe: what it is, what it reaches, its published weights, limits and pictures."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import Call, Hint, RunError
from fashion_zoo.experiments import Arm, Measured, columns, page as pages
from fashion_zoo.experiments.experiment import Column
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.registry import Recipe, recipe
from fashion_zoo.runs import open_run
from fashion_zoo.weights import FOLDER, Published
from fashion_zoo.weights.manifest import read_manifest
from recipes.experiments import mnist

SEED = 0  # of the run whose pictures a card shows
PICTURES = {
    "curves": "Training curves",
    "confusion": "Confusion matrix",
    "reliability": "Confidence against accuracy",
    "errors": "Mistakes with the highest confidence",
}
_QUALITY, _WIDTH = 80, 1000  # of a WebP picture; pixels


def files(
    measured: Measured, arm: Arm, own: Sequence[Column], note: str, docs: Path, folder: Path
) -> dict[Path, str | bytes]:
    """Return the files of a card: the page, and the pictures of a run where it is there.

    Args:
        measured: the results of all recipes.
        arm: that of the recipe.
        own: the columns of which the card shows the cells.
        note: what stands below them, as a note of an experiment.
        docs: the folder of the docs; pictures that are there already are shown.
        folder: the folder of the runs.
    """
    rows = measured.by_arm[arm.name]
    places = {name: docs / "pictures" / "cards" / f"{arm.name}-{name}.webp" for name in PICTURES}
    drawn = pictures(arm.run_dir(folder, SEED), rows.get(SEED, {}))
    found: dict[Path, str | bytes] = {places[name]: data for name, data in drawn.items()}
    shown = [name for name, place in places.items() if name in drawn or place.exists()]
    alone = Measured(measured.experiment, rows.values())
    text = page(recipe(arm.recipe), alone, own, alone.note(note), shown, docs)
    return {docs / "recipes" / f"{arm.name}.md": text, **found}


def page(
    entry: Recipe,
    measured: Measured,
    own: Sequence[Column],
    note: str,
    shown: Sequence[str],
    docs: Path,
) -> str:
    """Return the card of a recipe in Markdown; ``shown`` are names of pictures."""
    name = entry.name
    lines = [[column.header, column.cell(measured, name)] for column in own]
    found = [row for row in read_manifest(FOLDER) if row.recipe == name]
    images = [
        f"![{PICTURES[one]} of {name}, seed {SEED}](../pictures/cards/{name}-{one}.webp)"
        for one in shown
    ]
    parts = [
        f"# `{name}`",
        "<!-- card:begin -->",
        entry.summary,
        f"[What it does, and why](../recipes.md#{name.replace('.', '')}). "
        f"Reference: {entry.reference or 'none'}.",
        f"```bash\npython -m recipes.train {name}\n```",
        "## What it reaches",
        pages.table(["figure", "value"], lines, ["value"]),
        f"{note} [How each is measured](../results.md).",
        "## Published weights",
        *([text for row in found for text in weights(row)] or ["None are published."]),
        "## Limits",
        limits(entry, measured, docs),
        *(["## Pictures", *images] if images else []),
        "<!-- card:end -->",
    ]
    return "\n\n".join(parts) + "\n"


def weights(row: Published) -> list[str]:
    """Return what a card says of published weights, and how they are loaded."""
    parts = {"validation": row.validation, "test": row.test}
    reached = [
        f"{one.right:,} of {one.images:,} {part} images right ({percent(one.accuracy)}, NLL "
        f"{one.nll:.4f})"
        for part, one in parts.items()
    ]
    # The precision of a recipe may be another one, in which a few images are decided otherwise.
    settings = (Hint("weights", row.weights), Hint("precision", "float32"))
    load = Call("get", (row.recipe,), settings)
    otherwise = [f"Trained with\n\n```python\nimport fashion_zoo\n\n{row.command}\n```"]
    return [
        f"Those of seed {row.seed}, {row.dtype}, {row.size / 2**20:.1f} MiB: "
        f"{' and '.join(reached)}, computed in float32.",
        f"```python\nimport fashion_zoo\n\nmodel = {load}\n```",
        *(otherwise if row.config != row.defaults else []),
    ]


def limits(entry: Recipe, measured: Measured, docs: Path) -> str:
    """Return the limits of the figures, in sentences made of the rows."""
    name, row = entry.name, measured.rows[0]
    said = [
        f"Measured on {entry.config.data.title}: {counted(row['validation_images'], 'image')} for "
        f"validation and {row['test_images']:,} for the test. Defaults that were chosen by "
        "measuring were chosen by the validation images, so the accuracy on these may be too high."
    ]
    if measured.has(name, "worst_recall"):
        recall = columns.percent(measured.values(name, "worst_recall"))
        said.append(
            f"The class that it recognizes worst is {worst_class(measured, name)}: recall {recall}."
        )
    if measured.has(name, "suspects"):
        share = row["suspects"] / row["test_images"]
        said.append(
            f"An [audit](../audit_of_fashion_mnist.md) suspects {percent(share)} of the test "
            "images: their labels may be wrong, or they are blank, inverted or nearly copies of "
            "other images."
        )
    said.append(others(name, docs))
    return " ".join(said)


def worst_class(measured: Measured, arm: str) -> str:
    """Return the class with the smallest recall in most seeds."""
    classes = [str(one) for one in measured.values(arm, "worst_class")]
    return max(dict.fromkeys(classes), key=classes.count)


def others(name: str, docs: Path) -> str:
    """Return what is known of a recipe on other images."""
    file = docs / Path(mnist.EXPERIMENT.page).name
    rows = Measured(mnist.EXPERIMENT, pages.read_rows(file.with_suffix(".csv")))
    titles = {
        arm.name.split(", ")[1]: rows.values(arm.name, "test_accuracy")
        for arm in rows.arms
        if arm.recipe == name and arm.name in rows.by_arm
    }
    if not titles:
        return "On other images it was not measured."
    images = round(mnist.COUNT * mnist.SHARES["test"])
    reached = [
        f"{columns.percent(values, images=images)} on {title}" for title, values in titles.items()
    ]
    return (
        f"With fewer images its test accuracy is {' and '.join(reached)} "
        "([MNIST beside Fashion-MNIST](../mnist.md))."
    )


def pictures(run_dir: Path, row: dict[str, Any]) -> dict[str, bytes]:
    """Return name to WebP of the pictures of the run of a row; none if another run is there."""
    try:
        run = open_run(run_dir)
        evaluation = run.result("evaluation") or {}
    except RunError:
        return {}
    if evaluation.get("accuracy", {}).get("value") != row.get("test_accuracy"):
        return {}
    files = {name: run.path / f"{name}.png" for name in PICTURES}
    return {name: webp(file) for name, file in files.items() if file.is_file()}


def webp(picture: Path) -> bytes:
    """Return a picture as WebP, which takes a fifth of the bytes."""
    from PIL import Image

    data = io.BytesIO()
    with Image.open(picture) as image:
        image.thumbnail((_WIDTH, _WIDTH * 4))
        image.convert("RGB").save(data, "WEBP", quality=_QUALITY, method=6)
    return data.getvalue()
