"""The notebook of the docs: its source is plain, and it runs as a person would see it."""

import json
from pathlib import Path

import pytest

import fashion_zoo

FILE = Path(__file__).parent.parent / "docs" / "tour.ipynb"
NOTEBOOK = json.loads(FILE.read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_has_no_outputs_and_calls_what_there_is():
    for cell in NOTEBOOK["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for source in CODE:
        compile(source, "cell", "exec")
    text = "\n".join(CODE)
    for name in ("train", "evaluation", "find_lr", "tune", "predict", "plot_schedules"):
        assert name in text
    assert fashion_zoo.recipe("bn_mlp").config.training.batch_size == 256
    assert "batch_size=256" in text


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Run all cells in a folder of their own; return the outputs of each code cell."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(FILE, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]


def texts(outputs):
    for output in outputs:
        data = output.get("data", {})
        yield "".join(output.get("text", "")) or "".join(data.get("text/plain", ""))


@pytest.mark.slow
def test_the_notebook_runs_without_a_warning_and_without_long_outputs(executed):
    for source, outputs in zip(CODE, executed, strict=True):
        said = [one["text"] for one in outputs if one.get("name") == "stderr"]
        assert said == [], source
        assert sum(len(text.splitlines()) for text in texts(outputs)) <= 40, source


@pytest.mark.slow
def test_the_notebook_shows_progress_curves_and_pictures(executed):
    by_call = {
        name: outputs
        for source, outputs in zip(CODE, executed, strict=True)
        for name in ("train", "find_lr", "plot_schedules", "plot_augmentation", "tune")
        if f"fashion_zoo.{name}(" in source
    }
    assert "epoch 3/3" in "".join(texts(by_call["train"]))
    assert "/60" in "".join(texts(by_call["find_lr"]))  # it ends where the loss diverges
    assert "of 3 trials" in "".join(texts(by_call["tune"]))
    for name in ("train", "find_lr"):
        pages = "".join("".join(one.get("data", {}).get("text/html", "")) for one in by_call[name])
        assert pages.count("data:image/png;base64,") == 1, name
    for name in ("plot_schedules", "plot_augmentation"):
        assert [("image/png" in one["data"]) for one in by_call[name]] == [True], name
