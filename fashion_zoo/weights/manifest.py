"""Manifests: which weights are published, by this package and by others, and what they are of.

A manifest is ``manifest.json`` in a folder of weight files. A row of it binds one file to a recipe,
its settings, the images, and the figures that anybody can measure again. It has a digest of itself,
so that an edit is seen. Other packages name the package of their folder in the entry-point group
``fashion_zoo.weights``.
"""

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fashion_zoo import storage
from fashion_zoo.errors import RunError, WeightsError
from fashion_zoo.runs.stored import check_shape, read_json

FORMAT = 2  # 1 had rows of the defaults alone
FILE = "manifest.json"
FOLDER = Path(__file__).parent / "published"
"""Weights and manifest of this package."""
GROUP = "fashion_zoo.weights"
DTYPES = ("float16", "float32")


@dataclasses.dataclass(frozen=True)
class Figures:
    """What the weights as shipped reach on some images, computed in float32."""

    right: int
    """Number of images whose class is predicted."""
    images: int
    nll: float
    """Mean negative log-likelihood of the classes."""

    @property
    def accuracy(self) -> float:
        """Fraction of images whose class is predicted."""
        return self.right / self.images


@dataclasses.dataclass(frozen=True)
class Published:
    """Row of a manifest: the weights of one recipe, trained on one data set in one way."""

    recipe: str
    weights: str
    """Their word, which ``get`` takes: the source of the images, such as ``"fashion_mnist"``, and
    after a dot their name, if they were not trained with the defaults."""
    file: str
    """Name of the file in the folder of the manifest."""
    size: int
    """Its size in bytes."""
    sha256: str
    """Its SHA-256 in hexadecimal."""
    dtype: str
    """``"float16"``, or ``"float32"`` where that changes too many decisions."""
    config: str
    """The digest of the config that trained them; see ``fashion_zoo.config.digest.of``."""
    defaults: str
    """The digest of the recipe's config, whose defaults ``command`` may change."""
    data: str
    """SHA-256 of the training and validation images; see ``fashion_zoo.data.Dataset``."""
    test_data: str
    """SHA-256 of the test images."""
    validation: Figures
    test: Figures
    seed: int
    command: str
    """The call that trains them; before it, one a line, those that train their teacher."""
    versions: str
    """What they were trained with; ``A then B`` if the training was resumed with others."""
    commit: str
    """Commit of this package that trained them, empty outside of a checkout; or ``A then B``."""
    digest: str = ""
    """SHA-256 of the other fields."""

    def __repr__(self) -> str:
        return f"{self.recipe} ({self.weights}): {self.file}"

    def signed(self) -> "Published":
        """Return the row with its digest."""
        return dataclasses.replace(self, digest=_digest(dataclasses.asdict(self)))


def _digest(fields: Mapping[str, Any]) -> str:
    """Return the digest of a row, as it is stored."""
    text = json.dumps({**fields, "digest": ""}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


_FIGURES = {"right": int, "images": int, "nll": float}
_KINDS = {str: str, int: int, Figures: _FIGURES}
_ROW = {field.name: _KINDS[field.type] for field in dataclasses.fields(Published)}  # type: ignore[index]
_FIRST = {name: kind for name, kind in _ROW.items() if name != "defaults"}  # that of format 1


def list_weights() -> list[Published]:
    """Return what is published, by this package and by others.

    Raises:
        WeightsError: if a manifest is missing, damaged, edited or of a newer version.
    """
    return [row for folder in _folders() for row in read_manifest(folder)]


def find(recipe: str, word: str) -> tuple[Published, Path] | None:
    """Return a row and the folder of its file, or None if there is none.

    The manifests after that with the row are not read.
    """
    for folder in _folders():
        for row in read_manifest(folder):
            if (row.recipe, row.weights) == (recipe, word):
                return row, folder
    return None


def _folders() -> Iterator[Path]:
    """Yield the folders of the manifests, that of this package first."""
    yield FOLDER
    for entry in importlib.metadata.entry_points(group=GROUP):
        # No package is imported: loading weights executes nothing.
        package, *inside = entry.value.split(".")
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
        places = spec.submodule_search_locations if spec else None
        found = [Path(place, *inside) for place in places or ()]
        folders = [folder for folder in found if (folder / FILE).is_file()]
        if not folders:
            raise WeightsError(
                f"The entry point {entry.name!r} of the group {GROUP} names {entry.value!r}, which "
                f"is no package with a {FILE}. Reinstall the package that it comes from."
            )
        yield folders[0]


def read_manifest(folder: Path) -> list[Published]:
    """Return the rows of the manifest in a folder; raises WeightsError if it is damaged."""
    file = folder / FILE
    try:
        stored = read_json(file, {"format": int})
        if stored["format"] > FORMAT:
            raise WeightsError(
                f"{file} has format {stored['format']}; this package reads formats up to {FORMAT}. "
                "Update fashion_zoo."
            )
        is_first = stored["format"] == 1
        check_shape(file, stored, {"rows": [_FIRST if is_first else _ROW]})
        whole = [_of_today(file, row) if is_first else row for row in stored["rows"]]
        rows = [_row(file, row) for row in whole]
    except RunError as error:
        raise WeightsError(error, " Reinstall the package that it comes from.") from error
    if stored["format"] < 1 or len({(row.recipe, row.weights) for row in rows}) < len(rows):
        raise damaged(file, "it has another format, or two rows of the same weights")
    return rows


def _of_today(file: Path, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of format 1, whose weights were trained with the defaults, in format 2."""
    if _digest(stored) != stored["digest"]:
        raise _edited(file, stored["recipe"])
    row = {**stored, "defaults": stored["config"]}
    return {**row, "digest": _digest(row)}


def _row(file: Path, stored: Mapping[str, Any]) -> Published:
    """Return a row that is whole."""
    known = {name: stored[name] for name in _ROW}
    for name in ("validation", "test"):
        known[name] = Figures(**{one: stored[name][one] for one in _FIGURES})
    row = Published(**known)
    if row.signed() != row or dataclasses.asdict(row) != stored:  # such as a field more
        raise _edited(file, row.recipe)
    plain = os.path.basename(row.file) == row.file and row.file not in ("", ".", "..")
    if not plain or row.dtype not in DTYPES:
        raise damaged(file, f"the row of {row.recipe!r} names {row.file!r} of {row.dtype!r}")
    return row


def _edited(file: Path, name: str) -> WeightsError:
    return damaged(file, f"the row of {name!r} was edited")


def damaged(file: Path, reason: str) -> WeightsError:
    """Return the error of a damaged file."""
    return broken(f"{file} is damaged: {reason}")


def broken(text: str) -> WeightsError:
    """Return the error of a file that cannot be used, with what to do."""
    return WeightsError(
        f"{text}. Reinstall the package that it comes from, or publish these weights again."
    )


def write_manifest(folder: Path, rows: Iterable[Published]) -> None:
    """Write the manifest of a folder atomically."""
    ordered = sorted(rows, key=lambda row: (row.recipe, row.weights))
    stored = [dataclasses.asdict(row) for row in ordered]
    storage.write_json(folder / FILE, {"format": FORMAT, "rows": stored})
