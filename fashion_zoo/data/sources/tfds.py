"""Data sets of TensorFlow Datasets: prepared by its builders, and decoded once into a cache."""

import contextlib
import dataclasses
import functools
import io
import itertools
import logging
import os
import re
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fashion_zoo import storage
from fashion_zoo.config import DataConfig
from fashion_zoo.data import conversion
from fashion_zoo.data.sources import WORDS, Raw, Source
from fashion_zoo.data.sources.fashion_mnist import EMBEDDED
from fashion_zoo.data.sources.npz import as_data_error, raw_of
from fashion_zoo.errors import ConfigError, DataError, StorageError
from fashion_zoo.language.wording import nearest
from fashion_zoo.show.streams import say
from fashion_zoo.storage import reading

CACHE = "FASHION_ZOO_CACHE"
"""Environment variable of the folder of the cache; by default ``~/.cache/fashion_zoo``."""
_WAIT = 10  # seconds for downloads to end after one has failed
# A text that is no version behind the colon would name the data sets of others, without checksums.
_NAME = re.compile(r"\w{1,100}(/[\w.+-]{1,100})?(:(\d+|\*)(\.(\d+|\*)){2})?")


@WORDS.form(lambda text: text.startswith("tfds:"), "tfds:NAME[/CONFIG][:VERSION]")
@WORDS.register
def tfds(name: str) -> Source:
    """A data set of TensorFlow Datasets, such as ``tfds:mnist`` or ``tfds:mnist:3.0.1``."""
    name = str(name).removeprefix("tfds:")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"Write tfds:NAME[/CONFIG][:VERSION], received {name!r}.")
    return Source(functools.partial(_read, name), word=f"tfds:{name}", title=f"tfds:{name}")


