"""Pictures of any size and colour to what a model takes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from fashion_zoo.data.sources import IMAGE_SHAPE
from fashion_zoo.errors import DataError


class Picture(NamedTuple):
    """A picture that was read."""

    image: np.ndarray
    """(28, 28) uint8, 0 is black."""
    notes: tuple[str, ...]
    """What was done to it, for a person."""
    looks_inverted: bool
    """Whether it looks inverted: its border is light, where the data has black."""


def read_picture(path: str | Path, *, invert: bool = False) -> Picture:
    """Read a picture file and turn it into 28x28 grey.

    A photograph is turned upright as its camera says, and transparent parts become black. A
    picture that is not square is padded to a square with the grey of its border, so that nothing
    is stretched.

    Args:
        path: a file that Pillow reads (PNG, JPEG, ...).
        invert: whether to swap light and dark.

    Raises:
        DataError: the file is missing, not a picture, damaged or larger than Pillow's limit.
    """
    from PIL import Image, ImageOps

    path = Path(path)
    try:
        with Image.open(path) as file:
            mode, upright = file.mode, ImageOps.exif_transpose(file)
            turned, size = upright.size != file.size, upright.size
            grey = _grey(upright)
            if size != IMAGE_SHAPE:
                border = _border(grey)
                grey = ImageOps.pad(grey, IMAGE_SHAPE, Image.Resampling.LANCZOS, color=border)
    except FileNotFoundError:
        raise DataError(f"There is no picture {path}.") from None
    except Exception as error:  # each of Pillow's readers has its own way to fail
        raise DataError(f"{path} cannot be read as a picture: {error}") from error
    notes = ["turned upright"] if turned else []
    if mode != "L":
        notes.append(f"{mode} to grey")
    if size != IMAGE_SHAPE:
        notes.append(f"{size[0]}x{size[1]} to {IMAGE_SHAPE[0]}x{IMAGE_SHAPE[1]}")
    if invert:
        grey = ImageOps.invert(grey)
        notes.append("inverted")
    return Picture(np.asarray(grey), tuple(notes), _border(grey) > 127)


def _grey(file):
    from PIL import Image

    if file.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits, whose black and white nobody knows; use 8 or 16")
    if file.mode.startswith("I;16"):  # convert("L") would clip them
        return Image.fromarray((np.asarray(file) >> 8).astype(np.uint8))
    if "A" in file.getbands() or "transparency" in file.info:
        black = Image.new("RGBA", file.size, "black")
        return Image.alpha_composite(black, file.convert("RGBA")).convert("L")
    return file.convert("L")


def _border(grey) -> int:
    pixels = np.asarray(grey)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return int(np.median(np.concatenate(edges)))
