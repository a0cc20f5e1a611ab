"""Images and labels in memory."""

from collections.abc import Sequence
from typing import Any

from fashion_zoo.config import DataConfig
from fashion_zoo.data.sources import WORDS, Given, Raw, Source
from fashion_zoo.errors import ConfigError, DataError
from fashion_zoo.language import checks

APART = "arrays(apart=True)"


@WORDS.register
def arrays(apart: bool = False) -> Source:
    """Arrays of your own, given in Python: ``fashion_zoo.train(NAME, data=(x, y))``.

    ``apart=True`` splits as older versions did, which let equal images stand on two sides.
    """
    checks.flag("apart", apart)
    return Source(_read, word=APART if apart else "arrays", title="arrays")


def _read(config: DataConfig) -> Raw:
    raise ConfigError(  # a config does not hold the arrays
        "These images were arrays in memory, which cannot be read again. Give them in Python: "
        "data=(x, y) or data=(x, y, x_test, y_test)."
    )


def read_given(given: Sequence[Any], class_names: Sequence[str] | None = None) -> Raw:
    """Return ``(x, y)``, ``(x, y, x_test, y_test)`` or ``((x, y), (x_test, y_test))`` as read."""
    if len(given) == 2 and all(isinstance(part, tuple) and len(part) == 2 for part in given):
        given = [*given[0], *given[1]]  # as load_data() of Keras returns them
    if len(given) not in (2, 4):
        raise DataError(
            "Arrays are given as (x, y), (x, y, x_test, y_test) or ((x, y), (x_test, y_test)), "
            f"received {len(given)}."
        )
    test = Given(given[2], given[3], "x_test", "y_test") if len(given) == 4 else None
    return Raw(Given(given[0], given[1]), test, class_names=class_names)
