"""Picture files of any size and colour, and arrays of pixels, as input of a model."""

import contextlib
import functools
import inspect
import math
import warnings
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from fashion_zoo.config import Color
from fashion_zoo.errors import DataError
from fashion_zoo.storage import reading

_PACKAGE = str(Path(__file__).parent.parent)
_FAINT = 32  # grey levels between the darkest and the lightest pixel; Fashion-MNIST has 254 or more
_OPAQUE = 255
_LARGEST = 2**28  # bytes of a file
_PIXELS = 8192 * 6144  # a camera of 50 megapixels; with several copies, they stay below 500 MiB
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_GREY = b"\x08\0\0\0\0"  # bits, colour, compression, filter and interlacing of its header
_SIDE = 2**16  # since each row takes extra memory
_MANY = 2**22  # pixels that are plenty for a small picture
# By the orientation that a camera noted; 1 is upright.
_TURNS = {
    2: "mirrored", 3: "turned upright", 4: "turned upright and mirrored",
    5: "turned upright and mirrored", 6: "turned upright", 7: "turned upright and mirrored",
    8: "turned upright",
}  # fmt: skip


class Picture(NamedTuple):
    """A picture that was read, or an image of an array."""

    image: np.ndarray  # (height, width) or (height, width, 3) in 0..255, 0 is black
    notes: tuple[str, ...] = ()  # changes made to it, for people

    @property
    def looks_inverted(self) -> bool:
        """Whether its border is light, where the data set has black."""
        return border(self.image) > 127

    @property
    def is_faint(self) -> bool:
        """Whether it has hardly any contrast."""
        return bool(np.ptp(self.image.astype(np.float32)) < _FAINT)


def read_picture(path: str | Path, shape: tuple[int, ...], *, invert: bool = False) -> Picture:
    """Read a picture file as an image of a shape; ``invert`` swaps light and dark.

    The shape is (height, width) of a grey image or (height, width, 3). A photograph is turned
    upright. Transparent parts become black under light drawings and white under dark ones. A
    picture of other proportions is padded with the colour of its border.
    """
    return open_picture(path, "rgb" if len(shape) == 3 else "grey", shape[:2], invert=invert)


def open_picture(
    path: str | Path, color: Color, size: tuple[int, ...] | None = None, *, invert: bool = False
) -> Picture:
    """Read a picture file in a colour and (height, width), by default its own."""
    from PIL import ExifTags, ImageOps, UnidentifiedImageError

    try:
        with reading.open_regular(path, _LARGEST) as opened:
            if (image := _plain(opened, color, size)) is not None:
                return Picture(np.invert(image), ("inverted",)) if invert else Picture(image)
            file = _header(opened)
            mode, turn = file.mode, _TURNS.get(file.getexif().get(ExifTags.Base.Orientation, 1))
            if turn:
                ImageOps.exif_transpose(file, in_place=True)
            wide, high = file.size
            picture, ground = _colored(file, color)
            image = np.asarray(picture)
            scaled = size if size != (high, wide) else None
            if scaled:
                image = fitted(image, scaled)
    except IsADirectoryError:
        raise DataError(f"{path} is a folder. Name the pictures in it.") from None
    except FileNotFoundError:
        raise DataError(f"There is no picture {path}.") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path} cannot be read as a picture: Pillow has no reader for its format."
        ) from None
    except Exception as error:  # each of Pillow's readers has its own way to fail
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as a picture: {reason}") from error
    notes = [turn] if turn else []
    if mode != picture.mode:
        notes.append(f"{mode} to {'grey' if picture.mode == 'L' else 'colour'}")
    if ground:
        notes.append(f"transparent parts to {ground}")
    if scaled:
        notes.append(f"{wide}x{high} to {scaled[1]}x{scaled[0]}")
    if invert:
        image = np.invert(image)
        notes.append("inverted")
    return Picture(image, tuple(notes))


def _plain(opened: IO[bytes], color: Color, size: tuple[int, ...] | None) -> np.ndarray | None:
    """Return the pixels of a PNG of 8-bit grey that needs nothing, or None of any other file.

    Large folders are mostly of these, and the general way takes twice as long.
    """
    from PIL import Image

    head = opened.read(29)
    opened.seek(0)
    wide, high = (int.from_bytes(head[start : start + 4]) for start in (16, 20))
    usual = head[:16] == _PNG and head[24:] == _GREY and wide * high <= _MANY
    if not usual or color == "rgb" or size not in (None, (high, wide)):
        return None
    file = Image.open(opened, formats=("PNG",))
    file.load()  # it also reads what is behind the pixels
    if file.info or getattr(file, "is_animated", False):
        opened.seek(0)
        return None
    return np.asarray(file)


