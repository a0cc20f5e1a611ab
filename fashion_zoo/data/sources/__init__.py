"""Sources of images, one per file, found by name.

A source is a function of the arguments of its word that returns a function from a ``DataConfig`` to
a ``Dataset``; that of ``arrays`` takes the arrays and the class names too.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    from fashion_zoo.data.dataset import Dataset

WORDS: "Vocabulary[Callable[..., Dataset]]" = Vocabulary(
    "dataset", package="fashion_zoo.data.sources", example="fashion_mnist"
)
