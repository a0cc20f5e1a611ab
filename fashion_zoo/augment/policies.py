"""Augmentation policies: the operations on each batch of images, written as an expression.

    flip | shift(2) | zoom(0.1) | erase(0.5)
    standard | either(mixup(0.2), cutmix(1))

Operations are applied from left to right. Each word here describes one, and ``parse`` reads a
policy; the other modules of ``fashion_zoo.augment`` apply it. Probabilities are in [0, 1], sizes in
pixels; ``strength`` (a schedule, in [0, 1]) multiplies the value that is named in each docstring.
"""

import ast
import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args

from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of a policy."""

    name: str
    """Name of the function that made it."""
    values: Mapping[str, Any]
    """All of its arguments."""
    change: Callable[..., Any] | None = dataclasses.field(default=None, compare=False)
    """``change(images, key, strength, **values)`` of float32 (batch, height, width) TensorFlow
    tensors in 0..255; by default the function of this name in ``pixels``."""

    @property
    def mixes(self) -> bool:
        """Whether it mixes images and their labels."""
        return self.name in MIXING


Policy = tuple[Operation, ...]
MIXING = ("mixup", "cutmix", "either")

WORDS: Vocabulary[Policy] = Vocabulary(
    "policy",
    example="flip | shift(2)",
    finish=lambda made: made if isinstance(made, tuple) else None,
)
parse = WORDS.parse


def operation(name: str, change: Callable[..., Any] | None = None, /, **values: Any) -> Policy:
    """Return a policy of one operation; ``change`` applies one that is not of this package."""
    return (Operation(name, values, change),)


def check_size(policy: Policy, shape: tuple[int, ...], instead: Hint | None = None) -> None:
    """Raise ConfigError if images are in colour, or a distance is longer than one of this shape.

    ``instead`` is what leaves the policy out, by default the setting of a training.
    """
    if policy and len(shape) == 3:
        raise ConfigError(
            "Augmentation takes grey images, and these are in colour. Set ",
            Hint("data.color", "grey"),
            ", or ",
            instead or Hint("training.augmentation", "none"),
            ".",
        )
    for one in policy:
        for name in ("pixels", "sigma"):
            value = one.values.get(name, 0)
            if isinstance(value, int | float) and value > max(shape):
                raise ConfigError(
                    f"{name} of {one.name} must be at most {max(shape)}, the longer side of an "
                    f"image, received {value:g}.",
                    *((" Set ", instead, ".") if instead else ()),
                )


def _between(low: float, high: float, kind: str = "a number") -> Callable[[str, object], None]:
    allowed = f"{kind} in {low:g}..{high:g}"
    return lambda name, value: checks.number(name, value, allowed, lambda n: low <= n <= high)


_probability = _between(0, 1, "a probability")
Probability = Annotated[float, _probability]
Share = Annotated[float, _between(0, 1)]
Size = Annotated[float, checks.not_negative]


def _operation(check: Callable[..., None]) -> Callable[..., Policy]:
    """Register an operation: its arguments are checked by their annotations, then by its body."""
    signature = inspect.signature(check)

    @functools.wraps(check)
    def made(*args: Any, **kwargs: Any) -> Policy:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            for one in get_args(signature.parameters[name].annotation)[1:]:
                one(name, value)
        check(**bound.arguments)
        return operation(check.__name__, **bound.arguments)

    return WORDS.register(made)


@_operation
def flip(p: Probability = 0.5):
    """Mirror left and right with probability ``p``, which strength multiplies."""


@_operation
def shift(pixels: Size = 2):
    """Move by whole pixels, up to ``pixels`` each way; strength multiplies it."""


@_operation
def translate(pixels: Size = 2):
    """Move by any fraction of a pixel, up to ``pixels`` each way; strength multiplies it."""


@_operation
def rotate(degrees: Annotated[float, _between(0, 180)] = 8):
    """Rotate about the centre, up to ``degrees`` either way; strength multiplies it."""


@_operation
def zoom(amount: Annotated[float, checks.fraction] = 0.1):
    """Scale by a factor in ``1 - amount`` .. ``1 + amount``; strength multiplies the amount."""


@_operation
def shear(degrees: Annotated[float, _between(0, 60)] = 8):
    """Shear horizontally, up to ``degrees`` either way; strength multiplies it."""


@_operation
def elastic(alpha: Size = 34, sigma: float = 4):
    """Distort by a smooth random field; strength multiplies ``alpha``.

    Displacements are uniform in -1..1, smoothed by a Gaussian of ``sigma`` pixels, times
    ``alpha`` pixels (Simard, Steinkraus & Platt 2003, ICDAR).
    """
    checks.number("sigma", sigma, "a number of at least 0.1", lambda value: value >= 0.1)


@_operation
def erase(
    p: Probability = 0.5,
    low: Share = 0.02,
    high: float = 0.3,
    fill: Annotated[float, _between(0, 255)] = 0,
):
    """Fill a rectangle with probability ``p``, which strength multiplies.

    Its area is uniform in ``low`` .. ``high`` of the image, its aspect ratio in 0.3 .. 3.3 on a
    logarithmic scale, its pixels are ``fill`` (random erasing, Zhong et al. 2020,
    arXiv:1708.04896).
    """
    _between(low, 1)("high", high)


@_operation
def cutout(size: Annotated[float, checks.at_least(1)] = 8, p: Probability = 1.0):
    """Blacken a square of ``size`` pixels with probability ``p``, which strength multiplies.

    Its centre is anywhere in the image, so that a part of it may lie outside (DeVries & Taylor
    2017, arXiv:1708.04552).
    """


@_operation
def noise(std: Size = 0.05):
    """Add Gaussian noise of ``std`` of the full range; strength multiplies it."""


@_operation
def brightness(amount: Share = 0.1):
    """Add up to ``amount`` of the full range, either way; strength multiplies it."""


@_operation
def contrast(amount: Share = 0.2):
    """Scale the distance from the image's mean by ``1 - amount`` .. ``1 + amount``.

    Strength multiplies the amount.
    """


@_operation
def mixup(alpha: Annotated[float, checks.positive] = 0.2, p: Probability = 1.0):
    """Blend an image and its label with another's, with probability ``p``.

    The weight is drawn from Beta(alpha, alpha) (Zhang et al. 2018, arXiv:1710.09412). The
    schedule of mixing multiplies ``p``.
    """


@_operation
def cutmix(alpha: Annotated[float, checks.positive] = 1.0, p: Probability = 1.0):
    """Paste a rectangle of another image, with probability ``p``; labels mix by area.

    The share that stays is drawn from Beta(alpha, alpha), and the rectangle is cut off at the
    border (Yun et al. 2019, arXiv:1905.04899). The schedule of mixing multiplies ``p``.
    """


@WORDS.register
def either(first: Policy, second: Policy, p: Probability = 0.5) -> Policy:
    """Mix an image in the first way with probability ``p``, else in the second."""
    for way in (first, second):
        if not isinstance(way, tuple) or [one.name for one in way] not in (["mixup"], ["cutmix"]):
            raise ConfigError(
                f"either takes mixup and cutmix, as in either(mixup, cutmix); received {way!r}."
            )
    _probability("p", p)
    return operation("either", first=first[0], second=second[0], p=p)


@WORDS.operator(ast.BitOr)
def _then(first: Policy, second: Policy) -> Policy:
    for policy in (first, second):
        if not isinstance(policy, tuple):
            raise ConfigError(f"| stands between operations, received {policy!r}.")
    if second and mixes(first):
        raise ConfigError(
            "what mixes images stands last, and once. For two ways write either(mixup, cutmix)."
        )
    return first + second


def mixes(policy: Policy) -> bool:
    """Return whether a policy mixes labels, which are probabilities then."""
    return any(operation.mixes for operation in policy)


OPERATIONS = tuple(WORDS)
"""The operations that come with the package."""
POLICIES = {
    "none": "",
    "light": "flip | shift(1)",
    "standard": "flip | translate(1) | zoom(0.05)",
    "strong": "flip | translate(2) | rotate(8) | zoom(0.1) | erase(0.5) | cutmix(1, 0.5)",
}
"""Named policies of several operations."""


def _named(text: str) -> Callable[[], Policy]:
    def policy() -> Policy:
        return parse(text) if text else ()

    policy.__doc__ = text or "changes nothing"
    return policy


for _name, _text in POLICIES.items():
    WORDS.register(_named(_text), _name)
