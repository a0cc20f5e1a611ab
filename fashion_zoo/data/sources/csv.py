"""Tables: CSV, TSV and Parquet files with a label and the pixels of an image in each row."""

import csv as tables
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.sources import SPLIT, WORDS, Given, Raw, Source, missing, source_of_paths
from fashion_zoo.data.sources._idx import opened
from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language.wording import unknown
from fashion_zoo.storage import reading

_ENDS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
_LONGEST = 2**24  # bytes of a line
_LARGEST = 2**33  # pixels of a file
_MOST = 2**24  # rows of a file
_SHOWN = 40  # characters of a cell in a message
_LABEL = 200  # characters of a label


@WORDS.form(lambda text: text.endswith(_ENDS), "FILE.csv, FILE.tsv, FILE.parquet")
@WORDS.register
def csv(path: str, test: str | None = None) -> Source:
    """A table with a label and the pixels of an image in each row; ``test`` is one of test images.

    It is text, also gzipped, or Parquet. Square images, row by row; of colour images red, green and
    blue of a pixel are neighbours.
    """
    return source_of_paths("csv", _read, path, test, takes=(*SPLIT, "label"))


def _read(config: DataConfig, path: Path, test: Path | None = None) -> Raw:
    tables = [_table(file, config.label) for file in (path, test) if file is not None]
    if not all(_are_numbers(table.labels) for table in tables):  # one file may lack a name
        return Raw(*tables)
    return Raw(*(table._replace(labels=_numbers(table)) for table in tables))


def _table(path: Path, label: str | None) -> Given:
    """Return the images of a table, with their labels as texts."""
    if not path.exists():
        raise missing(path)
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _text_rows(path)
    header, rows = _header(path, rows, label or "label")
    place = _label_place(path, header, label)
    pixels, labels = _values(path, rows, place, len(header))
    images = np.frombuffer(pixels, np.uint8)
    shape = _square(path, len(images) // len(labels))
    images = images.reshape(len(labels), *shape)
    return Given(images, np.array(labels), str(path), str(path))


Row = tuple[int, list[Any]]  # its number, from 1, and its cells


def _text_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a text file."""
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    with opened(path) as file:
        number = 0
        while line := file.readline(_LONGEST):
            number += 1
            if len(line) == _LONGEST:
                raise DataError(f"{path}, line {number} has more than {_LONGEST:,} bytes.")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {number} is not UTF-8: {error.reason}.") from error
            if '"' in text:
                try:
                    (cells,) = tables.reader([text], delimiter=delimiter, strict=True)
                except (tables.Error, ValueError) as error:
                    raise DataError(f"{path}, line {number}: {error}.") from error
                yield number, cells
            elif text:
                yield number, text.split(delimiter)


def _parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the names of the columns, then the rows of a Parquet file."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            f"{path} is read by pyarrow, which is not installed. Install it: pip install pyarrow."
        ) from error
    try:
        with reading.open_regular(path) as file:
            table = parquet.ParquetFile(file)
            yield 1, list(table.schema_arrow.names)
            number = 1
            for batch in table.iter_batches(batch_size=1000):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, ["" if cell is None else cell for cell in cells]
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}.") from error


def _header(path: Path, rows: Iterator[Row], label: str) -> tuple[list[str], Iterator[Row]]:
    """Return the names of the columns, none if the first row is an image, and the other rows."""
    try:
        number, first = next(rows)
    except StopIteration:
        raise DataError(f"{path} is empty: expected a label and pixels in each row.") from None
    if len(first) < 2:
        signs = [sign for sign in ";\t,|" if sign in str(first[0])]
        right = "tabs" if ".tsv" in path.suffixes else "commas"
        hint = f" Separate cells by {right}, not by {signs[0]!r}." if signs else ""
        raise DataError(f"{path}, line {number} has one cell; expected a label and pixels.{hint}")
    names = [str(cell).strip() for cell in first]
    # The label of an image may be a text, and its pixels are numbers; one that is missing is an
    # error of its line. Pixels that count from 0 or 1 are numbers of columns.
    texts = sum(not _is_number(one) for one in names)
    count = list(map(str, range(len(names))))
    numbered = len(names) > 4 and names[1:] in (count[:-1], count[1:])
    if label in names or path.suffix == ".parquet" or numbered or (texts > 1 and all(names)):
        return names, rows
    return [], _chained((number, first), rows)


def _chained(first: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label_place(path: Path, header: Sequence[str], label: str | None) -> int:
    """Return the position of the column of the labels."""
    if label is None:
        return header.index("label") if "label" in header else 0
    if label not in header:
        raise DataError(f"{path}: {unknown('column', label, header)}")
    return header.index(label)


class _Pixels(dict[Any, int]):
    """The number of a cell; one that is not written as usual is looked at once."""

    def __missing__(self, cell: Any) -> int:
        text = str(cell).strip()
        try:
            value = float(text)
        except ValueError:
            reason = "is no number" if text else "is missing"
            raise ValueError(f"pixel {text[:_SHOWN]!r} {reason}") from None
        if not (value.is_integer() and 0 <= value <= 255):
            raise ValueError(f"pixel {text[:_SHOWN]!r} is no whole number in 0..255")
        return int(value)


def _values(path: Path, rows: Iterator[Row], place: int, width: int) -> tuple[bytearray, list[str]]:
    """Return the pixels of all rows, one after the other, and their labels."""
    known = {str(value): value for value in range(256)} | {value: value for value in range(256)}
    number_of = _Pixels(known).__getitem__
    pixels, labels = bytearray(), []
    for number, cells in rows:
        width = width or len(cells)
        if len(cells) != width:
            raise DataError(f"{path}, line {number} has {len(cells)} cells, and others {width}.")
        label = str(cells.pop(place)).strip()
        if not 0 < len(label) <= _LABEL:
            reason = f"a label of {len(label):,} characters" if label else "no label"
            raise DataError(f"{path}, line {number} has {reason}.")
        labels.append(label)
        try:
            pixels += bytes(map(number_of, cells))
        except (ValueError, TypeError) as error:  # a cell of Parquet may be a list
            raise DataError(f"{path}, line {number}: {error}.") from error
        if len(pixels) > _LARGEST or len(labels) > _MOST:
            raise DataError(f"{path} has more than {_LARGEST:,} pixels or {_MOST:,} rows.")
    if not labels:
        raise DataError(f"{path} has no images: a header alone.")
    return pixels, labels


def _are_numbers(labels: np.ndarray) -> bool:
    return all(map(_is_number, np.unique(labels).tolist()))


def _numbers(table: Given) -> np.ndarray:
    """Return the labels of a table, all of which are numbers, as whole numbers."""
    known, places = np.unique(table.labels, return_inverse=True)
    for text in known.tolist():
        if not float(text).is_integer() or abs(float(text)) > _LARGEST:
            raise DataError(
                f"{table.of_labels} has a label {text[:_SHOWN]!r}, which is no whole number."
            )
    return np.array([int(float(text)) for text in known.tolist()], np.int64)[places]


def _square(path: Path, count: int) -> tuple[int, ...]:
    """Return the shape of an image of so many numbers, grey or RGB."""
    for channels in ((), (3,)):
        side = math.isqrt(count // math.prod(channels))
        if side * side * math.prod(channels) == count and side:
            return (side, side, *channels)
    raise DataError(f"{path} has {count} pixels in a row, which are no square image, grey or RGB.")
