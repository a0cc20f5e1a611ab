"""A manifest of an older version is read as it was meant, and is written in the format of today."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from fashion_zoo import WeightsError
from fashion_zoo.weights import manifest

FIRST = Path(__file__).parent / "data" / "manifest-1.json"
NEW = {"defaults": "", "digest": ""}


@pytest.fixture
def folder(tmp_path):
    """A folder with a manifest of format 1."""
    shutil.copy(FIRST, tmp_path / manifest.FILE)
    return tmp_path


def test_rows_without_defaults_are_of_the_defaults(folder):
    rows, stored = manifest.read_manifest(folder), json.loads(FIRST.read_text())
    assert stored["format"] == 1
    assert [dataclasses.asdict(row) | NEW for row in rows] == [row | NEW for row in stored["rows"]]
    assert all(row.defaults == row.config for row in rows)
    manifest.write_manifest(folder, rows)
    assert json.loads((folder / manifest.FILE).read_text())["format"] == manifest.FORMAT == 2
    assert manifest.read_manifest(folder) == rows


@pytest.mark.parametrize(
    ("field", "value"), [("command", "train()"), ("digest", "0"), ("more", 1), ("defaults", "1-0")]
)
def test_an_edited_row_is_seen_in_each_format(folder, field, value):
    for _ in range(2):
        rows = manifest.read_manifest(folder)
        stored = json.loads((folder / manifest.FILE).read_text())
        stored["rows"][1][field] = value
        (folder / manifest.FILE).write_text(json.dumps(stored))
        with pytest.raises(WeightsError, match="the row of 'baseline_mlp' was edited"):
            manifest.read_manifest(folder)
        manifest.write_manifest(folder, rows)


def test_a_row_of_the_first_format_is_not_one_of_the_second(folder):
    text = (folder / manifest.FILE).read_text()
    (folder / manifest.FILE).write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(WeightsError, match=r"rows\[0\]\.defaults must be a text"):
        manifest.read_manifest(folder)
