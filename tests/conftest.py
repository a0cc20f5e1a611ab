"""Shared by all tests: small stratified slices of the real images, and one small trained run."""

import os
import shutil

import pytest

import fashion_zoo
from fashion_zoo.data import Images, load, stratified

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
def trained(tmp_path_factory):
    """One small run, trained, evaluated and exported. Do not write into it."""
    folder = tmp_path_factory.mktemp("runs") / "bn"
    return fashion_zoo.train("bn_mlp", run_dir=folder, export=not _ELSEWHERE, **SMALL)


# Those that train are of the session: xdist mixes the tests of modules, and a module's fixture is
# made anew each time that its turn comes again.
@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The run of ``resuming.OPTIONS`` that was never stopped."""
    from resuming import OPTIONS, train

    return train(tmp_path_factory.mktemp("whole") / "r", **OPTIONS)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """The steps of that training, and the disk at each moment of a kill."""
    from crashes import record
    from resuming import OPTIONS, train

    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        found = record(
            folder / "now", folder / "then", patch, lambda: train(folder / "now" / "r", **OPTIONS)
        )
    yield found
    shutil.rmtree(folder)


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
