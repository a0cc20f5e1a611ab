"""Shared by all tests: small stratified slices of the real images, and one small trained run."""

import contextlib
import functools
import gc
import os
import pickle
import shutil
import sys
from pathlib import Path

import filelock
import pytest

import fashion_zoo
from fashion_zoo.data import Images, load, stratified
from fashion_zoo.data.sources import fashion_mnist
from fashion_zoo.inspecting import page as inspection
from fashion_zoo.show import figures

# A GPU multiplies float32 with the 10 bits of TF32 unless it is told otherwise, and the tests of
# float32 compare results to float32's rounding.
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")

# The jax tests have an environment of their own, without tensorflow.
_ELSEWHERE = os.environ.get("KERAS_BACKEND") in ("jax", "torch")
collect_ignore = [] if _ELSEWHERE else ["test_other_backends.py"]

SMALL = {
    "model": {"hidden_units": (32, 16)},
    "data": {"limit": 1000},
    "training": {"epochs": 2, "batch_size": 100},
}


def pytest_collection_finish():
    _freeze()


@pytest.fixture(scope="module", autouse=True)
def small_worker():
    """Give back what the tests of a module traced.

    TensorFlow keeps the gradient of every graph, and with it the graph, until somebody forgets it.
    """
    ops = sys.modules.get("tensorflow.python.framework.ops")
    known = ops.gradient_registry._registry if ops else {}
    before = set(known)
    yield
    for name in set(known) - before:
        if name.startswith("CustomGradient-"):
            del known[name]
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    _freeze()


def _freeze():
    """Leave what lives now out of later collections.

    Each call of the facade collects, which takes most of a second where the objects of a hundred
    test modules are looked through.
    """
    gc.collect()
    gc.freeze()


_DRAWN = {"curves", "confusion", "reliability", "errors", *inspection._PICTURES}
_TRY_SAVE = figures.try_save


@contextlib.contextmanager
def _pictures(try_save):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "try_save", try_save)
        yield


@pytest.fixture(scope="session", autouse=True)
def quickly_drawn():
    """The pictures of runs and inspections, which take most of their time, are empty."""
    from matplotlib.figure import Figure

    empty = figures.draw(lambda: Figure((1, 1)))

    def try_save(path, make):
        with pytest.MonkeyPatch.context() as patch:
            if Path(path).stem in _DRAWN:
                patch.setattr(figures, "draw", lambda *_: empty)
            return _TRY_SAVE(path, make)

    with _pictures(try_save):
        yield


@pytest.fixture(scope="session", autouse=True)
def read_once():
    """The embedded images are unpacked once in a process: it is a fifth of a small training."""
    usual, once = fashion_mnist._read, functools.cache(fashion_mnist._read)

    def read(folder, part):
        return (once if folder == fashion_mnist.EMBEDDED else usual)(folder, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion_mnist, "_read", read)
        yield


@pytest.fixture
def drawn():
    """The pictures of runs are drawn."""
    with _pictures(_TRY_SAVE):
        yield


@pytest.fixture(autouse=True)
def no_imported_recipes(monkeypatch):
    """A command that imports recipes in one test proposes no such import in another."""
    monkeypatch.setattr("recipes._spelling.imported", [])


@pytest.fixture(scope="session")
def small():
    """Overrides that make any recipe train in a second."""
    return SMALL


