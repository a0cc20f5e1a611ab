"""Sources of images, one per file, found by name.

A source is a function of the arguments of its word that returns a function from a ``DataConfig`` to
a ``Dataset``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashion_zoo.config import DataConfig
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    from fashion_zoo.data.dataset import Dataset

WORDS: "Vocabulary[Callable[[DataConfig], Dataset]]" = Vocabulary(
    "dataset", package="fashion_zoo.data.sources", example="fashion_mnist"
)
