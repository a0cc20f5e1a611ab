"""The same images in each form that a source takes."""

import gzip
import io
from pathlib import Path

import numpy as np
from PIL import Image

from fashion_zoo import storage

WRITTEN = ("idx", "csv", "npz", "folder", "tfds")
"""The words that take a file or folder; the tfds one is in the cache."""


def three_classes(count=120, seed=0, channels=()):
    """Images of 8x8 whose class is how light they are, with their labels."""
    labels = np.arange(count) % 3
    noise = np.random.default_rng(seed).integers(0, 50, (count, 8, 8, *channels))
    return (noise + 100 * labels.reshape(-1, *[1] * (noise.ndim - 1))).astype(np.uint8), labels


def idx_bytes(array):
    """Return the IDX file of an array of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_idx(folder, images, labels, part="train", packed=True):
    """Write a part of MNIST's four files."""
    folder.mkdir(exist_ok=True)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        data, file = idx_bytes(array), folder / f"{part}-{name}-ubyte"
        if packed:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(data, 1))
        else:
            file.write_bytes(data)
    return folder


def write_csv(file, images, labels, header=True, delimiter=","):
    """Write a table with the labels first, as Kaggle does."""
    rows = np.column_stack([labels, images.reshape(len(images), -1)]).tolist()
    names = [["label", *(f"pixel{one + 1}" for one in range(len(rows[0]) - 1))]] if header else []
    text = "".join(delimiter.join(map(str, row)) + "\n" for row in [*names, *rows])
    file.write_bytes(gzip.compress(text.encode(), 1) if file.suffix == ".gz" else text.encode())
    return file


def write_folder(folder, images, labels, names=None, suffix="png"):
    """Write class folders of pictures, numbered in their order."""
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        home = folder / (str(label) if names is None else names[label])
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(home / f"{place:05}.{suffix}")
    return folder


def npz_bytes(**arrays):
    """Return the NPZ file of arrays."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def write_cached(cache, name, **arrays):
    """Write a data set into the cache, where that of TensorFlow Datasets is read from."""
    file = Path(cache, "tfds", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_verified(file, npz_bytes(**arrays))


def written(word, folder, images, labels, monkeypatch):
    """Write images as the source of this word takes them, and return its text."""
    if word == "tfds":
        monkeypatch.setenv("FASHION_ZOO_CACHE", str(folder))
        names = np.array([str(one) for one in range(labels.max() + 1)])
        write_cached(folder, "small", x_train=images, y_train=labels, class_names=names)
        return "tfds:small"
    if word == "npz":
        np.savez(folder / "a.npz", images=images, labels=labels)
        return str(folder / "a.npz")
    write = {"idx": write_idx, "csv": write_csv, "folder": write_folder}[word]
    return str(write(folder / ("a.csv" if word == "csv" else "images"), images, labels))
