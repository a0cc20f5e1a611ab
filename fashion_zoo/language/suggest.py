"""How an unknown name is answered, everywhere: what came, the nearest name, all names."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, received: object, known: Iterable[str]) -> str:
    """Build the sentence for a name that is not known.

    Args:
        kind: what was looked up, such as ``"recipe"``.
        received: the name that came.
        known: every name that would have been taken.

    Returns:
        For example ``Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'? Known: ...``.
    """
    names = sorted(known)
    near = nearest(str(received), names)
    hint = f" Did you mean {near!r}?" if near is not None else ""
    return f"Unknown {kind} {received!r}.{hint} Known: {', '.join(names) or 'none'}."


def nearest(received: str, names: Iterable[str]) -> str | None:
    """Return the name most like the one received, in upper or lower case; None without any."""
    # The comparison takes the product of the lengths; no name is so long.
    received = received[:100]
    by_letters = {name.lower(): name for name in names}
    near = difflib.get_close_matches(received.lower(), by_letters, n=1)
    return by_letters[near[0]] if near else None
