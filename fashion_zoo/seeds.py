"""Derived seeds: everything random is keyed by the run's seed and by what it is for."""

import hashlib


def derive(seed: int, *words: str | int) -> int:
    """Derive an independent seed, the same on every machine and Python version.

    Args:
        seed: the run's seed.
        *words: what the randomness is for, such as ``"kernel", "dense_1"``.

    Returns:
        An int in [0, 2**31): Keras keeps seeds in int32.
    """
    text = "/".join(str(word) for word in (seed, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF
