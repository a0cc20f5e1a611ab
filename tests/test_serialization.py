"""Keras learns of this package's classes, whichever of the two is imported first."""

import os
import subprocess
import sys

import keras
import pytest

import fashion_zoo
from fashion_zoo.machine.serialization import _KerasFinder

WATCHED = """
import sys, threading
import fashion_zoo.machine.serialization as serialization
calls = []
serialization._register = lambda: calls.append(sys.modules["keras"].READY)
serialization.register_with_keras()  # once more changes nothing
print(sum(type(finder).__name__ == "_KerasFinder" for finder in sys.meta_path))
"""
FAKE = "import pathlib\nREADY = False\nLINES = pathlib.Path(__file__).read_text()\nREADY = True\n"


def run(code, folder, *, check=True, **environment):
    """Run a program that finds modules in a folder first."""
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def fake(tmp_path):
    """A folder with a package that is called keras."""
    (tmp_path / "keras" / "inner").mkdir(parents=True)
    (tmp_path / "keras" / "__init__.py").write_text(FAKE)
    (tmp_path / "keras" / "inner" / "__init__.py").touch()
    return tmp_path


def test_classes_are_registered_once_keras_is_complete(fake):
    code = """
import keras.inner, importlib, inspect
print(calls, type(keras.__loader__).__name__, type(keras.__spec__.loader).__name__)
print(inspect.getsource(keras) == keras.LINES)
importlib.reload(keras)
print(len(calls))
"""
    loader = "SourceFileLoader"
    assert run(WATCHED + code, fake) == ["1", f"[True] {loader} {loader}", "True", "2"]


def test_an_import_of_keras_that_fails_can_be_tried_again(fake):
    (fake / "keras" / "__init__.py").write_text("raise ImportError('no backend')")
    code = f"""
try:
    import keras
except ImportError as error:
    print(error, calls)
open("keras/__init__.py", "w").write({FAKE!r} + "# other")
import keras
print(calls)
"""
    assert run(WATCHED + code, fake) == ["1", "no backend []", "[True]"]


def test_threads_that_import_at_once_register_once(fake):
    code = """
import time
gate = threading.Barrier(8)
def go():
    gate.wait()
    import keras, json, csv
threads = [threading.Thread(target=go) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
print(calls)
"""
    assert run(WATCHED + code, fake) == ["1", "[True]"]


def test_keras_is_there_even_where_registering_fails(fake):
    code = "import fashion_zoo, keras\nprint(keras.READY)"  # the fake has no layers to extend
    assert run(code, fake) == ["True"]


def test_a_missing_keras_is_missing_as_ever(monkeypatch):
    finder = _KerasFinder()
    monkeypatch.setattr(sys, "meta_path", [finder])
    assert finder.find_spec("keras", None) is None


def test_here_they_are_registered():
    for name in ("ScheduledDropout", "BatchNormalization", "FusedAdam", "TabulatedSchedule"):
        assert keras.saving.get_registered_object(f"fashion_zoo>{name}") is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    ["import fashion_zoo, keras", "import keras, fashion_zoo", "import fashion_zoo, tensorflow"],
)
def test_what_a_recipe_saves_loads_after_an_import_alone(first, tmp_path, images):
    if "tensorflow" in first:
        pytest.importorskip("tensorflow")
    model = fashion_zoo.get("adaptive_dropout_mlp", hidden_units=(16, 8))
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))
    model.fit(images.images, images.labels, verbose=0, callbacks=[checkpoint])
    code = f"""
{first}
import keras
print(keras.saving.load_model("model.keras").name)
"""
    assert run(code, tmp_path)[-1] == "adaptive_dropout_mlp"
