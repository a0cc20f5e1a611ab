import re
from pathlib import Path

import pytest

from fashion_zoo import list_recipes
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
    assert (ROOT / "recipes" / f"{name}.py").is_file()


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_has_a_section(name):
    assert f"## `{name}`" in (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_links_between_files_hold(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_carries_an_accuracy_written_by_hand(path):
    """Measured accuracies live in results.csv; pages link to the table."""
    assert not re.search(r"\b[89]\d\.\d+ ?%", path.read_text(encoding="utf-8"))


def test_ci_runs_exactly_the_test_command_of_the_readme():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "pip install tox && tox"
    assert f"    {lines[-1]}\n" in README
    assert "    pip install . && python -m recipes.train bn_mlp\n" in README


def test_the_python_example_of_the_readme_runs():
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    assert len(example.split("\n\n")) == 2
    assert len(example.replace("\n\n", "\n").splitlines()) == 3
    exec(example.replace("epochs=5", "epochs=1, steps_per_epoch=2"), {})
