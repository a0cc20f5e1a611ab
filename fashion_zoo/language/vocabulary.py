"""Words: what has a name and is found by it.

    WORDS: Vocabulary[Schedule] = Vocabulary("schedule", example="cosine(1, 0.01)")

    @WORDS.register
    def linear(start: float = 1.0, end: float = 0.0) -> Schedule:
        \"\"\"A straight line.\"\"\"

    WORDS.parse("linear(1, 0.5)")

A member is one function or object in one file, and no list names them all: each is registered where
it is written. A room keeps its vocabulary under the name ``WORDS``.
"""

import ast
import contextlib
import dataclasses
import importlib
import inspect
import keyword
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from fashion_zoo.errors import ConfigError, Message
from fashion_zoo.language import expressions
from fashion_zoo.language.wording import unknown, with_article

Made = TypeVar("Made")
Member = TypeVar("Member")


class Vocabulary(Mapping[str, Any], Generic[Made]):
    """The words of one kind: a mapping of each to its member.

    Args:
        kind: what an expression of these words describes, for messages: ``"schedule"``.
        package: dotted name of the package whose modules register the words, each preferably the
            one that it is named after: looking up one word then imports one module. Modules whose
            names begin with an underscore are left out, and none may import a framework at its
            top. By default the words are those registered by whoever was imported.
        modules: dotted names of other modules that register words; they are imported when all words
            are asked for, or one that no module is named after.
        example: an expression, for messages.
        finish: makes the result of ``parse`` of what a whole expression has built, or returns None
            where that is none of the kind; by default it is the result.
        quoted: whether text in quotes, True and False may be arguments.
    """

    def __init__(
        self,
        kind: str,
        *,
        package: str = "",
        modules: tuple[str, ...] = (),
        example: str = "",
        finish: Callable[[Any], Made | None] = lambda found: found,
        quoted: bool = False,
    ):
        self.kind = kind
        self._package = package
        self._others = modules
        self._example = example
        self._finish = finish
        self._quoted = quoted
        self._members: dict[str, Any] = {}
        self._operators: dict[type[ast.operator], expressions.Operator] = {}

    def register(self, member: Member, name: str | None = None) -> Member:
        """Add a member, which has a docstring; a decorator.

        Args:
            member: a function, a class, or any object.
            name: its word; by default its ``__name__``.

        Raises:
            ConfigError: the word is no name or is taken, or the docstring is missing.
        """
        word = name or str(getattr(member, "__name__", ""))
        if not word.isidentifier() or keyword.iskeyword(word):
            raise ConfigError(
                f"The word of {with_article(self.kind)} is a name, received {word!r}."
            )
        if not (member.__doc__ or "").strip():
            raise ConfigError(
                f"{self.kind.capitalize()} {word!r} has no docstring; its first line is the help."
            )
        if not self._is_own(member):  # what comes with the package may not be loaded yet
            self._load()
        taken = self._members.get(word)
        # The same cell of a notebook run twice is not a second member.
        if taken is not None and _home(taken) != _home(member):
            raise ConfigError(
                f"{self.kind.capitalize()} {word!r} is registered already, by {_home(taken)[0]}. "
                "Give the new one another name."
            )
        self._members[word] = member
        return member

    def operator(
        self, sign: type[ast.operator]
    ) -> Callable[[expressions.Operator], expressions.Operator]:
        """Let a function of both sides do an operator, such as ``ast.BitOr``; a decorator."""

        def decorate(function: expressions.Operator) -> expressions.Operator:
            self._operators[sign] = function
            return function

        return decorate

    def parse(self, text: str) -> Made:
        """Return what an expression of the words describes.

        Raises:
            ConfigError: it is no text, cannot be read, or describes something else; the message
                has the column, and the nearest word for one that is unknown.
        """
        if not isinstance(text, str):
            raise ConfigError(
                f"{with_article(self.kind).capitalize()} is written as text, received {text!r}."
            )
        if "-" in text and text.replace("-", "_") in self:  # as words are written elsewhere
            raise ConfigError(unknown(self.kind, text, self))
        found = expressions.parse(text, self.kind, self, self._operators, quoted=self._quoted)
        made = self._finish(found)
        if made is None:
            raise ConfigError(
                f"{text!r} is not {with_article(self.kind)} by itself. "
                f"Write one such as {self._example!r}."
            )
        return made

    def member(self, word: str) -> Any:
        """Return the member itself.

        Raises:
            ConfigError: there is no such word; the message has the nearest and all.
        """
        if word not in self:
            raise ConfigError(unknown(self.kind, word, self))
        return self[word]

    def bare(self) -> dict[str, Made]:
        """Return what each word describes by itself; those that need arguments are left out."""
        found = {}
        for word in self:
            with contextlib.suppress(ConfigError):
                found[word] = self.parse(word)
        return found

    def lines(self) -> dict[str, str]:
        """Return one line of help for each word: the first of its docstring."""
        return {word: inspect.cleandoc(its.__doc__).splitlines()[0] for word, its in self.items()}

    def __getitem__(self, word: str) -> Any:
        if word not in self._members and word in self._modules():
            importlib.import_module(f"{self._package}.{word}")
        if word not in self._members:
            self._load()
        return self._members[word]

    def __iter__(self) -> Iterator[str]:
        self._load()
        # Of a package, one that was looked up alone was registered before the others.
        return iter(sorted(self._members) if self._package else list(self._members))

    def __len__(self) -> int:
        self._load()
        return len(self._members)

    def _is_own(self, member: Any) -> bool:
        """Whether it is registered by a module of the vocabulary itself."""
        home = str(_home(member)[0])
        return home in self._others or home.startswith(f"{self._package}.")

    def _modules(self) -> list[str]:
        """Return the names of the modules that register words."""
        if not self._package:
            return []
        folders = importlib.import_module(self._package).__path__
        names = (module.name for module in pkgutil.iter_modules(folders))
        return sorted(name for name in names if not name.startswith("_"))

    def _load(self) -> None:
        for name in (*(f"{self._package}.{name}" for name in self._modules()), *self._others):
            importlib.import_module(name)


