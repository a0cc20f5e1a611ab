"""The page of an inspection, with a picture of each quantity."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.inspecting.findings import (
    DEAD,
    EXPLODING,
    KINDS,
    SATURATED,
    VANISHING,
    Inspection,
    chain,
    where,
)
from fashion_zoo.show import figures, pages, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Layer = dict[str, Any]


def write(folder: Path, found: Inspection) -> None:
    """Write inspection.html and its pictures."""
    sections = [("Model", _facts(found)), ("Findings", findings_table(found))]
    for name, (title, make) in _PICTURES.items():
        if not _chosen(found, _NEEDS.get(name, "name")):
            continue
        picture = folder / f"{name}.png"
        figures.try_save(picture, functools.partial(make, found))
        sections.append((title, pages.image(picture, title)))
    title = f"Inspection of {found['model']}"
    storage.write_text(folder / "inspection.html", pages.page(title, sections))


def _facts(found: Inspection) -> str:
    epochs = ", ".join(epoch["epoch"] for epoch in found["epochs"])
    rates = ", ".join(
        "none" if epoch["learning_rate"] is None else f"{epoch['learning_rate']:.2g}"
        for epoch in found["epochs"]
    )
    return pages.facts(
        [
            ("model", found["model"]),
            ("images", f"{found['images']:,} training images of {found['source']}"),
            ("inspected", epochs),
            ("learning rate of the next step", rates),
            ("layers", f"{len(found['epochs'][-1]['layers']):,}"),
        ]
    )


def findings_table(found: Inspection) -> str:
    """Return the findings as an HTML table, or a sentence if there are none."""
    if not found["findings"]:
        return pages.paragraph("None: no layer passes a limit.")
    rows = [
        [KINDS[one["kind"]].title, where(one["layers"]), ", ".join(one["epochs"]), one["text"]]
        for one in found["findings"]
    ]
    meanings = "".join(
        pages.paragraph(f"{kind.title}: {kind.meaning} {kind.advice}")
        for word, kind in KINDS.items()
        if any(one["kind"] == word for one in found["findings"])
    )
    return pages.table(["finding", "layer", "at", "what"], rows) + meanings


def _chosen(found: Inspection, key: str) -> list[str]:
    """Return the names of the layers of which something was measured."""
    return [layer["name"] for layer in found["epochs"][-1]["layers"] if key in layer]


def _per_epoch(
    found: Inspection, value: Callable[[Layer], Any], key: str = "name"
) -> dict[str, list[Any]]:
    """Return name of an epoch to a value of each layer of which something was measured."""
    return {
        epoch["epoch"]: [value(layer) for layer in epoch["layers"] if key in layer]
        for epoch in found["epochs"]
    }


def _arrays(values: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    return {epoch: np.array(several, dtype=float) for epoch, several in values.items()}


def _caption(found: Inspection, *more: str) -> str:
    where_from = f"{found['model']}; {found['images']:,} training images of {found['source']}."
    return "\n".join([where_from, *more])


_BANDS = "The line is the median, the areas hold 50 %, 90 % and all."
_BATCH = "Gradients are those of a step of training with {batch} images, without augmentation."


def _outputs(found: Inspection) -> "Figure":
    values = _arrays(_per_epoch(found, lambda layer: layer["quantiles"]))
    return plots.bands(
        _chosen(found, "name"), {"output": values}, "Outputs of the layers",
        caption=_caption(found, f"Without dropout. {_BANDS}"),
    )  # fmt: skip


def _gradients(found: Inspection) -> "Figure":
    values = _arrays(_per_epoch(found, lambda layer: layer["gradient"]["quantiles"]))
    return plots.bands(
        _chosen(found, "name"), {"|gradient of an output|": values},
        "Gradients of the outputs of the layers", log=True,
        caption=_caption(found, _BATCH.format(**found), f"{_BANDS} Zeros are not drawn."),
    )  # fmt: skip


def _flow(found: Inspection) -> "Figure":
    label = "gradient norm / that of the last"
    chains = {epoch["epoch"]: chain(epoch["layers"]) for epoch in found["epochs"]}
    names = [name for name, _ in chains[found["epochs"][-1]["epoch"]]]
    values = {epoch: [ratio or None for _, ratio in one] for epoch, one in chains.items()}
    return plots.levels(
        names, {label: values}, "How far the gradient reaches", log=True,
        limits={label: (VANISHING, EXPLODING)},
        caption=_caption(
            found, _BATCH.format(**found), "At the layers with an activation function. Dotted: the "
            "limits of vanishing and exploding gradients. Zeros are not drawn.",
        ),
    )  # fmt: skip


def _units(found: Inspection) -> "Figure":
    panels = {"share of dead units": _per_epoch(found, lambda layer: layer["dead"])}
    if _chosen(found, "saturated"):
        panels["share of saturated outputs"] = _per_epoch(
            found, lambda layer: layer.get("saturated")
        )
    limits = {"share of dead units": (DEAD,), "share of saturated outputs": (SATURATED,)}
    return plots.levels(
        _chosen(found, "name"), panels, "Dead and saturated units", limits=limits,
        caption=_caption(
            found, "A dead unit gives one value for all images; a saturated output lies where its "
            "activation function is flat. Dotted: the limits of findings.",
        ),
    )  # fmt: skip


def _updates(found: Inspection) -> "Figure":
    label = "|update| / |kernel|"
    values = _per_epoch(found, lambda layer: layer["kernel"]["update_ratio"] or None, "kernel")
    return plots.levels(
        _chosen(found, "kernel"), {label: values}, "What the next step changes", log=True,
        caption=_caption(
            found, f"One step of the optimizer on {found['batch']} images, at the learning rate "
            "of that step.",
        ),
    )  # fmt: skip


def _statistics(found: Inspection) -> "Figure":
    kept = "batch_norm"
    rows = {
        "kept variance / variance": _per_epoch(found, lambda one: one[kept]["ratio"], kept),
        "shift of the mean": _per_epoch(found, lambda one: one[kept]["shift"], kept),
    }
    return plots.bands(
        _chosen(found, kept), {label: _arrays(one) for label, one in rows.items()},
        "Batch-norm statistics against those of the data",
        log=True,
        caption=_caption(
            found, "Over the units of a layer. The shift is |kept mean - mean| in standard "
            f"deviations of the data. {_BANDS}",
        ),
    )  # fmt: skip


def _ranks(found: Inspection) -> "Figure":
    panels = {
        "outputs: effective rank / units": _per_epoch(
            found, lambda layer: _share(layer["effective_rank"], layer["units"])
        ),
        "kernel: effective rank / smaller side": _per_epoch(found, _kernel_share),
    }
    return plots.levels(
        _chosen(found, "name"), panels, "Effective ranks",
        caption=_caption(
            found, "The exponential of the entropy of the singular values (Roy & Vetterli 2007); "
            "outputs minus their means.",
        ),
    )  # fmt: skip


def _share(rank: float | None, largest: int) -> float | None:
    return None if rank is None else rank / largest


def _kernel_share(layer: Layer) -> float | None:
    if (kernel := layer.get("kernel")) is None:
        return None
    *inputs, units = kernel["shape"]
    return _share(kernel["effective_rank"], min(math.prod(inputs), units))


Make = Callable[[Inspection], "Figure"]
_PICTURES: dict[str, tuple[str, Make]] = {
    "outputs": ("Outputs", _outputs),
    "gradients": ("Gradients", _gradients),
    "gradient_flow": ("Reach of the gradient", _flow),
    "units": ("Dead and saturated units", _units),
    "updates": ("Updates", _updates),
    "batch_norm": ("Batch-norm statistics", _statistics),
    "ranks": ("Effective ranks", _ranks),
}
"""Name of a file to its heading, and the function that draws it."""
_NEEDS = {"updates": "kernel", "batch_norm": "batch_norm"}
