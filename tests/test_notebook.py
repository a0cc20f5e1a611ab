"""The notebooks of the docs: their sources are plain, and they run as a person would see them."""

import json
import re
from pathlib import Path

import pytest

import fashion_zoo

DOCS = Path(__file__).parent.parent / "docs"
NAMES = sorted(file.name for file in DOCS.glob("*.ipynb"))
READ = {name: json.loads((DOCS / name).read_text(encoding="utf-8")) for name in NAMES}
GUIDE, TOUR = "guide.ipynb", "tour.ipynb"


def cells(name, kind):
    """Return the cells of a kind, with their sources as text."""
    found = [cell for cell in READ[name]["cells"] if cell["cell_type"] == kind]
    return [("".join(cell["source"]), cell) for cell in found]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_of_cells_that_compile_and_of_links_that_lead_somewhere(name):
    for source, _ in cells(name, "code"):
        compile(source, "cell", "exec")
    texts = [source for source, _ in cells(name, "markdown")]
    for link in re.findall(r"\]\(([^)#]+)", "\n".join(texts)):
        assert (DOCS / link).is_file(), link


def test_the_tour_has_no_outputs_and_calls_what_there_is():
    for _, cell in cells(TOUR, "code"):
        assert not cell["outputs"]
        assert cell["execution_count"] is None
    text = "\n".join(source for source, _ in cells(TOUR, "code"))
    for name in ("train", "evaluation", "find_lr", "tune", "predict", "plot_schedules"):
        assert name in text
    assert fashion_zoo.recipe("bn_mlp").config.training.batch_size == 256
    assert "batch_size=256" in text


def shape(outputs):
    """Return which kinds of output a cell has; several prints in a row are one."""
    kinds = [
        tuple(sorted(one.get("data", {}))) or (one["output_type"], one["name"]) for one in outputs
    ]
    return [kind for number, kind in enumerate(kinds) if [kind] != kinds[:number][-1:]]


def test_prints_in_a_row_are_one_output():
    line = {"output_type": "stream", "name": "stdout"}
    table = {"output_type": "execute_result", "data": {"text/plain": ""}}
    assert shape([line, line, table, line]) == shape([line, table, line]) != shape([table, line])


def test_the_guide_keeps_what_its_cells_gave():
    for number, (source, cell) in enumerate(cells(GUIDE, "code"), 1):
        assert cell["execution_count"] == number
        assert cell["outputs"], source
        for one in cell["outputs"]:
            assert one["output_type"] != "error", source
            assert one.get("name") != "stderr", source
            assert "/tmp/" not in json.dumps(one), source
    sections = [re.match(r"## (\d+) ", source) for source, _ in cells(GUIDE, "markdown")]
    numbers = [int(found[1]) for found in sections if found]
    assert numbers == list(range(1, len(numbers) + 1))


def minutes(outputs):
    """Return what the guide says at its end."""
    return float(re.search(r"took ([\d.]+) minutes", "".join(texts(outputs)))[1])


def test_the_guide_took_less_than_ten_minutes_when_its_outputs_were_made():
    _, last = cells(GUIDE, "code")[-1]
    assert minutes(last["outputs"]) < 10


@pytest.fixture(scope="module", params=NAMES)
def executed(request, tmp_path_factory):
    """Run all cells in a folder of their own; return name and the outputs of each code cell."""
    for module in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(module)
    import notebooks

    notebook = notebooks.executed(DOCS / request.param, tmp_path_factory.mktemp("notebook"))
    outputs = [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]
    return request.param, outputs


def texts(outputs):
    for output in outputs:
        data = output.get("data", {})
        yield "".join(output.get("text", "")) or "".join(data.get("text/plain", ""))


@pytest.mark.slow
def test_a_notebook_runs_without_a_warning_and_without_long_outputs(executed):
    name, found = executed
    for (source, cell), outputs in zip(cells(name, "code"), found, strict=True):
        said = [one["text"] for one in outputs if one.get("name") == "stderr"]
        assert said == [], source
        assert sum(len(text.splitlines()) for text in texts(outputs)) <= 40, source
        if name == GUIDE:
            assert shape(outputs) == shape(cell["outputs"]), source


@pytest.mark.slow
def test_a_notebook_shows_progress_curves_and_pictures(executed):
    name, found = executed
    by_call = {
        call: outputs
        for (source, _), outputs in zip(cells(name, "code"), found, strict=True)
        for call in re.findall(r"^(?:\w+ = )?fashion_zoo\.([\w.]+)\(", source, re.M)[:1]
    }
    if name == TOUR:
        assert "epoch 3/3" in "".join(texts(by_call["train"]))
        assert "/60" in "".join(texts(by_call["find_lr"]))  # it ends where the loss diverges
        assert "of 3 trials" in "".join(texts(by_call["tune"]))
    for call in {"train", "find_lr"} if name == TOUR else {"find_lr"}:
        pages = "".join("".join(one.get("data", {}).get("text/html", "")) for one in by_call[call])
        assert pages.count("data:image/png;base64,") == 1, call
    for call in ("plot_schedules", "plot_augmentation") if name == TOUR else ():
        assert [("image/png" in one["data"]) for one in by_call[call]] == [True], call
    for call in () if name == TOUR else ("compare", "experiments.run"):
        (one,) = by_call[call]
        assert "\n| --- |" in "".join(one["data"]["text/markdown"]), call


@pytest.mark.slow
def test_the_guide_takes_less_than_ten_minutes_by_its_own_count(executed):
    name, found = executed
    if name == GUIDE:
        assert minutes(found[-1]) < 10
