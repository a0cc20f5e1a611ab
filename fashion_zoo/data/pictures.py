"""Pictures of any size and colour to what a model takes."""

import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fashion_zoo.errors import DataError
from fashion_zoo.storage import reading

_FAINT = 32  # grey levels between the darkest and the lightest pixel; Fashion-MNIST has 254 or more
_OPAQUE = 255
_LARGEST = 2**28  # bytes of a file
_PIXELS = 8192 * 6144  # a camera of 50 megapixels; with several copies, they stay below 500 MiB
_SIDE = 2**16  # each row costs memory of its own
_MANY = 2**22  # pixels that are plenty for a small picture
# What brings a picture upright, by the orientation that a camera noted: 1 is upright already.
_TURNS = {
    2: "mirrored", 3: "turned upright", 4: "turned upright and mirrored",
    5: "turned upright and mirrored", 6: "turned upright", 7: "turned upright and mirrored",
    8: "turned upright",
}  # fmt: skip


class Picture(NamedTuple):
    """A picture that was read."""

    image: np.ndarray
    """(height, width) uint8, 0 is black."""
    notes: tuple[str, ...]
    """What was done to it, for a person."""
    looks_inverted: bool
    """Whether it looks inverted: its border is light, where the data has black."""
    is_faint: bool
    """Whether hardly any contrast is left, so that there is next to nothing to recognize."""


def read_picture(path: str | Path, shape: tuple[int, ...], *, invert: bool = False) -> Picture:
    """Read a picture file and turn it into a small grey one.

    A photograph is turned upright as its camera says. Transparent parts become black where what
    is drawn is light, and white where it is dark, so that it stands out. A picture of other
    proportions is padded with the grey of its border, so that nothing is stretched.

    Args:
        path: a file that Pillow reads (PNG, JPEG, ...).
        shape: (height, width) of what a model takes.
        invert: whether to swap light and dark.

    Raises:
        DataError: the file is missing, not a picture, damaged, or has more than 50 million pixels.
    """
    from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

    path, wanted = Path(path), (shape[1], shape[0])
    try:
        with reading.open_regular(path, _LARGEST) as opened, _header(opened) as file:
            mode, turn = file.mode, _TURNS.get(file.getexif().get(ExifTags.Base.Orientation, 1))
            ImageOps.exif_transpose(file, in_place=True)
            size = file.size
            grey, ground = _grey(file)
            if size != wanted:
                color = border(grey)
                grey = ImageOps.pad(grey, wanted, Image.Resampling.LANCZOS, color=color)
    except IsADirectoryError:
        raise DataError(f"{path} is a folder. Name the pictures in it.") from None
    except FileNotFoundError:
        raise DataError(f"There is no picture {path}.") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path} cannot be read as a picture: it is of no format that Pillow knows."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read as a picture: {error.strerror or error}") from error
    except Exception as error:  # each of Pillow's readers has its own way to fail
        raise DataError(f"{path} cannot be read as a picture: {error}") from error
    notes = [turn] if turn else []
    if mode != "L":
        notes.append(f"{mode} to grey")
    if ground:
        notes.append(f"transparent parts to {ground}")
    if size != wanted:
        notes.append(f"{size[0]}x{size[1]} to {wanted[0]}x{wanted[1]}")
    if invert:
        grey = ImageOps.invert(grey)
        notes.append("inverted")
    image = np.asarray(grey)
    return Picture(image, tuple(notes), border(grey) > 127, is_faint(image))


def is_faint(image: np.ndarray) -> bool:
    """Tell whether pixels in 0..255 have hardly any contrast."""
    return bool(np.ptp(image.astype(np.float32)) < _FAINT)


def _header(opened):
    """Return a picture of which nothing but the header was read.

    Raises:
        ValueError: it would take too much memory; a small file can claim any size.
    """
    from PIL import Image

    with warnings.catch_warnings():  # of what is refused below
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        file = Image.open(opened)
    width, height = file.size
    if width * height > _PIXELS or max(width, height) > _SIDE:
        raise ValueError(
            f"it has {width:,}x{height:,} pixels; at most {_PIXELS // 10**6} million are read, and "
            f"{_SIDE:,} a side"
        )
    return file


def _grey(file):
    """Return the picture in grey, and the ground that stands where it was transparent, if any."""
    from PIL import Image

    if file.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits, whose black and white nobody knows; use 8 or 16")
    if file.mode.startswith("I;16"):  # convert("L") would clip them
        return Image.fromarray((np.asarray(file) >> 8).astype(np.uint8)), None
    if "A" in file.getbands() or "transparency" in file.info:
        file = file if file.mode == "RGBA" else file.convert("RGBA")
        opacity = file.getchannel("A")
        if opacity.getextrema()[0] < _OPAQUE:
            return _on_ground(file.convert("L"), opacity)
    return file.convert("L"), None


def _on_ground(ink, opacity):
    """Compose a grey picture with transparent parts on the ground on which it stands out."""
    from PIL import ImageChops, ImageStat

    drawn = ImageChops.multiply(ink, opacity)
    factor = math.isqrt(ink.width * ink.height // _MANY)
    if factor > 1:
        drawn, opacity = drawn.reduce(factor), opacity.reduce(factor)
    # The mean of what is drawn, each pixel as much as it is opaque. Black where nothing is drawn.
    weight = ImageStat.Stat(opacity).sum[0]
    if weight and ImageStat.Stat(drawn).sum[0] * _OPAQUE / weight < 128:
        return ImageChops.add(drawn, ImageChops.invert(opacity)), "white"
    return drawn, "black"


def border(grey) -> int:
    """Return the median grey of the outermost pixels of a picture or an array."""
    pixels = np.asarray(grey)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return int(np.median(np.concatenate(edges)))
