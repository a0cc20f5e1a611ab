"""Every command and example of the documentation can be copied, and so can every "Next:" line."""

import dataclasses
import importlib
import re
import shutil
import sys
from pathlib import Path

import forms
import numpy as np
import pytest
from examples import PAGES, command_lines, python_examples, replaced, words
from PIL import Image

import fashion_zoo
from fashion_zoo import exporting, registry
from fashion_zoo.data import sources
from recipes import _common
from recipes.__main__ import main

PROPOSED = re.compile(r"^(?:Next|Resume with|Evaluate it with): python -m recipes\.(.+)$", re.M)
TEACHERS = "recipes.teachers.convolutional"
ADDING = next(page for page in PAGES if page.name == "adding-a-recipe.md")


class Parsed(BaseException):
    """A command line was understood."""


@pytest.fixture
def reader(tmp_path, monkeypatch, images):
    """A folder with what a reader has, and a registry that forgets what is imported there."""
    registry.list_recipes()  # those of the package stay known
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    monkeypatch.delitem(sys.modules, TEACHERS, raising=False)  # it registers when it is imported
    (tmp_path / "my_recipes.py").write_text(python_examples(ADDING.read_text("utf-8"))[0])
    for name in ("a.png", "boot.png"):
        Image.fromarray(images.images[0]).save(tmp_path / name)
    (tmp_path / "suspects.txt").write_text("3\n14\n")
    return tmp_path


def understood(line):
    """Whether a command understands its words; nothing is run."""
    name, *argv = line
    try:
        return importlib.import_module(f"recipes.{name}").main(argv) == 0  # it was help
    except Parsed:
        return True


@pytest.fixture
def only_parsing(monkeypatch, reader, trained):
    parse = _common.parse
    for name in ("quick", "large", "conv", "both"):  # a teacher must be there
        shutil.copytree(trained.run.path, reader / "runs" / name)

    def stop(*arguments, **options):
        parse(*arguments, **options)
        raise Parsed

    monkeypatch.setattr(_common, "parse", stop)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_is_understood(page, reader, only_parsing, capsys):
    for line in command_lines(page.read_text("utf-8")):
        assert understood(line), (line, capsys.readouterr().err)


def test_the_pages_have_the_commands_that_are_looked_for():
    found = [line for page in PAGES for line in command_lines(page.read_text("utf-8"))]
    assert len(found) > 50
    assert {line[0] for line in found} == set(importlib.import_module("recipes.__main__").COMMANDS)
    assert ["train", "bn_mlp", "--run-dir", "runs/mine", "--resume"] in found
    assert ["list", "*", "--json"] in found


TINY = {"data.limit": "600", "epochs": "1", "batch_size": "100"}
# What is run elsewhere: servers, several processes, what takes hours, and what is to go wrong.
ELSEWHERE = (
    "runs/trouble",
    "inspect model.keras",
    "--dashboard",
    "postgresql:",
    "--gpu-memory",
    "--help",
    "benchmark",
    "publish",
)


def small(line, number):
    """Return a command line that trains on little, and whose study is its own."""
    name, *rest = line
    if name == "train" and "--data.source" in line:
        return replaced(line, **TINY | {"data.limit": "100", "batch_size": "20"})
    if name == "distill":
        return replaced(line, **TINY)
    if name == "train":
        cycles = {"epochs": "5"} if "--training.snapshots" in rest else {}
        return replaced(line, **TINY | ({"epochs": "2"} if "--fork" in rest else cycles))
    if name == "ensemble" and "runs/mine" in rest:
        return [word for word in line if word != "--snapshots"]  # which these runs have not
    if name == "ensemble" and "--train" in rest:
        return replaced(line, **TINY, members="2")
    if name == "find_lr":
        return [*replaced(line, **TINY, steps="20", seeds="1"), "--force"]
    if name == "audit":
        return [*replaced(["audit", "digits", *rest[1:]], folds="2", epochs="1"), "--force"]
    if name == "tune":
        few = {"trials": "2", "candidates": "1", "seeds": "1", "study_dir": f"s{number}"}
        return replaced(line, **few, **{"data.limit": "600", "epochs": "1"})
    return line


