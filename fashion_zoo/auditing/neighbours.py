"""Images that look alike: descriptors that a shift hardly changes, and their nearest neighbours."""

from collections.abc import Callable

import numpy as np

from fashion_zoo.data.conversion import grey
from fashion_zoo.data.pictures import fitted

COUNT = 10  # neighbours of an image
LARGEST = 64  # height and width in pixels; larger images are compared at this size
_PERIODS = 12  # the highest frequency of a descriptor, over twice the height or width
_NUMBERS = 64  # of a descriptor, after the projection
_VALUES = 2**22  # of a chunk, to save memory
_ROWS = 5000  # images whose neighbours are searched together

Advance = Callable[[int], None]


def comparable(images: np.ndarray) -> np.ndarray:
    """Return images of at most 64x64, resized and padded if they are larger."""
    height, width = images.shape[1:3]
    if max(height, width) <= LARGEST:
        return images
    return np.stack([fitted(image, (LARGEST, LARGEST)) for image in images])


class Descriptors:
    """Descriptors of images, in which a distance is one of grey levels.

    The magnitude of the two-dimensional Fourier transform of an image, padded with zeros to
    twice its size, does not change when the image is moved within the padding. The low frequencies
    are projected on their 64 principal components. By Parseval's theorem the distance of two
    descriptors is at most the root mean square difference of the images at their best alignment.

    Args:
        images: (n, height, width) grey or (n, height, width, 3) uint8 images of which the principal
            components are found.

    Reference: Casasent & Psaltis 1976, Applied Optics 15(7), for the magnitude.
    """

    def __init__(self, images: np.ndarray):
        from sklearn.decomposition import PCA

        found = spectra(images)
        kept = min(_NUMBERS, *found.shape)
        self._components = PCA(kept, svd_solver="covariance_eigh").fit(found)
        self.points = self(found)
        """(n, 64) float32 of these images."""

    def __call__(self, found: np.ndarray) -> np.ndarray:
        """Return the descriptors of (m, frequencies) spectra, (m, 64) float32."""
        return np.ascontiguousarray(self._components.transform(found), dtype=np.float32)


def spectra(images: np.ndarray) -> np.ndarray:
    """Return the magnitudes of the low frequencies of images, (n, frequencies) float32.

    They are scaled so that the sum of all squares would be the mean square of the pixels.
    """
    from scipy import fft

    height, width = images.shape[1:3]
    padded = [fft.next_fast_len(2 * side, real=True) for side in (height, width)]
    highest = [min(_PERIODS, side - 1) for side in (height, width)]
    rows, columns = np.arange(-highest[0], highest[0] + 1), np.arange(highest[1] + 1)
    # The transform of real numbers has each column but the first twice.
    scale = np.sqrt(np.where(columns, 2, 1) / (np.prod(padded) * height * width))
    found, chunk = [], max(_VALUES // int(np.prod(padded)), 1)
    for start in range(0, len(images), chunk):
        part = images[start : start + chunk]
        part = (grey(part) if part.ndim == 4 else part).astype(np.float32)
        magnitudes = np.abs(fft.rfft2(part, padded)[:, rows[:, None], columns])
        found.append((magnitudes * scale).reshape(len(part), -1).astype(np.float32))
    return np.concatenate(found)


def nearest(
    points: np.ndarray, advance: Advance = lambda done: None
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and places of the nearest other points, each (n, neighbours), exactly.

    ``advance`` is called with the number of points that are done.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(COUNT + 1, len(points))
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(points)
    found = []
    for start in range(0, len(points), _ROWS):
        found.append(search.kneighbors(points[start : start + _ROWS]))
        advance(min(start + _ROWS, len(points)))
    distances, places = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    itself = places == np.arange(len(points))[:, None]
    itself[~itself.any(axis=1), -1] = True  # others at the same point came before
    shape = (len(points), count - 1)
    return distances[~itself].reshape(shape), places[~itself].reshape(shape)


def far_out(scores: np.ndarray) -> np.ndarray:
    """Return which scores are far out, more than three interquartile ranges above the third.

    Reference: Tukey 1977, Exploratory Data Analysis, section 2D.
    """
    low, high = np.percentile(scores, [25, 75])
    return scores > high + 3 * (high - low)
