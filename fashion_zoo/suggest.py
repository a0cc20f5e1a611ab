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
    near = difflib.get_close_matches(str(received), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown {kind} {received!r}.{hint} Known: {', '.join(names) or 'none'}."
