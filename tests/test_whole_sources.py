"""All of Fashion-MNIST through every form: the same images, in bounded time and memory."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from forms import write_cached, write_csv, write_folder, write_idx

import fashion_zoo
from fashion_zoo.data import load

pytestmark = pytest.mark.slow
PIXELS = 70_000 * 784 / 2**20  # MiB
SECONDS = {"idx": 10, "npz": 2, "csv": 20, "folder": 40, "tfds": 2}
"""Twice what is promised on two cores, since other tests run beside this one."""
READ = """
import json, sys, time
from fashion_zoo.data import load
from recipes._processes import mebibytes
load("digits")  # imports do not count
before, start = mebibytes("VmRSS"), time.perf_counter()
data = load(sys.argv[1])
data.train, data.test
seconds, peak = time.perf_counter() - start, mebibytes() - before
print(json.dumps({"seconds": seconds, "peak": peak}))
"""


def multiset(data, part):
    """Return one digest of the images and class numbers of a part, whatever their order."""
    images, labels = data.read(part)
    rows = np.column_stack([labels.astype(np.uint8), images.reshape(len(images), -1)])
    return hashlib.sha256(b"".join(sorted(map(bytes, rows)))).hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The text of each source."""
    folder, data = tmp_path_factory.mktemp("whole"), load()
    train, test = data.read("train"), data.read("test")
    write_idx(folder / "idx", *train)
    write_idx(folder / "idx", *test, part="t10k")
    arrays = {"x_train": train.images, "y_train": train.labels,
              "x_test": test.images, "y_test": test.labels}  # fmt: skip
    np.savez_compressed(folder / "a.npz", **arrays)
    files = [str(write_csv(folder / f"{part}.csv", *its))
             for part, its in (("train", train), ("test", test))]  # fmt: skip
    write_folder(folder / "pictures" / "train", *train)
    write_folder(folder / "pictures" / "test", *test)
    names = np.array(data.class_names)
    write_cached(folder, "fashion_mnist", **arrays, class_names=names)
    return folder, {
        "idx": str(folder / "idx"), "npz": str(folder / "a.npz"), "folder": f"{folder}/pictures",
        "csv": f"csv({files[0]!r}, {files[1]!r})", "tfds": "tfds:fashion_mnist",
    }  # fmt: skip


@pytest.mark.parametrize("form", SECONDS)
def test_the_same_images_come_from_every_form_in_bounded_time_and_memory(form, whole, monkeypatch):
    folder, texts = whole
    monkeypatch.setenv("FASHION_ZOO_CACHE", str(folder))
    done = subprocess.run(
        [sys.executable, "-P", "-c", READ, texts[form]], capture_output=True, text=True, check=True
    )
    measured = json.loads(done.stdout)
    print(f"{form}: {measured['seconds']:.2f} s, {measured['peak'] / PIXELS:.2f} times the pixels")
    assert measured["seconds"] < SECONDS[form]
    assert measured["peak"] < 3 * PIXELS
    data, embedded = load(texts[form]), load()
    for part in ("train", "test"):
        assert multiset(data, part) == multiset(embedded, part)
    assert not data.notes


def test_a_training_is_the_same_where_the_order_is_the_same(whole, tmp_path):
    _, texts = whole
    small = {"model": {"hidden_units": (16,)}, "training": {"epochs": 1, "batch_size": 100}}
    made = [
        fashion_zoo.train(
            "bn_mlp", data={"source": texts[form], "limit": 1000}, run_dir=tmp_path / form,
            export=False, evaluate=False, progress=False, **small,
        ).run
        for form in ("idx", "csv", "npz")
    ]  # fmt: skip
    histories = {(run.path / "history.csv").read_bytes() for run in made}
    assert len(histories) == 1
    weights = [run.load_model().get_weights() for run in made]
    for one in weights[1:]:
        assert all(map(np.array_equal, weights[0], one))
