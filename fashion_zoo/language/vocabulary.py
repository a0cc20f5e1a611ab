"""Vocabularies: registered functions and objects, found by name.

    WORDS: Vocabulary[Schedule] = Vocabulary("schedule", example="cosine(1, 0.01)")

    @WORDS.register
    def linear(start: float = 1.0, end: float = 0.0) -> Schedule:
        \"\"\"A straight line.\"\"\"

    WORDS.parse("linear(1, 0.5)")

Each member is registered where it is defined; there is no central list. A package keeps its
vocabulary under the name ``WORDS``.
"""

import ast
import contextlib
import dataclasses
import importlib
import inspect
import keyword
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from fashion_zoo.errors import ConfigError, Message
from fashion_zoo.language import checks, expressions
from fashion_zoo.language.wording import unknown, with_article

Made = TypeVar("Made")
Member = TypeVar("Member")
EXPRESSION = re.compile(r"\s*(\w+)\s*(\(.*\)|\([^)]*)?\s*", re.DOTALL)
"""What is meant as a word or a call, whose closing bracket may be missing."""


class Form(NamedTuple):
    """Texts that are no expressions; a word takes them as its first argument."""

    test: Callable[[str], bool]
    description: str
    last: bool


class Vocabulary(Mapping[str, Any], Generic[Made]):
    """The words of one kind: a mapping from word to member.

    Args:
        kind: what an expression of these words describes, for messages: ``"schedule"``.
        package: dotted name of the package whose modules register the words, each preferably in the
            module of its name: looking it up then imports that module alone. Modules whose names
            begin with an underscore are skipped, and none may import a framework at its top. By
            default the words are those of the modules imported so far.
        modules: dotted names of other modules that register words; they are imported when all words
            are needed, or one without a module of its name.
        example: an expression, for messages.
        finish: turns the value of an expression into the result of ``parse``, or returns None if it
            is not of this kind; by default the value is the result.
    """

    def __init__(
        self,
        kind: str,
        *,
        package: str = "",
        modules: tuple[str, ...] = (),
        example: str = "",
        finish: Callable[[Any], Made | None] = lambda found: found,
    ):
        self.kind = kind
        self._package = package
        self._others = modules
        self._example = example
        self._finish = finish
        self._members: dict[str, Any] = {}
        self.operators: dict[type[ast.operator], Callable[[Any, Any], Any]] = {}
        self._forms: dict[str, Form] = {}

    def register(self, member: Member, name: str | None = None) -> Member:
        """Add a member, which needs a docstring, under ``name``, by default its ``__name__``.

        Raises:
            ConfigError: if the word is not an identifier or is taken, or the docstring is missing.
        """
        word = name or str(getattr(member, "__name__", ""))
        if not word.isidentifier() or keyword.iskeyword(word):
            raise ConfigError(
                f"The word of {with_article(self.kind)} is a name, received {word!r}."
            )
        home = _home(member)[0]
        if home not in self._others and not home.startswith(f"{self._package}."):
            self._load()  # so that no word of the package can be taken before it is loaded
        check_new(self.kind, word, member, self._members.get(word))
        self._members[word] = member
        return member

    def operator(self, sign: type[ast.operator]) -> Callable[[Any], Any]:
        """Decorate the function of both operands of an operator such as ``ast.BitOr``."""
        return lambda function: self.operators.setdefault(sign, function)

    def form(
        self, test: Callable[[str], bool], description: str, *, last: bool = False
    ) -> Callable[[Member], Member]:
        """Decorate a registered member to take each text that passes a test as its first argument.

        ``description`` is for messages; ``last`` is tried after the forms of the other words.
        """

        def add(member: Member) -> Member:
            self._forms[str(getattr(member, "__name__", ""))] = Form(test, description, last)
            return member

        return add

    @property
    def forms(self) -> str:
        """What is taken beside expressions, as a sentence; empty if it is nothing."""
        self._load()
        texts = [self._forms[word].description for word in self._ordered()]
        return (
            f"{with_article(self.kind).capitalize()} is also {', '.join(texts)}." if texts else ""
        )

    def _ordered(self) -> list[str]:
        return sorted(self._forms, key=lambda word: (self._forms[word].last, word))

    def parse(self, text: str) -> Made:
        """Evaluate an expression of the words.

        Raises:
            ConfigError: if it is not text, cannot be read, or is not of this kind; the message has
                the column, and the nearest word for an unknown one.
        """
        if not isinstance(text, str):
            raise ConfigError(
                f"{with_article(self.kind).capitalize()} is written as text, received {text!r}."
            )
        if "-" in text and text.replace("-", "_") in self:  # as on a command line
            raise ConfigError(unknown(self.kind, text, self))
        found = self._in_form(text) or expressions.parse(text, self)
        made = self._finish(found)
        if made is None:
            raise ConfigError(
                f"{text!r} is not {with_article(self.kind)} by itself. "
                f"Write one such as {self._example!r}."
            )
        return made

    def _in_form(self, text: str) -> Any:
        """Return the value of a text that is no expression, or None if it may be one."""
        expression = EXPRESSION.fullmatch(text)
        if expression and expression[1] in self:
            return None
        self._load()
        for word in self._ordered():
            if self._forms[word].test(text):
                return self[word](text)
        if not self._forms:
            return None
        name = expression[1] if expression else text.partition(":")[0]
        raise ConfigError(f"{unknown(self.kind, name, self)} {self.forms}")

    def member(self, word: str) -> Any:
        """Return the member of a word; raises ConfigError with all words if it is unknown."""
        if word not in self:
            raise ConfigError(unknown(self.kind, word, self))
        return self[word]

    def bare(self) -> dict[str, Made]:
        """Return the value of each word without arguments; skips words that need some."""
        found = {}
        for word in self:
            with contextlib.suppress(ConfigError):
                found[word] = self.parse(word)
        return found

    def lines(self) -> dict[str, str]:
        """Return the first line of each word's docstring."""
        return {word: inspect.cleandoc(its.__doc__).splitlines()[0] for word, its in self.items()}

    def __getitem__(self, word: str) -> Any:
        if word not in self._members and word in self._modules():
            importlib.import_module(f"{self._package}.{word}")
        if word not in self._members:
            self._load()
        return self._members[word]

    def __iter__(self) -> Iterator[str]:
        self._load()
        # In a package, a word that was looked up alone was registered before the others.
        return iter(sorted(self._members) if self._package else list(self._members))

    def __len__(self) -> int:
        self._load()
        return len(self._members)

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


