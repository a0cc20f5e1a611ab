import gzip
import shutil

import numpy as np
import pytest

from fashion_zoo import ConfigError, DataError
from fashion_zoo.data import load
from fashion_zoo.data.sources.fashion_mnist import EMBEDDED, read_idx

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def header(*dimensions, magic=None):
    start = bytes([0, 0, 8, len(dimensions)]) if magic is None else magic
    return start + b"".join(size.to_bytes(4, "big") for size in dimensions)


def write(path, content):
    path.write_bytes(gzip.compress(content))
    return path


def test_the_embedded_data_are_the_published_ones():
    data = load("fashion_mnist")
    train, test = data.read("train"), data.test
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert train.images.dtype == train.labels.dtype == np.uint8
    assert np.bincount(train.labels).tolist() == [6_000] * 10
    assert np.bincount(test.labels).tolist() == [1_000] * 10
    assert train.images.mean() / 255 == pytest.approx(0.286041, abs=1e-6)
    assert data.class_names[train.labels[0]] == "Ankle boot"  # the first of the paper's figure


def test_training_never_opens_a_test_file(tmp_path):
    for name in (IMAGES, LABELS):
        shutil.copy(EMBEDDED / name, tmp_path)
    data = load(folder=tmp_path)
    assert len(data.train.labels) + len(data.validation.labels) == 60_000
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is missing"):
        _ = data.test


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"Unknown source 'fashon'\. Did you mean 'fashion_mn"):
        load("fashon")


def test_a_sound_idx_file_is_read_exactly(tmp_path):
    path = write(tmp_path / "a.gz", header(2, 2, 3) + bytes(range(12)))
    assert read_idx(path, (2, 2, 3)).tolist() == np.arange(12).reshape(2, 2, 3).tolist()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"magic number 0x\(none\)"),
        (b"\0\0\x08", "magic number 0x000008,"),
        (header(2, 3, magic=b"\1\0\x08\2"), "magic number 0x01000802, expected 0x00000802"),
        (header(2, 3, magic=b"\0\1\x08\2"), "magic number 0x00010802, expected 0x00000802"),
        (header(2, 3, magic=b"\0\0\x0d\2"), "magic number 0x00000d02, expected 0x00000802"),
        (header(2, magic=b"\0\0\x08\1"), "magic number 0x00000801, expected 0x00000802"),
        (header(2, 1, 3), "magic number 0x00000803, expected 0x00000802"),
        (header(2), "magic number"),
        (header(2, 3)[:-1], "truncated inside its header"),
        (header(2, 3)[:6], "truncated inside its header"),
        (header(3, 3) + bytes(9), r"announces dimensions \(3, 3\), expected \(2, 3\)"),
        (header(2, 4) + bytes(8), r"announces dimensions \(2, 4\), expected \(2, 3\)"),
        (header(3, 2) + bytes(6), r"announces dimensions \(3, 2\), expected \(2, 3\)"),
        (header(0, 3), r"announces dimensions \(0, 3\)"),
        (header(2**32 - 1, 2**32 - 1), r"announces dimensions \(4294967295, 4294967295\)"),
        (bytes([0, 0, 8, 2, 2, 0, 0, 0, 3, 0, 0, 0]) + bytes(6), "announces dimensions"),
        (header(2, 3), "truncated: it holds 0 of 6 data bytes"),
        (header(2, 3) + bytes(5), "truncated: it holds 5 of 6 data bytes"),
        (header(2, 3) + bytes(7), "has bytes after the 6 that its header announces"),
        (header(2, 3) + bytes(6) + bytes(10**6), "has bytes after the 6"),
    ],
)
def test_every_wrong_idx_field_is_named(tmp_path, content, reason):
    path = write(tmp_path / "hostile.gz", content)
    with pytest.raises(DataError, match=reason) as caught:
        read_idx(path, (2, 3))
    assert str(path) in str(caught.value)


def damaged_crc(data):
    return data[:-8] + bytes(4) + data[-4:]


def damaged_length(data):
    return data[:-4] + bytes(4)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: b"", r"magic number 0x\(none\)"),
        (lambda data: b"\x1f", "gzip"),
        (lambda data: b"PK\3\4" + data[4:], "not a sound gzip file"),
        (lambda data: data[:2] + b"\x07" + data[3:], "not a sound gzip file"),
        (lambda data: data[:5], "truncated"),
        (lambda data: data[:-9], "truncated"),
        (lambda data: data[:-1], "truncated"),
        (damaged_crc, "not a sound gzip file: CRC"),
        (damaged_length, "not a sound gzip file: Incorrect length"),
        (lambda data: data[:12] + b"\xff\xff\xff" + data[15:], "not a sound gzip file|truncated"),
        (lambda data: data + b"rubbish", "not a sound gzip file"),
        (lambda data: data + gzip.compress(b"more"), "bytes after"),
    ],
)
def test_every_broken_gzip_layer_is_named(tmp_path, damage, reason):
    path = tmp_path / "broken.gz"
    path.write_bytes(damage(gzip.compress(header(2, 3) + b"abcdef", mtime=0)))
    with pytest.raises(DataError, match=reason) as caught:
        read_idx(path, (2, 3))
    assert str(path) in str(caught.value)


def test_a_bomb_is_refused_without_unpacking_it(tmp_path, monkeypatch):
    path = write(tmp_path / "bomb.gz", header(2, 3) + bytes(50_000_000))
    taken = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: taken.append(size) or read(self, size)
    )
    with pytest.raises(DataError, match="bytes after"):
        read_idx(path, (2, 3))
    assert taken == [4, 8, 6, 1]


def test_a_missing_file_and_a_folder_in_its_place_are_named(tmp_path):
    with pytest.raises(DataError, match=f"{IMAGES} is missing"):
        _ = load(folder=tmp_path).train
    (tmp_path / IMAGES).mkdir()
    with pytest.raises(DataError, match=f"{IMAGES} cannot be read: Is a directory"):
        _ = load(folder=tmp_path).train


@pytest.fixture
def copied(tmp_path):
    for name in (IMAGES, LABELS):
        shutil.copy(EMBEDDED / name, tmp_path)
    return tmp_path


def test_a_label_out_of_range_is_named_with_its_position(copied):
    labels = bytearray(gzip.decompress((EMBEDDED / LABELS).read_bytes()))
    labels[8 + 5] = 200
    write(copied / LABELS, bytes(labels))
    with pytest.raises(DataError, match=r"holds label 200 at position 5; labels must be in 0\.\.9"):
        _ = load(folder=copied).train


def test_images_and_labels_of_another_count_are_named(copied):
    shutil.copy(EMBEDDED / "t10k-labels-idx1-ubyte.gz", copied / LABELS)
    with pytest.raises(DataError, match=rf"{LABELS} announces dimensions \(10000,\)"):
        _ = load(folder=copied).train


def test_a_sound_file_that_is_not_the_published_one_is_refused(copied):
    labels = bytearray(gzip.decompress((EMBEDDED / LABELS).read_bytes()))
    labels[8] = (labels[8] + 1) % 10  # a poisoned label, with a fresh and correct checksum
    write(copied / LABELS, bytes(labels))
    with pytest.raises(DataError, match=f"{LABELS} is not the published file: SHA-256"):
        _ = load(folder=copied).train


def test_the_same_data_in_another_gzip_is_not_the_published_file(copied):
    write(copied / LABELS, gzip.decompress((EMBEDDED / LABELS).read_bytes()))
    with pytest.raises(DataError, match="is not the published file"):
        _ = load(folder=copied).train
