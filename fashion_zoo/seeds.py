"""Derived seeds: everything random is keyed by the run's seed and by what it is for."""

import hashlib


def derive(seed: int, *words: str | int) -> int:
    """Derive an independent seed in [0, 2**31), the same on every machine and Python version.

    ``words`` are what the randomness is for, such as ``"kernel", "dense_1"``.
    """
    text = "/".join(str(word) for word in (seed, *words))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF  # Keras keeps seeds in int32