def cache_file(name: str, config: DataConfig) -> Path:
    """Return the file of a data set in the cache; images of several sizes depend on the config."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    home = os.environ.get(CACHE) or os.path.join(base, "fashion_zoo")
    kept = {"color": config.color, "size": config.size}
    parts = [name.replace("/", "+").replace(":", "-")]
    parts += [str(value) for value in kept.values() if value not in ("as_is", None)]
    return Path(os.path.expanduser(home), "tfds", "-".join(parts))


def _read(name: str, config: DataConfig) -> Raw:
    file = cache_file(name, config)
    data = reading.read_verified(file)
    if data is None:
        say(f"tfds:{name} is prepared by TensorFlow Datasets, once, and then read from {file}.")
        data = _decoded(name, config)
        try:
            with storage.as_storage_error(file):
                file.parent.mkdir(parents=True, exist_ok=True)
            storage.write_verified(file, data)
        except StorageError as error:
            say(f"warning: tfds:{name} is decoded again the next time. {error}")
    with as_data_error(file), zipfile.ZipFile(io.BytesIO(data)) as archive:
        raw = raw_of(file, archive)
    # The images are converted before they are in the cache.
    size, color = config.size, {"grey": "grey", "rgb": "colour"}.get(config.color)
    changes = (f"{size}x{size}" if size else "", color or "")
    return dataclasses.replace(raw, notes=tuple(f"converted to {one}" for one in changes if one))


def _decoded(name: str, config: DataConfig) -> bytes:
    """Prepare a data set and return its images, labels and class names as an NPZ file."""
    library = _library(name)
    published = name.partition(":")[0] == "fashion_mnist"
    root = os.path.expanduser(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    manual = EMBEDDED if published else Path(root, "downloads", "manual")
    # TFDS takes what it finds in these folders without a check, and other data sets have files of
    # the same names: they are always fresh ones.
    with tempfile.TemporaryDirectory() as fresh:
        builder = _builder(library, name, fresh if published else root)
        settings = library.download.DownloadConfig(
            manual_dir=manual if manual.is_dir() else None,
            extract_dir=os.path.join(fresh, "extracted"),
            try_download_gcs=False,
            force_checksums_validation=True,
            num_shards=1,
        )
        try:
            with _impatient():
                builder.download_and_prepare(
                    download_dir=os.path.join(fresh, "downloads"),
                    download_config=settings,
                )
        except Exception as error:  # of the network, the disk, a checksum or a builder
            _remove_empty(Path(builder.data_dir).parent, Path(root))
            raise DataError(
                f"tfds:{name} is not prepared, and cannot be prepared here: {_reason(error)}. TFDS "
                f"looks for prepared data in {builder.data_dir}, and for the files that it would "
                f"download in {manual}: put them there under their published names."
            ) from error
        try:
            return _as_npz(library, builder, name, config)
        except DataError:
            raise
        except Exception as error:  # of damaged records
            raise DataError(
                f"The prepared data of tfds:{name} in {builder.data_dir} cannot be read: "
                f"{_reason(error)}. Remove that folder, to prepare it again."
            ) from error


def _end(downloads: Any) -> None:
    """Wait some seconds for the threads of a downloader; one may wait for a server for minutes."""
    executor = getattr(downloads, "_executor", None)
    if executor is not None:
        own = {"cancel_futures": True}
        waiting = threading.Thread(target=executor.shutdown, kwargs=own, daemon=True)
        waiting.start()
        waiting.join(_WAIT)


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Try a download twice, not for minutes, and without a warning of each try.

    TFDS raises the error of one file, and leaves the threads that download others: they would warn
    later, and write into a folder that is removed. They end with the block.
    """
    from tensorflow_datasets.core.download import downloader

    log, over = logging.getLogger("urllib3.connectionpool"), threading.Event()
    made: list[Any] = []

    def get_downloader(*args: Any, **options: Any) -> Any:  # TFDS's own shares its threads
        made.append(downloader._Downloader(*args, **options))
        return made[-1]

    @contextlib.contextmanager
    def open_url(*args: Any, **options: Any) -> Iterator[tuple[Any, Iterator[bytes]]]:
        with usual["_open_url"](*args, **options) as (response, pieces):
            yield response, itertools.takewhile(lambda _: not over.is_set(), pieces)

    own: dict[str, Any] = {"MAX_RETRIES": 1}
    private = ("get_downloader", "_Downloader", "_open_url")  # another version may lack them
    if all(hasattr(downloader, name) for name in private):
        own |= {"get_downloader": get_downloader, "_open_url": open_url}
    usual, level = {name: getattr(downloader, name) for name in own}, log.level
    log.setLevel(logging.ERROR)
    for name, value in own.items():
        setattr(downloader, name, value)
    try:
        yield
    finally:
        over.set()
        for one in made:
            _end(one)
        for name, value in usual.items():
            setattr(downloader, name, value)
        log.setLevel(level)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove the folders below a root that TFDS made and left empty."""
    with contextlib.suppress(OSError):
        while root in folder.parents:
            folder.rmdir()
            folder = folder.parent


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0][:300].rstrip(".")


def _library(name: str) -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ConfigError(
            f"tfds:{name} is not in the cache, and is prepared by TensorFlow Datasets, which "
            f"cannot be loaded: {error}. Prepare it where tensorflow and tensorflow-datasets are "
            f"installed, and set {CACHE} to the folder of its cache."
        ) from error
    tensorflow_datasets.disable_progress_bar()
    return tensorflow_datasets


def _builder(library: Any, name: str, root: str) -> Any:
    try:
        return library.builder(name, data_dir=root)
    except Exception as error:  # an unknown name, config or version, each of its own class
        known = library.list_builders(with_community_datasets=False)
        word = re.split("[/:]", name)[0]
        if word in known:
            raise ConfigError(f"TensorFlow Datasets has no {name}: {_reason(error)}.") from error
        near = nearest(word, known)
        hint = f" Did you mean {f'tfds:{near}'!r}?" if near else ""
        raise ConfigError(f"TensorFlow Datasets has no data set {word!r}.{hint}") from error


def _as_npz(library: Any, builder: Any, name: str, config: DataConfig) -> bytes:
    """Decode each split that is a part, and return the arrays as an NPZ file."""
    keys, features = builder.info.supervised_keys, builder.info.features
    of_images = keys and len(keys) == 2 and isinstance(features[keys[0]], library.features.Image)
    if not of_images or not isinstance(features[keys[1]], library.features.ClassLabel):
        raise DataError(f"tfds:{name} is no data set of images of one class each.")
    if "train" not in builder.info.splits:
        raise DataError(
            f"tfds:{name} has no split 'train', but {', '.join(sorted(builder.info.splits))}."
        )
    arrays = {"class_names": np.array(features[keys[1]].names)}
    for part in ("train", "validation", "test"):
        if part in builder.info.splits:
            read = library.ReadConfig(interleave_cycle_length=1)
            rows = builder.as_dataset(
                split=part, shuffle_files=False, as_supervised=True, read_config=read
            )
            count = builder.info.splits[part].num_examples
            images, labels = _stacked(library.as_numpy(rows), count, name, config)
            arrays |= {f"x_{part}": images, f"y_{part}": labels}
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub mistakes names for options
    return file.getvalue()


def _stacked(rows: Any, count: int, name: str, config: DataConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a split as arrays."""
    upright = dataclasses.replace(config, invert=False)  # done with those of the other sources
    images, labels = np.zeros((0,), np.uint8), np.zeros(count, np.int64)
    done = 0
    for image, label in rows:
        if image.dtype == np.uint16:
            image = (image >> 8).astype(np.uint8)
        if image.dtype != np.uint8 or image.shape[-1] not in (1, 3):
            raise DataError(
                f"tfds:{name} has an image of {image.shape} {image.dtype}; expected 1 or 3 "
                "channels of 8 or 16 bits."
            )
        image = image[..., 0] if image.shape[-1] == 1 else image
        image = conversion.convert(image[None], upright)[0]
        if not done:
            images = np.zeros((count, *image.shape), np.uint8)
        if image.shape != images.shape[1:]:
            raise DataError(
                f"tfds:{name} has images of {image.shape} and {images.shape[1:]}. Set data.size, "
                "and data.color if some are in colour, to convert them to one shape."
            )
        images[done], labels[done] = image, label
        done += 1
    if done != count:
        raise DataError(f"tfds:{name} has {done:,} of {count:,} images that it announces.")
    return images, labels