def fitted(image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Scale a uint8 image to a (height, width) with Lanczos's filter, padded, not stretched."""
    from PIL import Image, ImageOps

    picture, target, way = Image.fromarray(image), (size[1], size[0]), Image.Resampling.LANCZOS
    if image.shape[0] * size[1] == image.shape[1] * size[0]:  # the same proportions
        return np.asarray(picture.resize(target, way))
    high, wide = image.shape[:2]
    if min(high, wide) * min(size[0] / high, size[1] / wide) < 1:
        raise DataError(f"an image of {wide}x{high} pixels is too thin for {size[1]}x{size[0]}")
    channels = [border(image[..., one]) for one in range(image.shape[2])] if image.ndim == 3 else []
    color: Any = tuple(channels) or border(image)
    return np.asarray(ImageOps.pad(picture, target, way, color=color))


@functools.cache
def _formats() -> list[str]:
    """Return the formats of Pillow but PostScript, whose pictures are programs that it runs."""
    from PIL import Image

    Image.init()
    return [name for name in Image.ID if name != "EPS"]


def _header(opened):
    """Read the header of a picture; raise ValueError if its pixels would take too much memory."""
    from PIL import Image

    with warnings.catch_warnings():  # refused below
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        file = Image.open(opened, formats=_formats())
    width, height = file.size
    if width * height > _PIXELS or max(width, height) > _SIDE:
        raise ValueError(
            f"it has {width:,}x{height:,} pixels; at most {_PIXELS // 10**6} million are read, and "
            f"{_SIDE:,} per side"
        )
    if getattr(file, "is_animated", False):
        raise ValueError("it has several frames; save the one that is meant")
    return file


def _colored(file, color: Color):
    """Return the picture in grey or RGB, and the colour of its transparent parts, if any."""
    from PIL import Image

    grey = file.mode in ("1", "L", "LA", "La") or file.mode.startswith("I;16")
    mode = "L" if color == "grey" or (color == "as_is" and grey) else "RGB"
    if file.mode in ("I", "F"):
        raise ValueError("its pixels have 32 bits, with no known black and white; use 8 or 16")
    if file.mode.startswith("I;16"):  # convert("L") would clip them
        file = Image.fromarray((np.asarray(file) >> 8).astype(np.uint8))
    elif "A" in file.getbands() or "transparency" in file.info:
        file = file if file.mode == "RGBA" else file.convert("RGBA")
        opacity = file.getchannel("A")
        if opacity.getextrema()[0] < _OPAQUE:
            return _on_ground(file.convert(mode), opacity)
    return (file if file.mode == mode else file.convert(mode)), None


def _on_ground(ink, opacity):
    """Put a picture with transparent parts on black or white, the one with more contrast."""
    from PIL import Image, ImageChops, ImageStat

    veil = opacity if ink.mode == "L" else Image.merge("RGB", [opacity] * 3)
    drawn = ImageChops.multiply(ink, veil)
    seen, weight = drawn.convert("L"), opacity
    factor = math.isqrt(ink.width * ink.height // _MANY)
    if factor > 1:
        seen, weight = seen.reduce(factor), weight.reduce(factor)
    # The mean grey, weighted by opacity; black if nothing is opaque.
    total = ImageStat.Stat(weight).sum[0]
    if total and ImageStat.Stat(seen).sum[0] * _OPAQUE / total < 128:
        return ImageChops.add(drawn, ImageChops.invert(veil)), "white"
    return drawn, "black"


def border(grey) -> int:
    """Return the median of the outermost pixels of a picture or an array, of all channels."""
    pixels = np.asarray(grey)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return int(np.median(np.concatenate(edges)))


def as_array(name: str, value: Any) -> np.ndarray:
    """Return ``np.asarray(value)``; raise DataError if it fails, as for lists of unequal length."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array, or lists of the same length: {error}") from error


def read_pictures(pixels: Any, shape: tuple[int, ...], *, invert: bool = False) -> list[Picture]:
    """Read an array as ``read_array`` does, an entry per image; ``invert`` swaps light and dark."""
    images = read_array(pixels, shape)
    return [Picture(255 - one, ("inverted",)) if invert else Picture(one) for one in images]


def read_array(pixels: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return pixels in 0..255 as (n, *shape) images, uint8 of integers and float32 of floats.

    They are one image or a batch, each of the shape, with a 1 behind it, or flat. Other shapes,
    dtypes and values raise DataError; values that are all at most 1 are a warning.
    """
    array = as_array("An array of pixels", pixels)
    one = (shape, (*shape, 1), (math.prod(shape),))  # shapes of an image
    fits = array.shape in one or (array.shape[1:] in one and len(array))
    if not fits or array.dtype.kind not in "uif":
        several = ", ".join(map(str, shape))
        raise DataError(
            f"An array of pixels has the shape {shape} or (n, {several}) and numbers "
            f"in 0..255, received {array.shape} of {array.dtype}."
        )
    images = array.reshape(-1, *shape)
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise DataError(f"Pixels are in 0..255, received values from {low:g} to {high:g}.")
    if high <= 1:
        warnings.warn(
            f"The largest pixel is {high:g}: a model takes pixels in 0..255 as they are, so do not "
            "divide them by 255.",
            stacklevel=_outside(),
        )
    return images.astype("float32" if array.dtype.kind == "f" else "uint8", copy=False)


def _outside() -> int:
    """Return the ``stacklevel`` of a warning that names the first line outside this package."""
    level, frame = 0, inspect.currentframe()
    while frame and frame.f_code.co_filename.startswith((_PACKAGE, contextlib.__file__)):
        level, frame = level + 1, frame.f_back
    return level
