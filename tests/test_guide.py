"""Every formula of the guide has its code and its tests, and no list beside pages and marks."""

import ast
import contextlib
import dataclasses
import importlib
import operator
import re
from pathlib import Path

import pytest
from guide import DOCS, GUIDE, TRANSLATIONS, blocks, cells, sections

TESTS = Path(__file__).parent
PAGES = sorted(page.name for page in GUIDE.glob("*.md"))
NAMED = re.compile(r"`(test_\w+\.py::test_\w+)`")
CLAIM = re.compile(r"(?<![A-Za-z])C\d+(?!\d)")
HOMES = {
    "keras": "https://keras.io/api/",
    "tensorflow": "https://www.tensorflow.org/api_docs/python/tf/",
}
CODE = re.compile(r"`((?:fashion_zoo|keras|tensorflow)(?:\.\w+)+)")


def found(name):
    """Return the object of a dotted name, of any module."""
    package, _, rest = name.partition(".")
    return operator.attrgetter(rest)(importlib.import_module(package))


def marked():
    """Return each test that is marked with formulas: its name, their numbers, its source."""
    for path in sorted(TESTS.glob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.formula(" not in text:
            continue
        for part in ast.parse(text).body:
            for mark in getattr(part, "decorator_list", ()):
                if ast.unparse(mark).startswith("pytest.mark.formula("):
                    numbers = {ast.literal_eval(one) for one in mark.args}
                    yield f"{path.name}::{part.name}", numbers, ast.unparse(part)


MARKED = list(marked())


def test_formulas_are_numbered_without_gaps():
    numbers = sorted(number for number, _ in sections())
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(blocks(text) or cells(number) for number, text in sections())
    assert set().union(*(marks for _, marks, _ in MARKED)) == set(numbers)


@pytest.mark.parametrize(("number", "text"), sections(), ids=lambda value: str(value)[:3])
def test_a_formula_names_its_tests_and_one_of_them_runs_it(number, text):
    """A formula without a test fails here, and so does a test that is gone or was renamed."""
    found = {name: source for name, numbers, source in MARKED if number in numbers}
    assert set(NAMED.findall(text)) == set(found) != set()
    assert any(f"formula({number}, " in one or f"cells({number})" in one for one in found.values())


@pytest.mark.parametrize(("number", "text"), sections(), ids=lambda value: str(value)[:3])
def test_the_code_beside_a_formula_is_there(number, text):
    names = CODE.findall(text)
    assert names
    for name in names:
        found(name)


@pytest.mark.parametrize("folder", [GUIDE, *TRANSLATIONS], ids=lambda folder: folder.parent.name)
def test_every_page_is_on_the_first_one(folder):
    index = (folder / "index.md").read_text("utf-8")
    linked = re.findall(r"\]\(([\w-]+\.md)\)", index)
    assert sorted(linked) == sorted({page.name for page in folder.glob("*.md")} - {"index.md"})


@pytest.mark.parametrize("folder", [GUIDE, *TRANSLATIONS], ids=lambda folder: folder.parent.name)
def test_every_claim_of_the_list_is_named(folder):
    listed = re.findall(r"^\| (C\d+) \|", (DOCS / "claims" / "index.md").read_text("utf-8"), re.M)
    pages = (page.read_text("utf-8") for page in folder.glob("*.md"))
    assert {number for text in pages for number in CLAIM.findall(text)} == set(listed)


def anchors(page):
    """Return the anchors of the headings of a page: their own, or those that mkdocs makes.

    A page of the API has those of what it documents, and of the fields of its dataclasses.
    """
    for name in re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.M):
        yield name
        with contextlib.suppress(TypeError):
            yield from (f"{name}.{field.name}" for field in dataclasses.fields(found(name)))
    for heading in re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M):
        own = re.search(r"\{#([\w-]+)\}$", heading)
        plain = re.sub(r"[^\w\s-]", "", heading, flags=re.ASCII).strip().lower()
        yield own[1] if own else re.sub(r"[-\s]+", "-", plain)


@pytest.mark.parametrize("folder", [GUIDE, *TRANSLATIONS], ids=lambda folder: folder.parent.name)
def test_links_lead_to_headings_that_are_there(folder):
    for page in folder.glob("*.md"):
        links = re.findall(r"\]\(([^):#]*)#([^)]+)\)", page.read_text("utf-8"))
        for target, anchor in links:
            assert anchor in anchors(page.parent / target), (page.name, target, anchor)


def test_every_term_of_the_glossary_leads_somewhere_and_they_are_in_order():
    rows = re.findall(
        r"^\| (.*) \| .* \| (.*) \| (.*) \|$", (GUIDE / "glossary.md").read_text("utf-8"), re.M
    )
    terms = [term.lower() for term, *_ in rows[2:]]
    assert terms == sorted(set(terms))
    assert all(re.fullmatch(r"\[.+\]\(\S+\.md(#\S+)?\)", link) for _, link, _ in rows[2:])
    for _, _, code in rows[2:]:
        name, target = re.fullmatch(r"\[`(.+)`\]\((\S+)\)", code).groups()
        home = HOMES.get(name.partition(".")[0])
        if home is None:
            assert target.partition("#")[2] == f"fashion_zoo.{name}"
        else:
            assert callable(found(name))
            assert re.fullmatch(rf"{home}[\w/]+", target), name


def frame(page):
    """Return what a translation leaves as it is: headings by level and anchor, code, the shape of
    tables, the code in each paragraph, and links but for what they say.
    """
    text = page.read_text("utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return {
        "headings": re.findall(r"^(#+) .*?(\{#[\w-]+\})?$", prose, re.M),
        "code": re.findall(r"^```.*?^```$", text, re.M | re.S),
        "tables": [line.count(" | ") for line in prose.splitlines() if line.startswith("|")],
        "names": [sorted(re.findall(r"`[^`]+`", part)) for part in prose.split("\n\n")],
        "links": [
            sorted(
                (page.parent / link).resolve().name for link in re.findall(r"\]\(([^):]+)\)", part)
            )
            for part in prose.split("\n\n")
        ],
        "claims": sorted(CLAIM.findall(prose)),
        "addresses": re.findall(r"https://[^)]+", prose),
    }


@pytest.mark.parametrize("folder", TRANSLATIONS, ids=lambda folder: folder.parent.name)
def test_a_translation_has_the_same_pages(folder):
    assert [page.name for page in sorted(folder.glob("*.md"))] == PAGES


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("folder", TRANSLATIONS, ids=lambda folder: folder.parent.name)
def test_a_translated_page_has_the_same_headings_formulas_code_and_tables(folder, name):
    assert frame(folder / name) == frame(GUIDE / name)
