"""Folders of pictures and prepared data that are broken or hostile: named, or read right."""

import io
import os
import re

import numpy as np
import pytest
from forms import npz_bytes, three_classes, write_cached, write_folder
from PIL import Image

from fashion_zoo import ConfigError, DataError
from fashion_zoo.data import load, pictures
from fashion_zoo.data.sources import tfds

X, Y = three_classes(30)


def encoded(format="PNG", image=X[0], **options):
    """Return the bytes of a picture."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()


def animated():
    frames = [Image.fromarray(one).convert("P") for one in X[:3]]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def huge():
    """A picture of 90,000 x 90,000 pixels in a few bytes."""
    data = bytearray(encoded())
    data[16:24] = (90_000).to_bytes(4, "big") * 2
    return bytes(data)


PICTURES = {
    "empty": (b"", "Pillow has no reader for its format"),
    "text": (b"not a picture", "Pillow has no reader for its format"),
    "truncated": (encoded()[:60], "cannot be read as a picture"),
    "a bit of the pixels": (encoded()[:50] + b"\xff" + encoded()[51:], "cannot be read as a pic"),
    "a truncated JPEG": (encoded("JPEG")[:-200], "cannot be read as a picture"),
    "a damaged header": (encoded()[:20] + b"\xff" * 8 + encoded()[28:], "cannot be read as a pic"),
    "huge": (huge(), "at most 50 million are read|cannot be read as a picture"),
    "animated": (animated(), "it has several frames; save the one that is meant"),
    "32 bits": (encoded("TIFF", X[0].astype(np.float32)), "32 bits, with no known black and white"),
    "a program": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) run\n%%EOF\n",
        "Pillow has no reader for its format",
    ),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Pillow has no reader for its format"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), PICTURES.values(), ids=PICTURES)
def test_a_broken_picture_is_named_and_can_be_left_out(content, message, tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    broken = folder / "1" / "broken.png"
    broken.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(folder)
    assert f"{folder} has 1 file that cannot be read" in str(caught.value)
    assert str(broken) in str(caught.value)
    assert "data={'skip_broken': True}" in str(caught.value).replace('"', "'")
    data = load(folder, skip_broken=True)
    assert sum(map(len, data.positions)) == 30
    assert data.notes[-1] == "1 broken file left out"


def test_a_picture_that_is_too_thin_for_the_size_is_named(tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    (folder / "1" / "thin.png").write_bytes(encoded(image=np.zeros((1, 900), np.uint8)))
    with pytest.raises(DataError, match=r"thin\.png .* 900x1 pixels is too thin for 8x8"):
        load(folder, size=8)
    thin = np.zeros((30, 1, 900), np.uint8)
    thin[:, 0, :300] = np.arange(30)[:, None] * 8
    with pytest.raises(DataError, match="900x1 pixels is too thin for 8x8"):
        load((thin, Y), size=8)


def test_pictures_that_would_take_too_much_memory_are_refused_before_it_is_taken(
    tmp_path, monkeypatch
):
    folder = write_folder(tmp_path / "a", X, Y)
    monkeypatch.setattr("fashion_zoo.data.sources.folder._LARGEST", 29 * 64)
    with pytest.raises(DataError, match=r"would take .* GiB of memory") as caught:
        load(folder)
    assert "size" in str(caught.value)
    assert "skip_broken" not in str(caught.value)


def test_broken_pictures_are_listed_together(tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    for number in range(12):
        (folder / "0" / f"broken {number:02}.png").write_bytes(b"")
    with pytest.raises(DataError, match="12 files that cannot be read") as caught:
        load(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == 12
    assert lines[-1].strip() == "and 2 more"


def outside(folder):
    """A link to a picture that is not in the folder."""
    Image.fromarray(X[0]).save(folder.parent / "secret.png")
    (folder / "0" / "z.png").symlink_to(folder.parent / "secret.png")


def outside_folder(folder):
    write_folder(folder.parent / "others", X, Y)
    (folder / "9").symlink_to(folder.parent / "others" / "0")


def no_utf8(folder):
    os.mkdir(os.fsencode(folder / "9") + b"\xff")


def other_size(folder):
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(folder / "1" / "z.png")


FOLDERS = {
    "a link out of the folder": (outside, r"z\.png is a link out of the folder"),
    "a class that is a link": (outside_folder, "9 is a link out of the folder"),
    "a name that is not UTF-8": (no_utf8, r"9\\xff: the name is not UTF-8. Rename it"),
    "another size": (other_size, r"z\.png has 7x9 pixels, and .* 8x8\. Set data=.*size"),
    "a FIFO": (lambda folder: os.mkfifo(folder / "1" / "z.png"), "it is not a regular file"),
    "a folder in a class": (lambda folder: (folder / "1" / "z").mkdir(), "is a folder"),
    "an empty class": (lambda folder: (folder / "9").mkdir(), "9 is empty: a class needs pictures"),
    "train beside classes": (
        lambda folder: write_folder(folder / "train", X, Y), "has train and '0' in it"
    ),
    "a link to itself": (
        lambda folder: (folder / "1" / "z.png").symlink_to(folder / "1" / "z.png"), r"z\.png"
    ),
    "a broken link": (
        lambda folder: (folder / "1" / "z.png").symlink_to(folder / "gone.png"), "no picture .*z"
    ),
    "a class with one picture": (
        lambda folder: write_folder(folder, X[:1] + 1, np.array([9])), "Class '9' has 1 image, of"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), FOLDERS.values(), ids=FOLDERS)
def test_a_broken_folder_is_named(change, message, tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    change(folder)
    with pytest.raises(DataError, match=message):
        load(folder)


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="is empty; expected a folder with pictures"):
        load(tmp_path / "a")
    write_folder(tmp_path / "a", X, np.zeros(30, int))
    (tmp_path / "pics").touch()
    with pytest.raises(DataError, match="has 1 class folder and 0 files beside; expected"):
        load(tmp_path / "a")
    with pytest.raises(DataError, match=r"no file or folder .*/pi\. Did you mean 'pics'\? A so"):
        load(f"{tmp_path}/pi")


def test_a_class_of_the_test_alone_is_named(tmp_path):
    write_folder(tmp_path / "a" / "train", X, Y)
    write_folder(tmp_path / "a" / "test", X + 1, Y + 1)
    with pytest.raises(DataError, match=r"test has a class '3', which .*train has not"):
        load(tmp_path / "a")


def test_hidden_files_are_none_of_the_pictures(tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    (folder / "1" / ".DS_Store").write_bytes(b"x")
    (folder / ".cache").mkdir()
    assert load(folder).notes == ()


READ = {
    "16 bits": ("png", X[0].astype(np.uint16) * 256 + 7, X[0], "I;16 to grey"),
    "transparent": ("png", np.dstack([X[0]] * 3 + [np.full((8, 8), 255, np.uint8)]), X[0], "RGBA"),
    "colour": ("png", np.dstack([X[0]] * 3), X[0], "RGB to grey"),
    "one bit": ("png", X[0] > 25, (X[0] > 25) * np.uint8(255), "1 to grey"),
}


@pytest.mark.parametrize(("kind", "image", "grey", "note"), READ.values(), ids=READ)
def test_what_a_picture_needs_is_done_and_said(kind, image, grey, note, tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    Image.fromarray(image).save(folder / "0" / f"00000.{kind}")
    data = load(folder, color="grey")
    whole = data.read("train").images
    assert np.array_equal(whole[0], grey)
    assert any(re.match(f"1 picture {re.escape(note)}", one) for one in data.notes)


def test_grey_pictures_beside_one_in_colour_become_colour(tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    Image.fromarray(np.dstack([X[3], X[4], X[5]])).save(folder / "1" / "colour.png")
    data = load(folder)
    whole = data.read("train").images
    assert (data.image_shape, len(whole)) == ((8, 8, 3), 31)
    assert np.array_equal(whole[0], np.dstack([X[0]] * 3))
    assert any(np.array_equal(one, np.dstack([X[3], X[4], X[5]])) for one in whole)


def test_a_picture_that_its_camera_turned_is_upright(tmp_path):
    folder, exif = write_folder(tmp_path / "a", X, Y), Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(X[0]).save(folder / "0" / "00000.png", exif=exif)
    data = load(folder)
    assert np.array_equal(data.read("train").images[0], X[0, ::-1, ::-1])
    assert data.notes == ("1 picture turned upright",)


def test_a_grey_picture_with_something_beside_its_pixels_is_no_plain_one(tmp_path):
    folder = write_folder(tmp_path / "a", X, Y)
    clear = int(X[0, 0, 0])
    (folder / "0" / "00000.png").write_bytes(encoded(transparency=clear))
    frames = {"save_all": True, "append_images": [Image.fromarray(X[1])]}
    data = load(folder)
    assert data.notes == ("1 picture transparent parts to white",)
    assert set(data.read("train").images[0][X[0] == clear]) == {255}
    (folder / "0" / "00000.png").write_bytes(encoded(**frames))
    with pytest.raises(DataError, match="it has several frames"):
        load(folder)


def test_no_format_that_is_a_program_is_opened():
    assert "EPS" not in pictures._formats()
    assert {"PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"} <= set(pictures._formats())


CACHED = {
    "damaged": lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?"),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "empty": lambda file: file.write_bytes(b""),
    "replaced by a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", CACHED.values(), ids=CACHED)
def test_a_cache_that_was_damaged_is_made_again(damage, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ZOO_CACHE", str(tmp_path))
    names = np.array(["a", "b", "c"])
    arrays = {"x_train": X, "y_train": Y, "class_names": names}
    write_cached(tmp_path, "small", **arrays)
    made = []
    monkeypatch.setattr(tfds, "_decoded", lambda *_: made.append(1) or npz_bytes(**arrays))
    before = load("tfds:small")
    assert made == []
    damage(tmp_path / "tfds" / "small")
    assert load("tfds:small").digest == before.digest
    assert made == [1]


POISONED = {
    "a label that no class has": ({"y_train": Y + 1}, "received 1 to 3"),
    "objects": ({"x_train": np.array([None] * 30)}, "holds Python objects"),
    "no labels": ({"y_train": Y[:4]}, "each of the 30 images of"),
    "all labels 0": ({"y_train": Y * 0}, "Class 'b' has 0 images"),
}


@pytest.mark.parametrize(("change", "message"), POISONED.values(), ids=POISONED)
def test_a_cache_that_was_poisoned_is_refused(change, message, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ZOO_CACHE", str(tmp_path))
    names = np.array(["a", "b", "c"])
    write_cached(tmp_path, "small", **{"x_train": X, "y_train": Y, "class_names": names, **change})
    with pytest.raises(DataError, match=message):
        load("tfds:small")


@pytest.mark.parametrize("name", ["../x", "mnist:", "a b", "mnist/../../x", "", "a" * 999])
def test_a_name_that_is_no_data_set_of_tfds_is_refused(name):
    with pytest.raises(ConfigError, match=r"Write tfds:NAME\[/CONFIG\]\[:VERSION\], received"):
        load(f"tfds:{name}")
