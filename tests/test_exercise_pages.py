"""The pages of the exercises: what to change, what to expect, and where what was found stands."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs" / "exercises").glob("*.md"))
PARTS = r"\*\*Change\.\*\* (.+) \*\*Expect\.\*\* (.+) \*\*Found\.\*\* (.+)"


def test_there_are_six_exercises():
    assert len(PAGES) == 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_everything_to_try_says_what_to_expect_and_leads_to_what_was_found(page):
    text = page.read_text("utf-8")
    assert text.count("## What was found {#found}\n") == 1
    _, _, after = text.partition("## Try it yourself {#try}\n")
    tries = re.split(r"^- ", after.partition("\n## ")[0], flags=re.M)[1:]
    assert len(tries) >= 4
    for one in tries:
        item = " ".join(one.partition("\n\n")[0].split())
        assert item.count("**") == 6
        *_, found = re.fullmatch(PARTS, item).groups()
        assert "](#found)" in found if found.startswith("Not run.") else "](#changes)" in found
        assert not re.search(r"\d", re.sub(r"`[^`]*`|\]\([^)]*\)", "", found)), "typed by hand"
