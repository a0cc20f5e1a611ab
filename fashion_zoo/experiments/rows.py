"""The rows of an experiment in its CSV file, which several processes may write."""

from collections.abc import Collection, Sequence
from pathlib import Path

from fashion_zoo.errors import DataError, Hint
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.experiments.page import write_rows
from fashion_zoo.results import read_rows
from fashion_zoo.storage import locks


def kept(file: Path, again: Collection[str]) -> list[Row]:
    """Return the rows of a CSV file but for those of arms that are measured again.

    Raises:
        DataError: if the file has rows without an arm or a seed.
    """
    rows = read_rows(file)
    for row in rows:
        if "arm" not in row or not isinstance(row.get("seed"), int):
            raise DataError(
                f"{file} is no file of an experiment: expected rows with arm and seed, found one "
                f"with {', '.join(row)}. Move it, or name another place with ",
                Hint("page"),
                " or ",
                Hint("folder"),
                ".",
            )
    return [row for row in rows if row["arm"] not in again]


def replace(file: Path, folder: Path, own: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """Put rows in place of those that the file has of their arms, and return the others.

    The file is read again before: another process may have measured other arms meanwhile. The rows
    are in the order of the arms, and those of arms that are not in ``order`` come last, as do those
    of recipes that are not registered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locks.file_lock(folder / ".rows.lock"):
        others = kept(file, {row["arm"] for row in own})
        places = {name: place for place, name in enumerate(order)}
        rows = sorted(
            [*others, *own], key=lambda row: (places.get(row["arm"], len(places)), row["seed"])
        )
        write_rows(file, rows)
    return others
