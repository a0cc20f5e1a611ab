"""Data sets of TensorFlow Datasets: prepared offline by its own builder, and cached."""

import subprocess
import sys
import time

import numpy as np
import pytest

from fashion_zoo import ConfigError, DataError
from fashion_zoo.data import load

pytestmark = pytest.mark.slow
pytest.importorskip("tensorflow_datasets")
requests = pytest.importorskip("requests")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return tmp_path


def test_fashion_mnist_is_prepared_from_the_embedded_files_and_then_read_without_tfds(
    places, monkeypatch
):
    data, embedded = load("tfds:fashion_mnist"), load()
    assert data.class_names == embedded.class_names
    for part in ("train", "test"):
        found, known = data.read(part), embedded.read(part)
        rows = [sorted(map(bytes, np.column_stack([one.labels, one.images.reshape(-1, 784)])))
                for one in (found, known)]  # fmt: skip
        assert rows[0] == rows[1]
    assert [file.name for file in (places / "cache" / "tfds").iterdir()] == ["fashion_mnist"]
    assert not (places / "tfds").exists()
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert load("tfds:fashion_mnist").digest == data.digest
    with pytest.raises(ConfigError, match="is prepared by TensorFlow Datasets, which cannot be"):
        load("tfds:mnist")


def no_network(*_, **__):
    raise requests.exceptions.ConnectionError("no network")  # at once, and not tried again


def test_what_cannot_be_downloaded_is_a_sentence_about_where_the_files_go(places, monkeypatch):
    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", no_network)
    manual = places / "tfds" / "downloads" / "manual"
    with pytest.raises(
        DataError, match="tfds:kmnist is not prepared, and cannot be prep"
    ) as caught:
        load("tfds:kmnist")
    assert f"would download in {manual}: put them there" in str(caught.value)
    assert str(places / "tfds" / "kmnist") in str(caught.value)
    assert not (places / "cache").exists()
    assert not (places / "tfds" / "downloads").exists()  # whose files TFDS would not verify
    manual.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (manual / f"{name}-ubyte.gz").write_bytes(b"poison")
    with pytest.raises(DataError, match="tfds:kmnist is not prepared"):  # by its checksums
        load("tfds:kmnist")


def test_without_a_network_the_sentence_comes_at_once_and_nothing_stays(
    places, monkeypatch, caplog
):
    def unreachable(*_, **__):
        asked.append(1)
        if len(asked) > 1:
            time.sleep(0.3)  # the others are still asking when the first file has failed
        raise OSError("no network")

    asked = []
    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    with pytest.raises(DataError, match="tfds:kmnist is not prepared, and cannot be prep"):
        load("tfds:kmnist")
    assert len(asked) == 8  # each of four files twice
    assert not [one for one in caplog.records if one.name.startswith("urllib3")]
    assert not (places / "tfds" / "kmnist").exists()


def test_a_download_ends_when_that_of_another_file_has_failed(monkeypatch):
    class Endless:
        def read(self, size):
            pieces.append(size)
            return b"x" * size

        def close(self):
            pieces.append(None)

    def send(_, request, **__):
        if "train-labels" in request.url:
            response = requests.Response()
            response.status_code, response.raw, response.url = 200, Endless(), request.url
            return response
        while not pieces:
            time.sleep(0.01)
        raise requests.exceptions.ConnectionError("no network")

    pieces = []
    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    with pytest.raises(DataError, match="tfds:kmnist is not prepared"):
        load("tfds:kmnist")
    assert pieces[-1] is None


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no data set 'mnits'\. Did you mean 'tfds:mnist'"):
        load("tfds:mnits")
    with pytest.raises(ConfigError, match=r"TensorFlow Datasets has no mnist:99\.0\.0"):
        load("tfds:mnist:99.0.0")


def test_a_data_set_of_something_else_is_refused(places):
    """A builder of one's own stands for those of texts, and for images of several sizes."""
    import tensorflow_datasets as library

    class Pictures(library.core.GeneratorBasedBuilder):
        VERSION = library.core.Version("1.0.0")
        name = "pictures_of_ours"
        pkg_dir_path = library.core.Path(__file__).parent

        def _info(self):
            features = library.features.FeaturesDict(
                {
                    "image": library.features.Image(shape=(None, None, 3)),
                    "label": library.features.ClassLabel(names=["a", "b"]),
                }
            )
            keys = ("image", "label")
            return library.core.DatasetInfo(builder=self, features=features, supervised_keys=keys)

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 9, 3)).astype(np.uint8)
            for number, image in enumerate(pixels):
                yield number, {"image": image[: 9 + number % 3], "label": number % 2}

    with pytest.raises(DataError, match=r"has images of .* Set data\.size"):
        load("tfds:pictures_of_ours")
    data = load("tfds:pictures_of_ours", size=8, color="grey")
    assert (data.image_shape, data.class_names) == ((8, 8), ("a", "b"))
    names = {file.name for file in (places / "cache" / "tfds").iterdir()}
    assert names == {"pictures_of_ours-grey-8"}


def test_the_cache_is_read_in_a_process_without_tensorflow(places):
    from forms import three_classes, write_cached

    x, y = three_classes()
    names = np.array(["a", "b", "c"])
    write_cached(places / "cache", "small", x_train=x, y_train=y, class_names=names)
    code = (
        "import sys; from fashion_zoo.data import load; print(load('tfds:small').digest); "
        "assert not {'tensorflow', 'tensorflow_datasets'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == load((x, y)).digest, done.stderr
