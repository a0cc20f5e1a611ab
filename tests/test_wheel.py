"""The installed package: its files and their size."""

import importlib.metadata
from pathlib import Path

import pytest

from recipes.experiments.accuracy import published

ROOT = Path(__file__).parents[1]
WEIGHTS = "fashion_zoo/weights/published"
DATA = [
    "LICENSE", "NOTICE.md", "SHA256SUMS", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "validation_indices.txt",
]  # fmt: skip


@pytest.fixture(scope="module")
def installed():
    files = importlib.metadata.files("fashion_zoo")
    found = [file for file in files if file.parts[0] in ("fashion_zoo", "recipes")]
    if not found or found[0].size is None:
        pytest.skip("the package is not installed from a wheel")
    return [file for file in found if file.suffix != ".pyc"]


def test_the_wheel_has_the_code_the_data_and_nothing_else(installed):
    code = {
        path.relative_to(ROOT).as_posix()
        for folder in ("fashion_zoo", "recipes")
        for path in (ROOT / folder).rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    data = {f"fashion_zoo/assets/fashion_mnist/{name}" for name in DATA}
    others = {"fashion_zoo/py.typed", "fashion_zoo/assets/results.csv"}
    others |= {path.relative_to(ROOT).as_posix() for path in (ROOT / WEIGHTS).iterdir()}
    assert {file.as_posix() for file in installed} == code | data | others


def test_the_wheel_is_small_but_for_the_data(installed):
    sizes = {file.as_posix(): file.size for file in installed}
    weights = sum(size for name, size in sizes.items() if name.startswith(WEIGHTS))
    assert weights < published.MOST == 28e6  # as docs/weights.md says
    assert 30e6 < sum(sizes.values()) - weights < 33e6
    code = sum(size for name, size in sizes.items() if "fashion_mnist" not in name) - weights
    assert code < 2e6
