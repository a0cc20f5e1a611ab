"""The ranks of training images of Fashion-MNIST that others found to be mislabelled."""

import functools
import statistics
import tempfile
from pathlib import Path
from typing import Any

from fashion_zoo.auditing import audit
from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Experiment, Measured, Quick, columns, page

NAMED = (45592, 16691, 28264, 33982, 40513, 42018)
"""Training images named in https://github.com/zalandoresearch/fashion-mnist/issues/166, from
Mueller & Markert 2019, arXiv:1912.05283."""


@functools.lru_cache(maxsize=1)
def ranks(seed: int, dataset: Dataset) -> dict[int, dict[str, Any]]:
    """Return rank and likeliest class of each named image; rank 1 has the least likely label."""
    with tempfile.TemporaryDirectory() as folder:
        found = audit(dataset, to=f"{folder}/audit", seed=seed, progress=False)
        rows = page.read_rows(Path(folder, "audit", "scores.csv"))
    listed = set(found["lists"]["label_errors"]["train"])
    learned = [row for row in rows if row["part"] in ("train", "validation")]
    order = sorted(learned, key=lambda row: row["self_confidence"])
    return {
        row["position"]: {
            "rank": number,
            "label": row["label"],
            "likeliest": row["likeliest"],
            "listed": int(row["position"] in listed),
        }
        for number, row in enumerate(order, 1)
        if row["position"] in NAMED
    }


def measure(position: int, seed: int, dataset: Dataset) -> dict[str, Any]:
    """Return the row of a named image."""
    return ranks(seed, dataset)[position]


def rank(measured: Measured, arm: str) -> str:
    """Return the median rank and its range over the seeds."""
    found = measured.values(arm, "rank")
    return f"{statistics.median(found):,.0f} ({min(found):,} to {max(found):,})"


def listed(measured: Measured, arm: str) -> str:
    """Return with how many seeds the image is on the list."""
    found = measured.values(arm, "listed")
    return f"{sum(found)} of {len(found)}"


def _first(metric: str) -> Any:
    return lambda measured, arm: str(measured.values(arm, metric)[0])


EXPERIMENT = Experiment(
    name="mislabelled",
    question="Where are images that others found to be mislabelled among the suspects?",
    arms=[
        Arm(f"{position}", program=functools.partial(measure, position), place=f"image-{position}")
        for position in NAMED
    ],
    columns=[
        columns.name("training image", code=lambda arm: False),
        columns.Column("label", _first("label")),
        columns.Column("likeliest class", _first("likeliest")),
        columns.Column("rank of 60,000", rank, right=True),
        columns.Column("listed", listed),
    ],
    note="Rank by self-confidence among all training and validation images, 1 is the least likely "
    "label: median over {seeds} with the smallest and the largest. {machine} `{command}` "
    "reproduces the table.",
    seeds=3,
    quick=Quick({}),  # an audit is of all images
    page="docs/audit_of_fashion_mnist.md",
    mark="named",
)
