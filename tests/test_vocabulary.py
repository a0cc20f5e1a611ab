"""Words: one way to register, look up, parse, and answer those that are unknown."""

import ast
import dataclasses
import sys
from typing import Annotated

import pytest

from fashion_zoo import ConfigError
from fashion_zoo.language.vocabulary import Vocabulary, Words, words_of


@pytest.fixture
def drinks():
    words = Vocabulary(
        "drink", example="tea", finish=lambda found: found if isinstance(found, tuple) else None
    )

    @words.register
    def tea(cups: int = 1):
        """Leaves in hot water.

        And milk.
        """
        return ("tea",) * cups

    @words.register
    class Milk:
        """White."""

    words.register(Milk(), "milk")

    @words.operator(ast.Add)
    def both(first, second):
        return first + second

    return words


def test_an_expression_of_words_is_built(drinks):
    assert drinks.parse("tea(2) + tea") == ("tea",) * 3
    assert drinks.lines() == {"tea": "Leaves in hot water.", "Milk": "White.", "milk": "White."}
    assert drinks.member("tea")(1) == ("tea",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tae", r"column 1: Unknown drink 'tae'\. Did you mean 'tea'\? Known: Milk, milk, tea\."),
        ("tea + tae", "column 7: Unknown drink 'tae'"),
        ("3", "'3' is not a drink by itself. Write one such as 'tea'."),
        ("tea(milk=1)", "column 1: Unknown argument of tea 'milk'"),
        ("", "expected a drink. Known: Milk, milk, tea."),
        (3, "A drink is written as text, received 3."),
    ],
)
def test_what_cannot_be_read_is_answered(drinks, text, message):
    with pytest.raises(ConfigError, match=message):
        drinks.parse(text)


def test_a_word_with_a_dash_for_its_underscore_is_answered_with_the_word(drinks):
    drinks.register(drinks["milk"], "oat_milk")
    with pytest.raises(ConfigError, match=r"Unknown drink 'oat-milk'. Did you mean 'oat_milk'\?"):
        drinks.parse("oat-milk")


def test_an_unknown_member_is_answered_like_an_unknown_word(drinks):
    with pytest.raises(ConfigError, match=r"Unknown drink 'tae'\. Did you mean 'tea'"):
        drinks.member("tae")


def test_a_word_is_taken_once_and_has_a_docstring(drinks):
    def tea():
        """Another."""

    with pytest.raises(ConfigError, match="Drink 'tea' is registered already, by test_vocabulary"):
        drinks.register(tea)
    with pytest.raises(ConfigError, match="Drink 'soup' has no docstring"):
        drinks.register(lambda: None, "soup")
    with pytest.raises(ConfigError, match="The word of a drink is a name, received 'hot tea'"):
        drinks.register(tea, "hot tea")
    drinks.register(drinks["tea"])  # a cell of a notebook that is run again


@pytest.fixture
def bakery(tmp_path, monkeypatch):
    """A vocabulary of a package of three modules, one of which is no word's."""
    package = tmp_path / "bakery"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from fashion_zoo.language.vocabulary import Vocabulary\n"
        "WORDS = Vocabulary('bread', package=__name__)\n"
    )
    for name in ("rye", "bun"):
        (package / f"{name}.py").write_text(
            f"from bakery import WORDS\n@WORDS.register\ndef {name}():\n    'Good.'\n    return 1\n"
        )
    (package / "_oven.py").write_text("raise AssertionError('no word is in here')")
    monkeypatch.syspath_prepend(tmp_path)
    yield Words("bakery")
    for name in [name for name in sys.modules if name.partition(".")[0] == "bakery"]:
        del sys.modules[name]


def test_a_word_of_a_package_is_found_by_its_module_alone(bakery):
    assert bakery.load().parse("rye") == 1
    assert "bakery.rye" in sys.modules
    assert "bakery.bun" not in sys.modules
    assert list(bakery.load()) == ["bun", "rye"]
    with pytest.raises(ConfigError, match=r"Unknown bread 'run'\. Did you mean 'bun'"):
        bakery.load().parse("run")


def test_a_setting_names_its_vocabulary(bakery):
    @dataclasses.dataclass
    class Breakfast:
        bread: Annotated[str, bakery] = "rye"
        cups: int = 2

    assert words_of(Breakfast()) == {"bread": bakery.load()}
