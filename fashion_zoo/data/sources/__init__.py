"""Where images come from: one kind of source a file, found by its word.

A source is a function of a word's arguments that returns a function from a ``DataConfig`` to a
``Dataset``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashion_zoo.config import DataConfig
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    from fashion_zoo.data.dataset import Dataset

WORDS: "Vocabulary[Callable[[DataConfig], Dataset]]" = Vocabulary(
    "dataset", package="fashion_zoo.data.sources", example="fashion_mnist", quoted=True
)
