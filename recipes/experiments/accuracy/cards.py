"""The card of a recipe: what it is, what it reaches, its published weights, limits and pictures."""

import contextlib
import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.config import DataConfig
from fashion_zoo.data import load
from fashion_zoo.errors import DataError, RunError
from fashion_zoo.experiments import Arm, Measured, columns, page as pages
from fashion_zoo.experiments.experiment import Column
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.registry import Recipe, recipe
from fashion_zoo.runs import open_run
from recipes.experiments import mnist
from recipes.experiments.accuracy import choices, own_class, published
from recipes.experiments.accuracy.measuring import short

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
    text = page(recipe(arm.recipe), measured, own, alone.note(note), shown, docs)
    return {docs / "recipes" / f"{arm.name}.md": text, **found}


def page(
    entry: Recipe,
    measured: Measured,
    own: Sequence[Column],
    note: str,
    shown: Sequence[str],
    docs: Path,
) -> str:
    """Return the card of a recipe in Markdown.

    ``measured`` has the results of all recipes, ``note`` is below the figures of this one, and
    ``shown`` are names of pictures.
    """
    name = entry.name
    lines = [[column.header, column.cell(measured, name)] for column in own]
    tried = choices.CHOSEN.get(name)
    images = [
        f"![{PICTURES[one]} of {name}, seed {SEED}](../pictures/cards/{name}-{one}.webp)"
        for one in shown
    ]
    parts = [
        f"# `{name}`",
        "<!-- card:begin -->",
        entry.summary,
        *own_class.label(entry),
        f"[What it does, and why](../recipes.md#{name.replace('.', '')}). "
        + (f"[What was tried](../{Path(tried.page).name}). " if tried else "")
        + f"Reference: {entry.reference or 'none'}.",
        f"```bash\npython -m recipes.train {name}\n```",
        "## What it reaches",
        pages.table(["figure", "value"], lines, ["value"]),
        f"{note} [How each is measured](../results.md).",
        *own_class.compared(name, measured),
        "## Published weights",
        *published.section(entry, docs),
        "## Limits",
        limits(entry, measured, docs),
        *(["## Pictures", *images] if images else []),
        "<!-- card:end -->",
    ]
    return "\n\n".join(parts) + "\n"


def limits(entry: Recipe, measured: Measured, docs: Path) -> str:
    """Return the limits of the figures, in sentences made of the rows."""
    name = entry.name
    row, *_ = measured.by_arm[name].values()
    said = [
        f"Measured on {entry.config.data.title}: {counted(row['validation_images'], 'image')} for "
        f"validation and {row['test_images']:,} for the test. Defaults that were chosen by "
        "measuring were chosen by the validation images, so the accuracy on these may be too high."
    ]
    if measured.has(name, "worst_recall"):
        worst, recall = worst_class(measured, name)
        said.append(f"The class that it recognizes worst is {worst}: recall {recall}.")
    if measured.has(name, "suspects"):
        some = counted(row["suspects"], "test image")
        said.append(
            f"{some}, {percent(row['suspects'] / row['test_images'])}, are suspected: their labels "
            "may be wrong, or they are blank, inverted or nearly copies of other images. The audit "
            "that lists them was made for these trainings; that of "
            "[its page](../audit_of_fashion_mnist.md) trained models of its own, which may suspect "
            "a few others."
        )
    said.append(others(name, docs))
    return " ".join(said)


def worst_class(measured: Measured, arm: str) -> tuple[str, str]:
    """Return the class with the smallest recall in most seeds, and the mean of the smallest recall.

    Its interval holds the choice of the test images of this class as well, unless the rows are of
    other images than those that the recipe names.
    """
    classes = [str(one) for one in measured.values(arm, "worst_class")]
    worst = max(dict.fromkeys(classes), key=classes.count)
    (entry,) = (recipe(one.recipe) for one in measured.arms if one.name == arm)
    images = None
    with contextlib.suppress(DataError):  # images that are not on this machine
        digest, sizes = _tested(entry.config.data)
        images = sizes[worst] if set(measured.values(arm, "test_data")) == {digest} else None
    return worst, columns.percent(measured.values(arm, "worst_recall"), images=images)


@functools.cache
def _tested(settings: DataConfig) -> tuple[str, dict[str, int]]:
    """Return the digest of the test images as rows have it, and how many each class has."""
    data = load(settings)
    labels = data.test.labels.tolist()
    sizes = {name: labels.count(place) for place, name in enumerate(data.class_names)}
    return short(data.test_digest), sizes


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
