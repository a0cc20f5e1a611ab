"""Tables, arrays and IDX files that are broken or hostile: each is a DataError that names them."""

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from forms import idx_bytes, npz_bytes, three_classes, write_csv

from fashion_zoo import DataError
from fashion_zoo.data import load

X, Y = three_classes(30)
ROWS = [[str(label), *map(str, image.ravel())] for image, label in zip(X, Y, strict=True)]
HEADER = ["label", *(f"pixel{one}" for one in range(1, 65))]


def refused(source, message, **settings):
    """Check that a source is refused with its file and a reason, and that nothing was written."""
    folder = Path(str(source).split("'")[1] if "('" in str(source) else source).parent
    before = sorted(folder.rglob("*"))
    with pytest.raises(DataError, match=message) as caught:
        load(source, **settings)
    assert str(folder) in str(caught.value)
    assert sorted(folder.rglob("*")) == before


def with_cell(row, column, text):
    """The rows of the table with another cell."""
    rows = [list(one) for one in [HEADER, *ROWS]]
    rows[row][column] = text
    return rows


TABLES = {
    "empty": ([], "is empty: expected a label and pixels"),
    "a header alone": ([HEADER], "has no images: a header alone"),
    "one column": ([["label"], ["1"]], "line 1 has one cell"),
    "a short row": ([HEADER, *ROWS, ROWS[0][:-1]], "line 32 has 64 cells, and others 65"),
    "a long row": ([HEADER, ROWS[0], [*ROWS[1], "1"]], "line 3 has 66 cells, and others 65"),
    "a label that is missing": (with_cell(2, 0, " "), "line 3 has no label"),
    "two pixels missing in the first line": (
        with_cell(1, 5, "")[1:2] + ROWS[1:], "line 1: pixel '' is missing"
    ),
    "a fractional label": (with_cell(2, 0, "1.5"), "has a label '1.5', which is no whole number"),
    "a negative label": (with_cell(2, 0, "-1"), "has a negative label, -1. Classes are numb"),
    "a label that is no number of a class": (with_cell(2, 0, "7"), "Class '3' has 0 images"),
    "a huge label": (with_cell(2, 0, "9" * 30), "has a label '9+', which is no whole number"),
    "an infinite label": (with_cell(2, 0, "inf"), "has a label 'inf', which is no whole number"),
    "a label of NaN": (with_cell(2, 0, "nan"), "has a label 'nan', which is no whole number"),
    "an endless label": (with_cell(2, 0, "a" * 999), "line 3 has a label of 999 characters"),
    "a label of control characters": (with_cell(2, 0, "\x1b[2J"), "no name to print"),
    "a pixel that is missing": (with_cell(2, 5, ""), "line 3: pixel '' is missing"),
    "a pixel of NaN": (with_cell(2, 5, "nan"), "line 3: pixel 'nan' is no whole number in 0..255"),
    "a fractional pixel": (with_cell(2, 5, "0.5"), "pixel '0.5' is no whole number in 0..255"),
    "a pixel above 255": (with_cell(2, 5, "256"), "pixel '256' is no whole number in 0..255"),
    "a negative pixel": (with_cell(2, 5, "-1"), "pixel '-1' is no whole number in 0..255"),
    "an infinite pixel": (with_cell(2, 5, "1e999"), "pixel '1e999' is no whole number in 0..255"),
    "a pixel of text": (with_cell(2, 5, "black"), "line 3: pixel 'black' is no number"),
    "an open quote": (with_cell(2, 5, '"1'), "line 3: unexpected end of data"),
    "no square": ([row[:-1] for row in [HEADER, *ROWS]], "has 63 pixels in a row, which are no sq"),
    "one class": ([HEADER, *(["0", *row[1:]] for row in ROWS)], "has one class; a model tells at"),
    "a class with one image": ([HEADER, *ROWS, ["3", *ROWS[0][1:-1], "9"]], "Class '3' has 1 im"),
    "fractions of 1": ([["0", *["1"] * 64], ["1", *["0"] * 64]] * 9, "were divided by 255, mult"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "message"), TABLES.values(), ids=TABLES)
