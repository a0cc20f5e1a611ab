"""Handwritten digits of scikit-learn, for tests and quick looks."""

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.data.sources import WORDS, Given, Raw, Source


@WORDS.register
def digits() -> Source:
    """Handwritten digits: 1,797 grey images of 8x8 in ten classes, which scikit-learn carries.

    Reference: Alpaydin & Kaynak 1998, doi:10.24432/C50P49.
    """
    return Source(_read)


def _read(config: DataConfig) -> Raw:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)  # its pixels are in 0..16
    return Raw(Given(images, found.target, "digits", "digits"))
