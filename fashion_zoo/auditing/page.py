"""The page of an audit, with a picture of each kind of finding."""

import functools
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fashion_zoo import storage
from fashion_zoo.auditing.collection import Collection
from fashion_zoo.auditing.findings import KINDS, Audit, Finding, Found, counts_table, record
from fashion_zoo.show import figures, pages, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 32  # findings in a picture
_TOGETHER = 3  # images of a finding, side by side


def write(folder: Path, found: Audit, images: Collection, findings: Found) -> None:
    """Write audit.html, and KIND.png for each kind of which something was found."""
    sections = [("Images", _images(found)), ("Findings", counts_table(found))]
    for word, kind in KINDS.items():
        if not findings[word]:
            continue
        picture = folder / f"{word}.png"
        draw = functools.partial(gallery, found, images, word, findings[word])
        figures.try_save(picture, draw)
        parts = [pages.paragraph(kind.meaning), pages.image(picture, kind.title)]
        files = [f"{prefix}{word}.txt" for prefix in ("", "test_")]
        parts.append(f"<p>All are in {' and '.join(map(_link, files))}.</p>")
        sections.append((kind.title, "".join(parts)))
    storage.write_text(folder / "audit.html", pages.page(f"Audit of {found['source']}", sections))


def _link(file: str) -> str:
    return f'<a href="{html.escape(file)}">{html.escape(file)}</a>'


def _images(found: Audit) -> str:
    """Return what was counted."""
    parts = found["parts"]
    rows = [
        [name, *(f"{part['classes'][name]:,}" for part in parts.values())]
        for name in found["class_names"]
    ]
    rows.append(["all", *(f"{part['images']:,}" for part in parts.values())])
    return "".join(
        [
            pages.paragraph(found.summary),
            pages.paragraph(f"Pixels of the training and validation images: {found.pixels}."),
            pages.table(["class", *parts], rows),
        ]
    )


def gallery(found: Audit, images: Collection, word: str, findings: Sequence[Finding]) -> "Figure":
    """Return the figure of the first findings of a kind."""
    shown, kind = findings[:_SHOWN], KINDS[word]
    tiles = [[images.images[one] for one in finding.where[:_TOGETHER]] for finding in shown]
    texts = [_text(images, finding) for finding in shown]
    count = f"the first {len(shown)} of " if len(shown) < len(findings) else ""
    return plots.gallery(
        tiles,
        texts,
        f"{kind.title} of {found['source']}",
        caption=f"{kind.meaning} Shown: {count}{len(findings):,}. A number is the position among "
        "the training images of the source, or among its test images.",
    )


def _text(images: Collection, finding: Finding) -> str:
    """Return what stands below a picture: part, position and label, and what was found."""
    known = [record(images, one) for one in finding.where[:_TOGETHER]]
    lines = [f"{one['part']} {one['position']}\n{one['label']}" for one in known]
    if "suggested" in finding.facts:
        lines.append(f"rather {finding.facts['suggested']}\n{finding.facts['probability']:.3f}")
    elif "distance" in finding.facts:
        lines.append(f"{finding.facts['distance']:.1f}")
    elif "difference" in finding.facts:
        lines.append(f"differ by {finding.facts['difference']:.3f}")
    return "\n".join(lines)