def _home(member: Any) -> tuple[str, str]:
    kind = member if hasattr(member, "__qualname__") else type(member)
    return kind.__module__, kind.__qualname__


@dataclasses.dataclass(frozen=True)
class Words:
    """Names the vocabulary of a setting, in its annotation.

        optimizer: Annotated[str, Words("fashion_zoo.optimizers")] = "adam"

    The room of the vocabulary may stand above the setting's: it is imported when a value is
    checked, and such rooms import no framework.
    """

    room: str
    """Dotted name of the module that has it as ``WORDS``."""

    def load(self) -> Vocabulary[Any]:
        """Return the vocabulary."""
        return importlib.import_module(self.room).WORDS

    def parse(self, text: str) -> Any:
        """Return what a setting describes."""
        return self.load().parse(text)


def words_of(config: Any) -> dict[str, Vocabulary[Any]]:
    """Return the vocabulary of each field of a config dataclass that names one.

    Raises:
        ConfigError: it is no dataclass.
    """
    if not dataclasses.is_dataclass(config):
        raise ConfigError(f"words_of takes a config dataclass, received {config!r}.")
    return {field.name: words.load() for field, words in _settings(config)}


def check_words(config: Any, section: str = "") -> None:
    """Check that the words of a config can be read, and say which setting cannot.

    The default of a field is known to be right, and loads no vocabulary.

    Args:
        config: a config dataclass.
        section: what stands before the names of its fields in a message, such as ``"schedules."``.
    """
    for field, words in _settings(config):
        value = getattr(config, field.name)
        try:
            if not isinstance(value, str) or value != field.default:
                words.parse(value)
        except ConfigError as error:
            raise ConfigError(Message(f"{section}{field.name}: ", error)) from error


def _settings(config: Any) -> Iterator[tuple[dataclasses.Field, Words]]:
    for field in dataclasses.fields(config):
        for one in getattr(field.type, "__metadata__", ()):
            if isinstance(one, Words):
                yield field, one
