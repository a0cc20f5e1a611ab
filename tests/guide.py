"""The formulas of ``docs/guide``, whose blocks of NumPy are run as the pages have them.

A formula is a section ``## F3 Title {#f3}``. Its blocks of code are fenced as ``py``; ``python``
would be an example that is complete by itself.
"""

import re
import types
from pathlib import Path

import numpy as np
from rounding import SUMS

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = DOCS / "guide"
TRANSLATIONS = sorted(DOCS.glob("*/guide"))  # each in the folder of its language
TOLERANCE = {"float64": 1e-6, "float32": SUMS}


def sections(folder: Path = GUIDE) -> list[tuple[int, str]]:
    """Return number and text of every formula, in the order of the pages."""
    found = []
    for page in sorted(folder.glob("*.md")):
        for section in re.split(r"^(?=##? )", page.read_text("utf-8"), flags=re.M):
            if heading := re.match(r"## F(\d+) .*\{#f\1\}\n", section):
                found.append((int(heading[1]), section))
    return found


def blocks(text: str) -> list[str]:
    """Return the NumPy of a page or section."""
    return re.findall(r"^```py\n(.*?)^```$", text, re.M | re.S)


def formula(number: int, **given) -> types.SimpleNamespace:
    """Return every name that the blocks of a formula make of ``given``, and ``given`` itself."""
    names = {**given, "np": np}
    for block in blocks(dict(sections())[number]):
        exec(block, names)
    return types.SimpleNamespace(**{name: value for name, value in names.items() if name != "np"})


def cells(number: int) -> list[list[str]]:
    """Return the rows of the table of a formula, without its heading."""
    rows = re.findall(r"^\| (.*) \|$", dict(sections())[number], re.M)
    return [row.split(" | ") for row in rows[2:]]


def drawn(*shape, dtype="float64", mean=0.0):
    """Return an array that is the same in each call."""
    return np.random.default_rng(0).normal(mean, 1.5, shape).astype(dtype)


def close(found, expected, dtype) -> bool:
    """Whether two arrays agree up to the rounding of a dtype, relative to the largest value."""
    found, expected = (np.asarray(one, "float64") for one in (found, expected))
    assert found.shape == expected.shape
    return np.abs(found - expected).max() <= TOLERANCE[dtype] * max(1, np.abs(expected).max())