def check_new(kind: str, word: str, member: Any, taken: Any) -> None:
    """Check that a member has a docstring, and that its word is not ``taken`` by another one."""
    if not (member.__doc__ or "").strip():
        raise ConfigError(
            f"{kind.capitalize()} {word!r} has no docstring; its first line is the help."
        )
    # A cell of a notebook that is run again registers the same member.
    if taken is not None and _home(taken) != _home(member):
        raise ConfigError(
            f"{kind.capitalize()} {word!r} is registered already, by {_home(taken)[0]}. "
            "Give the new one another name."
        )


def _home(member: Any) -> tuple[str, str]:
    kind = member if hasattr(member, "__qualname__") else type(member)
    return str(kind.__module__), kind.__qualname__


@dataclasses.dataclass(frozen=True)
class Words:
    """Annotation that names the vocabulary of a setting.

        optimizer: Annotated[str, Words("fashion_zoo.optimizers")] = "adam"

    The module of the vocabulary is imported when a value is checked, because it may be of a higher
    level than the setting. It imports no framework.
    """

    module: str
    """Dotted name of the module that has the vocabulary as ``WORDS``."""

    def load(self) -> Vocabulary[Any]:
        """Import and return the vocabulary."""
        return importlib.import_module(self.module).WORDS

    def parse(self, text: str) -> Any:
        """Evaluate the value of a setting."""
        return self.load().parse(text)


def words_of(config: Any) -> dict[str, Vocabulary[Any]]:
    """Return the vocabulary of each field of a config dataclass that has one."""
    if not dataclasses.is_dataclass(config):
        raise ConfigError(f"words_of takes a config dataclass, received {config!r}.")
    return {
        field.name: one.load()
        for field in dataclasses.fields(config)
        for one in getattr(field.type, "__metadata__", ())
        if isinstance(one, Words)
    }


def check_settings(config: Any, section: str = "", of: Any = None) -> None:
    """Check each field of a config dataclass by its annotation.

        monitor: Literal["accuracy", "loss"] = "loss"
        schedules: SchedulesConfig = SchedulesConfig()
        optimizer: Annotated[str, Words("fashion_zoo.optimizers")] = "adam"
        budget: Annotated[float | None, checks.positive] = None

    A default word is not read, so that it loads no vocabulary. Messages put ``section``, such as
    ``"schedules."``, before the name of a field. ``of`` is a base class whose fields alone are
    checked.
    """
    for field in dataclasses.fields(of or config):
        value, name = getattr(config, field.name), section + field.name
        metadata = getattr(field.type, "__metadata__", ())
        kind: Any = typing.get_args(field.type)[0] if metadata else field.type
        optional = type(None) in typing.get_args(kind)
        if typing.get_origin(kind) is Literal:
            checks.choice(name, value, kind)
        elif (
            isinstance(kind, type)
            and dataclasses.is_dataclass(kind)
            and not isinstance(value, kind)
        ):
            raise ConfigError(f"{name} must be a {kind.__name__}, received {value!r}.")
        for check in metadata:
            if isinstance(check, Words):
                if isinstance(value, str) and value == field.default:
                    continue
                try:
                    check.parse(value)
                except ConfigError as error:
                    raise ConfigError(Message(f"{name}: ", error)) from error
            elif inspect.isfunction(check) and not (value is None and optional):
                check(name, value)  # what is not a function is of another library, such as tyro
