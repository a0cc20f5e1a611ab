import functools
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from fashion_zoo import DataError
from fashion_zoo.data import pictures
from recipes import predict

read_picture = functools.partial(pictures.read_picture, shape=(28, 28))


def save(path, array, mode=None):
    Image.fromarray(array, mode).save(path) if mode else Image.fromarray(array).save(path)
    return path


def test_a_28x28_grey_picture_is_taken_as_it_is(tmp_path, images):
    picture = read_picture(save(tmp_path / "a.png", images.images[0]))
    assert np.array_equal(picture.image, images.images[0])
    assert picture.notes == ()
    assert not picture.looks_inverted


def test_a_large_colour_picture_becomes_28x28_grey_and_says_so(tmp_path, images):
    large = np.kron(images.images[0], np.ones((4, 4), np.uint8))
    picture = read_picture(save(tmp_path / "a.png", np.stack([large] * 3, axis=-1)))
    assert picture.image.shape == (28, 28)
    assert picture.image.dtype == np.uint8
    assert picture.notes == ("RGB to grey", "112x112 to 28x28")
    error = np.abs(picture.image.astype(int) - images.images[0].astype(int))
    assert error.mean() < 8


def test_a_picture_that_is_not_square_is_padded_not_stretched(tmp_path):
    wide = np.full((10, 40), 30, np.uint8)
    wide[:, 15:25] = 200
    picture = read_picture(save(tmp_path / "a.png", wide))
    assert picture.image[0, 0] == picture.image[-1, -1] == 30
    assert picture.image[14, 14] == pytest.approx(200, abs=2)
    assert picture.notes == ("40x10 to 28x28",)


def transparent(path, ink):
    """Save a square of this grey on a transparent ground."""
    pixels = np.full((28, 28, 4), ink, np.uint8)
    pixels[..., 3] = 0
    pixels[10:20, 10:20, 3] = 255
    return save(path, pixels)


@pytest.mark.parametrize(
    ("ink", "invert", "ground", "drawn"),
    [(255, False, 0, 255), (0, False, 255, 0), (0, True, 0, 255), (200, False, 0, 200)],
)
def test_what_is_drawn_on_a_transparent_ground_stands_out(tmp_path, ink, invert, ground, drawn):
    picture = read_picture(transparent(tmp_path / "a.png", ink), invert=invert)
    assert picture.image[0, 0] == ground
    assert picture.image[15, 15] == drawn
    assert picture.looks_inverted == (ground == 255)
    assert not picture.is_faint
    assert f"transparent parts to {'white' if ink == 0 else 'black'}" in picture.notes


def test_a_half_transparent_edge_has_no_say_in_the_ground(tmp_path):
    pixels = np.full((28, 28, 4), (255, 255, 255, 1), np.uint8)  # white, and next to nothing of it
    pixels[10:20, 10:20] = (0, 0, 0, 255)
    picture = read_picture(save(tmp_path / "a.png", pixels))
    assert (picture.image[0, 0], picture.image[15, 15]) == (255, 0)


def test_an_alpha_channel_that_hides_nothing_is_not_mentioned(tmp_path):
    pixels = np.full((28, 28, 4), 255, np.uint8)
    assert read_picture(save(tmp_path / "a.png", pixels)).notes == ("RGBA to grey",)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((28, 28), np.uint8),
        np.full((40, 40, 3), (250, 252, 254), np.uint8),
        np.zeros((28, 28, 4), np.uint8),  # transparent all over
        (np.arange(784) * 5).reshape(28, 28).astype(np.uint16),  # 12 bits in 16
        (np.indices((112, 112)).sum(axis=0) % 2 * 255).astype(np.uint8),
    ],
    ids=["black", "pale", "transparent", "twelve bits", "finer than a pixel"],
)
def test_a_picture_without_contrast_says_so_whatever_the_reason(tmp_path, pixels, invert):
    assert read_picture(save(tmp_path / "a.png", pixels), invert=invert).is_faint


def test_the_command_warns_of_a_picture_with_nothing_on_it(tmp_path, trained, capsys):
    path = save(tmp_path / "a.png", np.zeros((28, 28), np.uint8))
    assert predict.main([str(trained.run.path), str(path)]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith(f"warning: {path} has hardly any contrast once it is small and grey")
    assert len(warned.splitlines()) == 1


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    picture = read_picture(save(tmp_path / "a.png", np.full((28, 28), 0x4000, np.uint16)))
    assert picture.image[0, 0] == 0x40


def test_a_photograph_is_turned_upright(tmp_path, images):
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    Image.fromarray(np.kron(images.images[0], np.ones((2, 4), np.uint8))).save(path, exif=exif)
    picture = read_picture(path)
    assert picture.notes == ("turned upright", "56x112 to 28x28")
    assert picture.image[:, :6].max() < 30  # the padding of a tall picture


@pytest.mark.parametrize(
    ("orientation", "said"),
    [
        (1, ()),
        (2, ("mirrored",)),
        (3, ("turned upright",)),
        (4, ("turned upright and mirrored",)),
        (5, ("turned upright and mirrored",)),
        (6, ("turned upright",)),
        (7, ("turned upright and mirrored",)),
        (8, ("turned upright",)),
        (9, ()),
    ],
)
def test_every_turn_of_a_square_picture_is_said(tmp_path, images, orientation, said):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    Image.fromarray(images.images[0]).save(path, exif=exif)
    picture = read_picture(path)
    assert picture.notes == said
    assert np.array_equal(picture.image, images.images[0]) == (not said)


def test_pixels_of_32_bits_are_refused(tmp_path):
    Image.fromarray(np.zeros((28, 28), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(DataError, match="32 bits, with no known black and white"):
        read_picture(tmp_path / "a.tiff")


def test_a_long_thin_picture_costs_no_memory(tmp_path):
    wide = save(tmp_path / "a.png", np.zeros((1, 60_000), np.uint8))
    tracemalloc.start()
    with pytest.raises(DataError, match="60000x1 pixels is too thin for 28x28"):
        read_picture(wide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_light_background_looks_inverted_and_inverting_mends_it(tmp_path, images):
    path = save(tmp_path / "a.png", 255 - images.images[0])
    assert read_picture(path).looks_inverted
    mended = read_picture(path, invert=True)
    assert not mended.looks_inverted
    assert np.array_equal(mended.image, images.images[0])


def test_what_is_not_a_picture_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"a\.png cannot be read as a picture"):
        read_picture(tmp_path / "a.png")
    whole = save(tmp_path / "b.png", np.zeros((99, 99), np.uint8)).read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"b\.png cannot be read as a picture"):
        read_picture(tmp_path / "b.png")
    with pytest.raises(DataError, match="There is no picture"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(DataError, match=r"is a folder\. Name the pictures in it"):
        read_picture(tmp_path)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.zeros((100, 100), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read_picture(path)