@pytest.fixture(scope="session")
def images() -> Images:
    """200 real training images, 20 of each class."""
    part = load().read("train")
    chosen = stratified(part.labels, 200)
    return Images(part.images[chosen], part.labels[chosen])


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Returns ``make(name, function)``: what ``function(folder)`` returns, with its folder.

    Only one of xdist's workers calls it; the others read what it returned, which is pickled, and
    each has a copy of the folder, so that no worker sees what another does in it. For what costs a
    second or more: xdist gives the tests of a module to all workers.
    """

    def make(name, function):
        own = tmp_path_factory.mktemp(name)
        if "PYTEST_XDIST_WORKER" not in os.environ:
            return function(own), own
        place = tmp_path_factory.getbasetemp().parent / f"shared-{name}"
        with filelock.FileLock(f"{place}.lock"):
            if not place.exists():
                made = place.with_suffix(".begun")
                shutil.rmtree(made, ignore_errors=True)
                made.mkdir()
                made.with_suffix(".pickle").write_bytes(pickle.dumps(function(made)))
                made.rename(place)
        shutil.copytree(place, own, dirs_exist_ok=True)
        return pickle.loads(place.with_suffix(".pickle").read_bytes()), own

    return make


@pytest.fixture(scope="session")
def trained(shared):
    """One small run, trained, evaluated and exported. Do not write into it."""
    export = not _ELSEWHERE

    def make(folder):
        with _pictures(_TRY_SAVE):
            fashion_zoo.train("bn_mlp", run_dir=folder / "bn", export=export, **SMALL)

    _, folder = shared("trained", make)
    return fashion_zoo.train("bn_mlp", run_dir=folder / "bn", export=export, resume=True)


@pytest.fixture(scope="session")
def teacher(shared):
    """The run of a small teacher with dropout and batch normalization. Do not write into it."""

    def make(folder):
        fashion_zoo.train(
            "bn_mlp", run_dir=folder / "teacher", evaluate=False, export=False,
            model={"hidden_units": (16,), "dropout": (0.5,)}, data={"limit": 420},
            training={"epochs": 2, "batch_size": 50, "learning_rate": 0.02},
        )  # fmt: skip

    return fashion_zoo.open_run(shared("teacher", make)[1] / "teacher")


@pytest.fixture(scope="session")
def ensembled(shared):
    """The folder of ``ensembling.make``, which reads no test image. Do not write into it."""
    from ensembling import make

    return shared("ensembles", make)[1]


@pytest.fixture(scope="session")
def whole(shared):
    """The run of ``resuming.OPTIONS`` that was never stopped. Do not write into it."""
    from resuming import OPTIONS, train

    _, folder = shared("whole", lambda folder: train(folder / "r", **OPTIONS).path.name)
    return fashion_zoo.open_run(folder / "r")


@pytest.fixture(scope="session")
def recorded(shared):
    """The steps of that training, and the disk at each moment of a kill. Copy it."""
    from crashes import record
    from resuming import OPTIONS, train

    def make(folder):
        with pytest.MonkeyPatch.context() as patch:
            return record(
                folder / "now", folder / "then", patch, lambda: train(folder / "now/r", **OPTIONS)
            )[0]

    steps, folder = shared("recorded", make)
    yield steps, {moment.name: moment for moment in (folder / "then").iterdir()}
    shutil.rmtree(folder)


@pytest.fixture
def no_memory_given_back(monkeypatch):
    """Where nothing is trained there is nothing to collect, which takes a second."""
    monkeypatch.setattr("fashion_zoo.machine.devices.gc.collect", lambda: None)


@pytest.fixture
def trained_runs(monkeypatch):
    """(place, config) of each training of an experiment; nothing is trained. See ``arms.Made``."""
    from arms import Made

    return Made(monkeypatch)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The experiment of ``arms.OWN`` in width.py, in the current folder."""
    from arms import OWN

    from recipes import experiment

    monkeypatch.chdir(tmp_path)
    Path("width.py").write_text(OWN)
    return experiment.find("width.py")


@pytest.fixture
def url(tmp_path):
    """Where a study may be."""
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def opened(url):
    """Make workers of one study, which end with the test."""
    workers = []

    def make(**options):
        from fashion_zoo.tuning import Study

        options = {"fingerprint": {"a": 1}, "trials": 2, **options}
        workers.append(Study(url, "s", **options))
        return workers[-1]

    yield make
    for worker in workers:
        worker.close()