def own_images(folder, images, monkeypatch):
    """What the page of data has its reader have."""
    forms.write_folder(folder / "pictures", *images)
    forms.write_csv(folder / "fashion-mnist_train.csv", *images)
    forms.write_csv(folder / "fashion-mnist_test.csv", 255 - images.images, images.labels)
    monkeypatch.setenv("FASHION_ZOO_CACHE", str(folder / "cache"))
    names = np.array([str(one) for one in range(10)])
    arrays = {"x_train": images.images, "y_train": images.labels, "class_names": names}
    forms.write_cached(folder / "cache", "mnist", **arrays)


def proposed(said):
    """Return the command lines that a command proposed."""
    return [words(line) for line in PROPOSED.findall(said)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if command_lines(page.read_text("utf-8"), inline=False)],
    ids=lambda page: page.stem,
)
def test_every_command_of_a_page_and_what_it_proposes_runs(
    page, reader, images, capsys, monkeypatch
):
    own_images(reader, images, monkeypatch)
    known = dict(registry._recipes)
    lines = command_lines(page.read_text("utf-8"), inline=False)
    mine, quick = (["train", "bn_mlp", "--run-dir", f"runs/{name}"] for name in ("mine", "quick"))
    trained_here = any("runs/quick" in line for line in lines if line[0] == "train")
    for line in [mine] if trained_here else [mine, quick]:
        assert main(small(line, 0)) == 0
    capsys.readouterr()
    for number, line in enumerate(lines):
        measures = line[0] in ("compare", "experiment") and "--list" not in line
        if measures or any(word in " ".join(line) for word in ELSEWHERE):
            continue
        line = small(line, number)
        shutil.rmtree("exported", ignore_errors=True)
        assert main(line) == 0, (line, capsys.readouterr().err)
        for next_one in proposed(capsys.readouterr().out):
            registry._recipes.clear()  # a new process knows nothing of what was imported
            registry._recipes.update(known)
            sys.modules.pop(TEACHERS, None)
            assert main(small(next_one, number)) == 0, (next_one, capsys.readouterr().err)
            capsys.readouterr()


def exported_for(example):
    """Return an export in the format that an example reads: the one whose package it imports."""
    if not Path("r").exists():
        fashion_zoo.train("bn_mlp", run_dir="r", training={"epochs": 1})
    for word in exporting.WORDS:
        modules = exporting.WORDS.parse(word).modules
        if any(module in example for module in modules):
            for module in modules:
                pytest.importorskip(module)
            fashion_zoo.export("r", f"r/{word}", word)
            return f"r/{word}"
    return "r/saved_model"


def with_few_images():
    """Every recipe, and the teacher, on little; their weights are of other settings."""
    registry.load_recipes(TEACHERS)
    few = {"data": {"limit": 1000}, "training": {"batch_size": 100, "epochs": 2}}
    return {
        name: dataclasses.replace(entry, config=fashion_zoo.override(entry.config, few))
        for name, entry in registry._recipes.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_python_example_of_a_page_runs(page, reader, images, monkeypatch):
    small, whole = with_few_images(), dict(registry._recipes)
    for vocabulary in (exporting.WORDS, sources.WORDS):
        monkeypatch.setattr(vocabulary, "_members", dict(vocabulary))
    for example in python_examples(page.read_text("utf-8")):
        names = {"images": images.images[:2]}
        if "FOLDER" in example:
            example = example.replace("FOLDER", exported_for(example))
        registry._recipes.update(whole if 'weights="fashion_mnist' in example else small)
        example = re.sub(r'"epochs": \d{2,}', '"epochs": 2', example)
        exec(example.replace("max_epochs=9", "max_epochs=2"), names)