def test_a_broken_table_is_named_with_the_line(rows, message, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("".join(",".join(row) + "\n" for row in rows))
    refused(file, message)


def bomb(data):
    """A gzip stream whose end is missing."""
    return gzip.compress(data)[:-9]


TEXTS = {
    "no text": ("a.csv", b"\xff\xfe" + bytes(range(256)), "line 1 is not UTF-8"),
    "a null": ("a.csv", b"1,\0,3\n" * 5, r"pixel '.*' is no number"),
    "a gzip that is none": ("a.csv.gz", b"1,2,3\n", "is not a sound gzip file"),
    "a gzip without an end": ("a.csv.gz", bomb(b"1,2,3\n" * 9), "gzip stream has no end"),
    "a Parquet that is none": ("a.parquet", b"PAR1" * 9, "Parquet|pyarrow"),
    "a picture": ("a.tsv", b"\x89PNG\r\n\x1a\n" + bytes(40), "line 1 is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), TEXTS.values(), ids=TEXTS)
def test_a_table_that_is_none_is_named(name, content, message, tmp_path):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, message)


def test_a_line_without_an_end_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("fashion_zoo.data.sources.csv._LONGEST", 1000)
    (tmp_path / "a.csv").write_bytes(b"1" * 5000)
    refused(tmp_path / "a.csv", "line 1 has more than 1,000 bytes")


def test_labels_of_a_table_and_its_test_table_are_read_alike(tmp_path):
    texts = np.array(["1", "2", "x"])
    train = write_csv(tmp_path / "a.csv", X, texts[Y])
    test = write_csv(tmp_path / "b.csv", X[:6], texts[Y[:6] % 2])  # numbers alone
    data = load(f"csv({str(train)!r}, {str(test)!r})")
    assert data.class_names == ("1", "2", "x")
    assert np.array_equal(data.test.labels, Y[:6] % 2)


def test_a_table_of_too_many_rows_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("fashion_zoo.data.sources.csv._MOST", 20)
    refused(write_csv(tmp_path / "a.csv", X, Y), "or 20 rows")


def test_a_parquet_cell_that_is_no_pixel_is_named(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"label": Y, "image": [one.tolist() for one in X.reshape(30, 64)]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "line 2: ")


def test_a_column_that_is_not_there_is_answered_with_the_nearest(tmp_path):
    file = write_csv(tmp_path / "a.csv", X, Y)
    refused(file, "Unknown column 'lable'. Did you mean 'label'", label="lable")
    file = write_csv(tmp_path / "b.csv", X, Y, header=False)
    refused(file, "Unknown column 'label'", label="label")


def test_a_missing_file_is_answered_with_the_nearest_and_the_forms(tmp_path):
    write_csv(tmp_path / "train.csv", X, Y)
    refused(
        tmp_path / "tarin.csv", r"no file or folder .*tarin\.csv\. Did you mean 'train.csv'\? A"
    )


class Code:
    def __reduce__(self):
        return (open, ("/tmp/executed-by-a-source", "w"))


def objects():
    """An NPY file of Python objects that run code when they are loaded."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([Code()] * 30, dtype=object), allow_pickle=True)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def zipped(**members):
    """An archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


MAGIC = b"\x93NUMPY\x01\x00\x0b\x00"  # 11 bytes of a header follow
GOOD = npz_bytes(images=X, labels=Y)
ARCHIVES = {
    "empty": (b"", "is not a sound NPZ file"),
    "no archive": (b"PK\3\4" + bytes(100), "is not a sound NPZ file"),
    "truncated": (GOOD[: len(GOOD) // 2], "is not a sound NPZ file"),
    "a damaged part": (GOOD[:300] + b"\xff" + GOOD[301:], "Bad CRC-32|is not a sound NPZ file"),
    "other names": (npz_bytes(a=X, b=Y), "has a and b; expected x_train and y_train, or images"),
    "no arrays": (zipped(), "has nothing; expected x_train"),
    "a header that does not end": (zipped(images=MAGIC + b"{'descr': (", labels=npy(Y)), "cannot"),
    "an endless shape": (
        zipped(images=npy(X).replace(b"(30, 8, 8)", b"(0,2**70) "), labels=npy(Y)), "cannot be read"
    ),
    "a name twice": (
        npz_bytes(images=X, labels=Y, class_names=np.array(["a", "b", "a"])), "must be different t"
    ),
    "no labels": (npz_bytes(images=X), "has images; expected x_train and y_train"),
    "labels for others": (npz_bytes(images=X, labels=Y[:9]), "each of the 30 images of images of"),
    "objects": (zipped(images=objects(), labels=npy(Y)), "holds Python objects, which are not"),
    "objects as labels": (zipped(images=npy(X), labels=objects()), "holds Python objects"),
    "a pickle": (zipped(images=pickle.dumps(Code()), labels=npy(Y)), "images of .* cannot be read"),
    "more than it holds": (
        zipped(images=npy(X).replace(b"(30, 8, 8)", b"(99,99,99)"), labels=npy(Y)),
        "announces .*, more than it holds",
    ),
    "a truncated array": (zipped(images=npy(X)[:-1], labels=npy(Y)), "more than it h|truncated"),
    "a negative size": (
        zipped(images=npy(X).replace(b"(30, 8, 8)", b"(-1, 8, 8)"), labels=npy(Y)),
        "images of .* cannot be read",
    ),
    "pixels of NaN": (npz_bytes(images=np.full(X.shape, np.nan), labels=Y), "from nan to nan"),
    "pixels in 0..1": (npz_bytes(images=X / 255, labels=Y), "were divided by 255"),
    "negative pixels": (npz_bytes(images=X.astype(int) - 9, labels=Y), "values from -9"),
    "sixteen bits": (npz_bytes(images=X.astype("u2") * 256, labels=Y), "received values from"),
    "complex pixels": (npz_bytes(images=X * 1j, labels=Y), "of complex128"),
    "four channels": (npz_bytes(images=X[..., None].repeat(4, 3), labels=Y), r"\(30, 8, 8, 4\)"),
    "vectors": (npz_bytes(images=X.reshape(30, 64), labels=Y), r"received \(30, 64\)"),
    "no images": (npz_bytes(images=X[:0], labels=Y[:0]), r"received \(0, 8, 8\)"),
    "fractional labels": (npz_bytes(images=X, labels=Y + 0.5), "a whole number or a name"),
    "one-hot labels": (npz_bytes(images=X, labels=np.eye(3)[Y]), "a whole number or a name"),
    "bytes as labels": (npz_bytes(images=X, labels=Y.astype("S")), "a whole number or a name"),
    "negative labels": (npz_bytes(images=X, labels=Y - 1), "has a negative label, -1"),
    "a far label": (npz_bytes(images=X, labels=Y * 10**9), "the highest is 2000000000"),
    "an empty name": (npz_bytes(images=X, labels=np.array(["", "a", "b"])[Y]), "no name to print"),
    "half a surrogate": (npz_bytes(images=X, labels=np.array(["\ud800", "a"])[Y % 2]), "no name"),
    "too few names": (npz_bytes(images=X, labels=Y, class_names=np.array(["a", "b"])), "in 0..1"),
    "numbers as names": (npz_bytes(images=X, labels=Y, class_names=np.arange(3)), "be different t"),
    "another size of test images": (
        npz_bytes(x_train=X, y_train=Y, x_test=X[:, :4], y_test=Y), r"\(4, 8\); they must be the"
    ),
    "a strange class in the test": (
        npz_bytes(x_train=X, y_train=Y, x_test=X, y_test=Y + 1), "y_test of .* received 1 to 3"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_broken_archive_is_named_and_nothing_in_it_is_executed(content, message, tmp_path):
    file = tmp_path / "a.npz"
    file.write_bytes(content)
    refused(file, message)
    assert not Path("/tmp/executed-by-a-source").exists()


def test_a_file_of_images_alone_says_where_its_labels_are_looked_for(tmp_path):
    np.save(tmp_path / "x_train.npy", X)
    refused(tmp_path / "x_train.npy", r"no file or folder .*y_train\.npy")
    np.save(tmp_path / "pictures.npy", X)
    refused(tmp_path / "pictures.npy", "does not tell where its labels are")
    (tmp_path / "y_train.npy").write_bytes(objects())
    refused(tmp_path / "x_train.npy", r"y_train\.npy cannot be read: it holds Python objects")


IDX = {
    "no labels": ({"train-images-idx3-ubyte": idx_bytes(X)}, "labels-idx1-ubyte is missing, gz"),
    "labels for others": (
        {"train-images-idx3-ubyte": idx_bytes(X), "train-labels-idx1-ubyte": idx_bytes(Y[:9])},
        "each of the 30 images of",
    ),
    "images of one dimension": (
        {"train-images-idx3-ubyte": idx_bytes(Y), "train-labels-idx1-ubyte": idx_bytes(Y)},
        "magic number 0x00000801, expected 0x00000803",
    ),
    "a size that no file has": (
        {"train-images-idx3-ubyte.gz": gzip.compress(b"\0\0\x08\3" + b"\xff" * 12),
         "train-labels-idx1-ubyte": idx_bytes(Y)},
        "announces .* bytes of data, more than it can hold",
    ),
    "truncated": (
        {"train-images-idx3-ubyte": idx_bytes(X)[:-1], "train-labels-idx1-ubyte": idx_bytes(Y)},
        "more than it can hold|truncated",
    ),
    "half a test set": (
        {"train-images-idx3-ubyte": idx_bytes(X), "train-labels-idx1-ubyte": idx_bytes(Y),
         "t10k-labels-idx1-ubyte": idx_bytes(Y)},
        "t10k-images-idx3-ubyte is missing, gzipped or not",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), IDX.values(), ids=IDX)
def test_a_broken_folder_of_idx_files_is_named(files, message, tmp_path):
    folder = tmp_path / "idx"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    refused(folder, message)
