"""What a card says of the published weights of a recipe, or why there are none."""

from collections.abc import Mapping
from pathlib import Path

from fashion_zoo.errors import Call, Hint
from fashion_zoo.experiments import Measured, columns, page as pages
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.registry import Recipe
from fashion_zoo.weights import FOLDER, Published
from fashion_zoo.weights.manifest import read_manifest
from recipes.experiments import distillation

MOST = 28_000_000
"""Bytes that all files of published weights of this package may take together."""
DISTILLED = "fashion_mnist.distilled"
STUDENTS: Mapping[str, str] = {
    "bn_mlp": "bn_mlp, bn_mlp.large, T=2",
    "bn_mlp.strongest": "bn_mlp.strongest, bn_mlp.strongest + conv_teacher",
}
"""Recipe to the arm of the experiment ``distillation`` whose weights are published as distilled."""


def section(entry: Recipe, docs: Path) -> list[str]:
    """Return the paragraphs of a card on the published weights of a recipe."""
    rows = read_manifest(FOLDER)
    found = [row for row in rows if row.recipe == entry.name]
    if not found:
        return none(entry, sum(row.size for row in rows))
    which = (
        "Figures here are those of the files as they are, computed in float32; those of the table "
        "above are of the trainings, in their own precision."
    )
    return [which, *(text for row in found for text in weights(row, docs))]


def weights(row: Published, docs: Path) -> list[str]:
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
        f"{' and '.join(reached)}.",
        f"```python\nimport fashion_zoo\n\nmodel = {load}\n```",
        *(otherwise if row.config != row.defaults else []),
        *over_seeds(row, docs),
    ]


def over_seeds(row: Published, docs: Path) -> list[str]:
    """Return what trainings like that of distilled weights reach, beside their twins."""
    file = docs / Path(distillation.EXPERIMENT.page).name
    measured = Measured(distillation.EXPERIMENT, pages.read_rows(file.with_suffix(".csv")))
    arm = STUDENTS.get(row.recipe, "")
    if row.weights != DISTILLED or arm not in measured.by_arm:
        return []
    values = measured.values(arm, "test_accuracy")
    against = columns.difference(measured, arm, distillation.TWINS[arm], "test_accuracy")
    twin = f": {against} points against their twins without a teacher, paired by seed"
    return [
        f"{counted(len(values), 'such training')} reach {columns.percent(values, spread=True)} "
        f"on the test images{twin if against else ''}. The intervals are of the seeds alone; "
        f"[the table of students](../{file.name}#what-it-is-worth) has more."
    ]


def none(entry: Recipe, taken: int) -> list[str]:
    """Return why a recipe has no published weights, and the commands that make some.

    ``taken`` is the number of bytes that the files of the others take.
    """
    needed = 2 * entry.parameters  # in float16
    why = (
        f"All files of weights in this package take at most {MOST / 1e6:.0f} MB together. Those of "
        f"the other recipes take {taken / 1e6:.1f} MB, and those of this one would take "
        f"{needed / 1e6:.1f} MB more. "
    )
    return [
        f"None are published. {why if taken + needed > MOST else ''}This trains and publishes "
        "[some of your own](../weights.md#publishing):",
        f"```bash\npython -m recipes.train {entry.name} --run-dir runs/{entry.name}\n"
        f"python -m recipes.publish runs/{entry.name} --to published\n```",
    ]
