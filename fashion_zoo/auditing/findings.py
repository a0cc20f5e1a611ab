"""What an audit found: its kinds, its JSON value, and its lists of positions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fashion_zoo import storage
from fashion_zoo.auditing.collection import PARTS, TEST, Collection
from fashion_zoo.evaluation.suspects import AUDIT
from fashion_zoo.show import pages
from fashion_zoo.storage import reading

FORMAT = 1


class Kind(NamedTuple):
    """A kind of finding."""

    title: str
    meaning: str


KINDS: Mapping[str, Kind] = {
    "blank": Kind("Blank images", "All pixels of the image are equal."),
    "duplicates": Kind("Duplicates", "Images with equal pixels."),
    "near_duplicates": Kind(
        "Near duplicates", "Two images whose pixels nearly agree, perhaps after a small shift."
    ),
    "inverted": Kind("Inverted images", "Light and dark are swapped."),
    "label_errors": Kind(
        "Likely label errors",
        "Models that never saw the image give its label next to no probability.",
    ),
    "outliers": Kind("Outliers", "Images that are far from all others."),
}
"""Name of each kind, which its files have too, to its title and meaning."""


class Finding(NamedTuple):
    """An image, or several that belong together."""

    where: tuple[int, ...]
    """The images."""
    left_out: frozenset[int]
    """Those to leave out."""
    facts: Mapping[str, Any]
    """What is known beside, for JSON."""
    text: str
    """The same in words."""


Found = Mapping[str, Sequence[Finding]]
"""Each of ``KINDS`` to its findings, the clearest first."""


class Audit(dict[str, Any]):
    """The content of ``audit.json``; see docs/commands/audit.md."""

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Title of each kind to the numbers of training and test images on its lists."""
        return {
            kind.title: (len(self["lists"][word]["train"]), len(self["lists"][word]["test"]))
            for word, kind in KINDS.items()
        }

    @property
    def summary(self) -> str:
        """The images, in words."""
        parts = [f"{part['images']:,} {name}" for name, part in self["parts"].items()]
        shape = "x".join(map(str, self["image_shape"]))
        return (
            f"{self['source']}: {', '.join(parts)}; {len(self['class_names'])} classes, {shape}, "
            f"imbalance {self['imbalance']:.3g}"
        )

    @property
    def pixels(self) -> str:
        """The values of the pixels, in words."""
        found = self["pixels"]
        return (
            f"{found['low']} to {found['high']}, mean {found['mean']:.1f}, standard deviation "
            f"{found['deviation']:.1f}, {len(found['dead'])} dead"
        )

    def __repr__(self) -> str:
        try:
            counts = self.counts.items()
            found = [f"{title} {train:,} + {test:,}" for title, (train, test) in counts]
            return pages.lines(self.summary, f"training + test: {', '.join(found)}")
        except (KeyError, TypeError, ValueError):  # an edited file
            return super().__repr__()

    def _repr_html_(self) -> str:
        return pages.cell(repr(self).partition("\n")[0], counts_table(self))


def counts_table(found: Audit) -> str:
    """Return the numbers of listed images as an HTML table."""
    rows = [[title, f"{train:,}", f"{test:,}"] for title, (train, test) in found.counts.items()]
    return pages.table(["finding", "training images", "test images"], rows)


def as_audit(images: Collection, found: Found, known: Mapping[str, Any]) -> Audit:
    """Return everything that was found as the value of ``audit.json``."""

    def entry(finding: Finding) -> dict[str, Any]:
        records = [record(images, one) for one in finding.where]
        several = {"images": records} if len(records) > 1 else records[0]
        return {**several, **finding.facts}

    entries = {word: [entry(one) for one in found[word]] for word in KINDS}

    def places(word: str, test: bool) -> list[int]:
        chosen = sorted(_left_out(images, found[word], test))
        return [int(images.positions[one]) for one in chosen]

    listed = {word: {"train": places(word, False), "test": places(word, True)} for word in KINDS}
    return Audit({"format": FORMAT, **known, "found": entries, "lists": listed})


def record(images: Collection, where: int) -> dict[str, Any]:
    """Return part, position and label of an image."""
    return {
        "part": PARTS[images.parts[where]],
        "position": int(images.positions[where]),
        "label": images.class_names[images.labels[where]],
    }


def _left_out(images: Collection, findings: Sequence[Finding], test: bool) -> set[int]:
    every = {one for finding in findings for one in finding.left_out}
    return {one for one in every if (images.parts[one] == TEST) == test}


def write_lists(folder: Path, source: str, images: Collection, found: Found) -> None:
    """Write ``KIND.txt``, which ``data.exclude`` takes, and ``test_KIND.txt`` of each kind."""
    for word, kind in KINDS.items():
        notes = {one: finding.text for finding in found[word][::-1] for one in finding.left_out}
        for prefix, of in (("", "training"), ("test_", "test")):
            lines = [f"# {kind.title} of {source}: positions among the {of} images, from 0."]
            for one in sorted(_left_out(images, found[word], of == "test")):
                label = images.class_names[images.labels[one]]
                lines.append(f"{images.positions[one]}  # {label}: {notes[one]}")
            storage.write_text(folder / f"{prefix}{word}.txt", "\n".join([*lines, ""]))


def is_audit(folder: Path) -> bool:
    """Return whether a folder is an audit."""
    return reading.is_json_with(folder / AUDIT, {"format", "found", "lists"})
