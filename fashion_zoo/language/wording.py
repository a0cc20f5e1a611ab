"""How numbers are written, and how unknown names are answered, in every message and page.

Numbers: 91.31 %, +0.13 points, 1 epoch, 1,206,538 parameters. A fraction of images is shown in
percent, and a difference of two in points.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

_LISTED = 50  # names in a message; of more only the first few
_FEW = 5


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular, such as ``"epoch"``, for exactly one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Join words as in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def with_article(word: str) -> str:
    """Return a noun with a or an."""
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"


def percent(fraction: float) -> str:
    """Format a fraction such as 0.9131 as ``91.31 %``."""
    return f"{100 * fraction:.2f} %"


def points(difference: float) -> str:
    """Format a difference of two fractions, such as 0.0013, as ``+0.13``."""
    return f"{100 * difference:+.2f}"


def cost(name: str, value: float) -> str:
    """Format a cost of a model with its unit: 1,206,538 parameters, or a latency of 4.5 ms."""
    return counted(round(value), "parameter") if name == "parameters" else f"{value:.1f} ms"


def unknown(kind: str, received: object, known: Iterable[str]) -> str:
    """Return the message for an unknown name: what was received, the nearest name, all names.

    For example ``Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'? Known: ...`` of the ``kind``
    ``"recipe"``.
    """
    names = sorted(known)
    near = nearest(str(received), names)
    hint = f" Did you mean {near!r}?" if near is not None else ""
    if len(names) > _LISTED:
        names = [*names[:_FEW], f"and {len(names) - _FEW:,} more"]
    return f"Unknown {kind} {received!r}.{hint} Known: {', '.join(names) or 'none'}."


def nearest(received: str, names: Iterable[str]) -> str | None:
    """Return the name closest to the one received, ignoring case; None if none is close."""
    # The comparison takes the product of the lengths; no name is so long.
    received = received[:100]
    by_letters = {name.lower(): name for name in names}
    near = difflib.get_close_matches(received.lower(), by_letters, n=1)
    return by_letters[near[0]] if near else None


def meant_folder(path: Path, file: str) -> str:
    """Return the question, after a blank, for a folder that is not there; "" if none is close.

    The nearest folder beside it is proposed, of those with ``file`` in them.
    """
    try:
        near = nearest(path.name, (one.parent.name for one in path.parent.glob(f"*/{file}")))
    except OSError:
        return ""
    return f" Did you mean {str(path.with_name(near))!r}?" if near else ""
