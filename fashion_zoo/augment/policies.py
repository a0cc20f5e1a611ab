"""Augmentation policies: the operations on each batch of images, written as an expression.

    flip | shift(2) | zoom(0.1) | erase(0.5)
    standard | either(mixup(0.2), cutmix(1))

Operations are applied from left to right. Each word here describes one, and ``parse`` reads a
policy; the other modules of ``fashion_zoo.augment`` apply it. Probabilities are in [0, 1], sizes in
pixels; ``strength`` (a schedule, in [0, 1]) multiplies the value that is named in each docstring.
"""

import ast
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from fashion_zoo.errors import ConfigError
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


def check_size(policy: Policy, shape: tuple[int, ...]) -> None:
    """Raise ConfigError if a distance is longer than an image of this (height, width)."""
    for one in policy:
        for name in ("pixels", "sigma"):
            value = one.values.get(name, 0)
            if isinstance(value, int | float) and value > max(shape):
                raise ConfigError(
                    f"{name} of {one.name} must be at most {max(shape)}, the longer side of an "
                    f"image, received {value:g}."
                )


def _probability(p: float) -> None:
    checks.number("p", p, "a probability in 0..1", lambda value: 0 <= value <= 1)


def _between(name: str, value: object, low: float, high: float) -> None:
    checks.number(name, value, f"a number in {low:g}..{high:g}", lambda n: low <= n <= high)


@WORDS.register
def flip(p: float = 0.5) -> Policy:
    """Mirror left and right with probability ``p``, which strength multiplies."""
    _probability(p)
    return operation("flip", p=p)


@WORDS.register
def shift(pixels: float = 2) -> Policy:
    """Move by whole pixels, up to ``pixels`` each way; strength multiplies it."""
    checks.not_negative("pixels", pixels)
    return operation("shift", pixels=pixels)


@WORDS.register
def translate(pixels: float = 2) -> Policy:
    """Move by any fraction of a pixel, up to ``pixels`` each way; strength multiplies it."""
    checks.not_negative("pixels", pixels)
    return operation("translate", pixels=pixels)


@WORDS.register
def rotate(degrees: float = 8) -> Policy:
    """Rotate about the centre, up to ``degrees`` either way; strength multiplies it."""
    _between("degrees", degrees, 0, 180)
    return operation("rotate", degrees=degrees)


@WORDS.register
def zoom(amount: float = 0.1) -> Policy:
    """Scale by a factor in ``1 - amount`` .. ``1 + amount``; strength multiplies the amount."""
    checks.fraction("amount", amount)
    return operation("zoom", amount=amount)


@WORDS.register
def shear(degrees: float = 8) -> Policy:
    """Shear horizontally, up to ``degrees`` either way; strength multiplies it."""
    _between("degrees", degrees, 0, 60)
    return operation("shear", degrees=degrees)


@WORDS.register
def elastic(alpha: float = 34, sigma: float = 4) -> Policy:
    """Distort by a smooth random field; strength multiplies ``alpha``.

    Displacements are uniform in -1..1, smoothed by a Gaussian of ``sigma`` pixels, times
    ``alpha`` pixels (Simard, Steinkraus & Platt 2003, ICDAR).
    """
    checks.not_negative("alpha", alpha)
    checks.number("sigma", sigma, "a number of at least 0.1", lambda value: value >= 0.1)
    return operation("elastic", alpha=alpha, sigma=sigma)


@WORDS.register
def erase(p: float = 0.5, low: float = 0.02, high: float = 0.3, fill: float = 0) -> Policy:
    """Fill a rectangle with probability ``p``, which strength multiplies.

    Its area is uniform in ``low`` .. ``high`` of the image, its aspect ratio in 0.3 .. 3.3 on a
    logarithmic scale, its pixels are ``fill`` (random erasing, Zhong et al. 2020,
    arXiv:1708.04896).
    """
    _probability(p)
    _between("low", low, 0, 1)
    _between("high", high, low, 1)
    _between("fill", fill, 0, 255)
    return operation("erase", p=p, low=low, high=high, fill=fill)


@WORDS.register
def cutout(size: float = 8, p: float = 1.0) -> Policy:
    """Blacken a square of ``size`` pixels with probability ``p``, which strength multiplies.

    Its centre is anywhere in the image, so that a part of it may lie outside (DeVries & Taylor
    2017, arXiv:1708.04552).
    """
    checks.whole("size", size, 1)
    _probability(p)
    return operation("cutout", size=size, p=p)


@WORDS.register
def noise(std: float = 0.05) -> Policy:
    """Add Gaussian noise of ``std`` of the full range; strength multiplies it."""
    checks.not_negative("std", std)
    return operation("noise", std=std)


@WORDS.register
def brightness(amount: float = 0.1) -> Policy:
    """Add up to ``amount`` of the full range, either way; strength multiplies it."""
    _between("amount", amount, 0, 1)
    return operation("brightness", amount=amount)


@WORDS.register
def contrast(amount: float = 0.2) -> Policy:
    """Scale the distance from the image's mean by ``1 - amount`` .. ``1 + amount``.

    Strength multiplies the amount.
    """
    _between("amount", amount, 0, 1)
    return operation("contrast", amount=amount)


@WORDS.register
def mixup(alpha: float = 0.2, p: float = 1.0) -> Policy:
    """Blend an image and its label with another's, with probability ``p``.

    The weight is drawn from Beta(alpha, alpha) (Zhang et al. 2018, arXiv:1710.09412). The
    schedule of mixing multiplies ``p``.
    """
    checks.positive("alpha", alpha)
    _probability(p)
    return operation("mixup", alpha=alpha, p=p)


@WORDS.register
def cutmix(alpha: float = 1.0, p: float = 1.0) -> Policy:
    """Paste a rectangle of another image, with probability ``p``; labels mix by area.

    The share that stays is drawn from Beta(alpha, alpha), and the rectangle is cut off at the
    border (Yun et al. 2019, arXiv:1905.04899). The schedule of mixing multiplies ``p``.
    """
    checks.positive("alpha", alpha)
    _probability(p)
    return operation("cutmix", alpha=alpha, p=p)


@WORDS.register
def either(first: Policy, second: Policy, p: float = 0.5) -> Policy:
    """Mix an image in the first way with probability ``p``, else in the second."""
    for way in (first, second):
        if not isinstance(way, tuple) or [one.name for one in way] not in (["mixup"], ["cutmix"]):
            raise ConfigError(
                f"either takes mixup and cutmix, as in either(mixup, cutmix); received {way!r}."
            )
    _probability(p)
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
