import importlib.util
import math
import operator
import re
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import list_recipes, recipe
from fashion_zoo.config.live import LIVE
from fashion_zoo.show import figures
from recipes.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_a_row_and_a_place_in_the_menu(name):
    page = (ROOT / "docs" / "commands" / f"{name}.md").read_text(encoding="utf-8")
    assert f"python -m recipes.{name}" in page
    assert f"| [`{name}`](docs/commands/{name}.md) | {COMMANDS[name]} |" in README
    assert f"commands/{name}.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert importlib.util.find_spec(f"recipes.{name}")


def test_the_first_page_links_to_every_other_one():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"]({name})" in index, name


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_has_a_section(name):
    assert f"## `{name}`" in (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_links_between_files_hold(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_carries_an_accuracy_written_by_hand(path):
    """Measured accuracies live in files that a command writes, and in tables made from them."""
    text = re.sub(
        "<!-- (\\w+):begin -->.*?<!-- \\1:end -->", "", path.read_text("utf-8"), flags=re.S
    )
    assert not re.search(r"\b[89]\d\.\d+ ?%", text)


def test_ci_runs_exactly_the_test_command_of_the_readme():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "pip install tox && tox"
    assert f"    {lines[-1]}\n" in README
    assert "    pip install . && python -m recipes.train bn_mlp\n" in README


def test_the_python_example_of_the_readme_runs():
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    assert len(example.split("\n\n")) == 2
    assert len(example.replace("\n\n", "\n").splitlines()) == 4
    assert f"batch_size={recipe('bn_mlp').config.training.batch_size}, " in example
    names = {}
    exec(example.replace("epochs=5", "epochs=1, steps_per_epoch=2, verbose=0"), names)
    assert len(names["data"].train.images) == 55_000
    assert "val_accuracy" in names["model"].history.history


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_every_dotted_name_of_the_library_resolves(path):
    names = set(re.findall(r"fashion_zoo\.((?:\.?[A-Za-z_]+)+)", path.read_text(encoding="utf-8")))
    for name in names - {"recipes"}:  # the name of an entry point
        operator.attrgetter(name)(fashion_zoo)


@pytest.mark.slow
def test_the_python_example_of_the_dropout_page_runs():
    page = (ROOT / "docs" / "dropout.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.S)[1]
    names = {}
    exec(example.replace("epochs=5", "epochs=1, steps_per_epoch=2, verbose=0"), names)
    assert names["falling"].each == "step"


COMMAND_OF = {
    "standard": "python -m recipes.augment standard",
    "strong": "python -m recipes.augment strong",
    "schedules": "python -m recipes.schedules",
    **dict.fromkeys(
        ("curves", "confusion", "reliability", "errors"),
        "python -m recipes.train bn_mlp.quick --run-dir runs/quick",
    ),
}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "pictures").iterdir()), ids=lambda path: path.name
)
def test_a_picture_of_the_docs_is_a_commands_and_a_page_names_that(path):
    figures.check_place(path, force=False)  # it is signed as one of ours
    assert path.stat().st_size < 200_000
    pages = [page.read_text("utf-8") for page in PAGES]
    (shown,) = [text for text in pages if re.search(rf"\(\S*pictures/{path.name}\)", text)]
    assert f"`{COMMAND_OF[path.stem]}`" in shown.replace("\n", " ")


def test_the_table_of_what_moves_is_that_of_the_live_values():
    rows = []
    for name, live in LIVE.items():
        flag, passes = name.replace("_", "-"), "passes" if live.reached else "comes up to"
        often, refused = "each step", live.idle
        if live.part == "dropout":
            often = "each epoch, or each step with `--training.schedules.dropout-each step`"
        if math.isfinite(live.largest):
            refused += f", or it {passes} {live.largest:g}"
        row = f"| `--training.schedules.{flag}` | {live.moves} | {often} | {refused} |"
        rows.append(row.replace("|  |", "| |"))
    page = (ROOT / "docs/commands/train.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `--training\.schedules\..*", page, re.M) == rows
