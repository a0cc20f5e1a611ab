"""Parser of settings that are written as expressions.

    cosine(1, 0.001)
    warmup(0.05) >> cosine
    join([constant, linear], [0.5])

It reads Python's syntax tree and never evaluates Python code: a name is looked up in a vocabulary,
and a bare name is a call without arguments.
"""

import ast
import inspect
import operator
from typing import TYPE_CHECKING, Any

from fashion_zoo.errors import ConfigError
from fashion_zoo.language.wording import unknown, with_article

if TYPE_CHECKING:
    from fashion_zoo.language.vocabulary import Vocabulary

LONGEST = 2000  # characters of an expression; a table of 100 fractions has half of them
DEEPEST = 50  # levels of nesting; a policy of 50 operations has as many
_SHOWN = 200  # characters of an expression in a message
# Raised by Python's parser and the functions of a vocabulary for null characters, lone surrogates,
# numbers too large for a float, and expressions that exhaust the stack.
_UNREADABLE = (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError)


def parse(text: str, words: "Vocabulary[Any]") -> Any:
    """Evaluate an expression of names, calls, literals, fractions, lists and the operators.

    A ConfigError about anything else has the column, from 1.
    """
    kind = with_article(words.kind)
    if len(text) > LONGEST:
        reason = f"{kind} has at most {LONGEST} characters, received {len(text)}."
        raise _error(text, LONGEST + 1, reason)
    if not text.strip():
        raise _error(text, 1, f"expected {kind}. Known: {', '.join(sorted(words))}.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise _error(text, error.offset or 1, f"{error.msg}") from error
    except _UNREADABLE as error:
        column = error.start + 1 if isinstance(error, UnicodeEncodeError) else 1
        raise _error(text, column, f"Python cannot parse it: {error}.") from error
    return _Reader(text, words).read(tree)


def _error(text: str, column: int, reason: str) -> ConfigError:
    return ConfigError(f"Cannot read {_shown(text)!r}, column {column}: {reason}")


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class _Reader:
    def __init__(self, text: str, words: "Vocabulary[Any]"):
        self.text = text
        self.words = words
        self.kind = with_article(words.kind)

    def read(self, node: ast.expr, depth: int = 1) -> Any:
        if depth > DEEPEST:
            raise self._error(node, f"{self.kind} nests at most {DEEPEST} levels.")
        match node:
            case ast.Name() | ast.Call():
                return self._call(node, depth + 1)
            case ast.BinOp() if operate := self.words.operators.get(type(node.op)):
                both = [self.read(one, depth + 1) for one in (node.left, node.right)]
                return self._apply(node, operate, both, {})
            case ast.Constant(value=int() | float() | str() | None):
                return node.value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
                return -self.read(node.operand, depth + 1)
            case ast.BinOp(
                op=ast.Div(),
                left=ast.Constant(value=int() | float() as over),
                right=ast.Constant(value=int() | float() as under),
            ) if under:
                return self._apply(node, operator.truediv, [over, under], {})
            case ast.List() | ast.Tuple():
                return [self.read(element, depth + 1) for element in node.elts]
            case _:
                raise self._error(node, f"{self._source(node)} cannot stand in {self.kind}.")

    def _call(self, node: ast.Name | ast.Call, depth: int) -> Any:
        function = node.func if isinstance(node, ast.Call) else node
        if not isinstance(function, ast.Name):
            raise self._error(node, f"{self._source(function)} is not a name.")
        if function.id not in self.words:
            raise self._error(node, unknown(self.words.kind, function.id, self.words))
        arguments, keywords = [], {}
        if isinstance(node, ast.Call):
            arguments = [self.read(argument, depth) for argument in node.args]
            for keyword in node.keywords:
                if keyword.arg is None:
                    raise self._error(keyword.value, "** cannot stand here.")
                keywords[keyword.arg] = self.read(keyword.value, depth)
        member = self.words[function.id]
        self._check_keywords(node, function.id, member, keywords)
        return self._apply(node, member, arguments, keywords)

    def _check_keywords(self, node: ast.expr, word: str, member, keywords) -> None:
        if not keywords or not callable(member):
            return
        known = inspect.signature(member).parameters
        if any(one.kind is one.VAR_KEYWORD for one in known.values()):
            return
        for name in keywords.keys() - known.keys():
            raise self._error(node, unknown(f"argument of {word}", name, known))

    def _apply(self, node: ast.expr, function, arguments, keywords) -> Any:
        try:
            return function(*arguments, **keywords)
        except ArithmeticError as error:
            raise self._error(node, f"the numbers are too large: {error}.") from error
        except _UNREADABLE as error:
            raise self._error(node, str(error)) from error

    def _source(self, node: ast.expr) -> str:
        return _shown(ast.get_source_segment(self.text.strip(), node) or "")

    def _error(self, node: ast.expr, reason: str) -> ConfigError:
        indent = len(self.text) - len(self.text.lstrip())
        return _error(self.text, node.col_offset + indent + 1, reason)
