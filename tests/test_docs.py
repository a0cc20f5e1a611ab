import importlib.util
import math
import operator
import re
import shlex
import types
from pathlib import Path

import pages
import pytest

import fashion_zoo
from fashion_zoo import list_recipes, recipe
from fashion_zoo.config.live import LIVE
from fashion_zoo.show import figures
from recipes.__main__ import COMMANDS, main

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("nav", ROOT / "docs" / "nav.py")
nav = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(nav)
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_its_output_and_a_picture_that_it_draws(name):
    page = (ROOT / "docs" / "commands" / f"{name}.md").read_text(encoding="utf-8")
    first, *_ = pages.shown(page)
    assert first.command.split()[2] == f"recipes.{name}"
    drawn = [picture for picture, (line, _) in pages.DRAWN_BY.items() if line == first.command]
    assert not drawn or any(f"/{picture}.png)" in page for picture in drawn)
    assert importlib.util.find_spec(f"recipes.{name}")


def test_every_page_is_in_the_menu_and_on_the_first_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    menu = re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    config = {"nav": [{"Home": "index.md"}, {"Start here": []}, {"Commands": []}]}
    section = nav.on_config(config)["nav"][2]["Cards of the recipes"]
    cards = [page for entry in section for page in entry.values()]
    assert cards == [f"recipes/{name}.md" for name in sorted(fashion_zoo.read_results())]
    names = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES]
    assert sorted([*menu, *cards]) == sorted(names)
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert all(f"]({card})" in results for card in cards)
    translated = {name for name in names if name.startswith("ko/")} - {"ko/guide/index.md"}
    for name in set(names) - set(cards) - translated:
        assert name == "index.md" or f"]({name})" in index, name


@pytest.mark.parametrize(
    ("url", "language", "links"),
    [
        ("guide/dropout/", "en", ["guide/dropout/", "ko/guide/dropout/"]),
        ("ko/guide/dropout/", "ko", ["guide/dropout/", "ko/guide/dropout/"]),
        ("ko/guide/", "ko", ["guide/", "ko/guide/"]),
        ("claims/depth/", "en", ["claims/depth/", "ko/guide/"]),
        ("api/models/", "en", ["api/models/", "ko/guide/"]),
        ("", "en", ["", "ko/guide/"]),
    ],
)
def test_a_page_is_marked_with_its_language_and_switches_to_itself_in_the_other(
    url, language, links
):
    config = {"theme": {"language": "en"}, "extra": {"alternate": [{"lang": "en"}, {"lang": "ko"}]}}
    for one in ("ko/guide/clipping/", url):  # pages share their configuration
        page = types.SimpleNamespace(url=one)
        nav.on_page_context({}, page=page, config=config, nav=None)
    assert config["theme"]["language"] == language
    assert [one["link"] for one in config["extra"]["alternate"]] == links


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/claims/index.md"])
def test_the_lists_of_a_page_are_those_of_the_commands_and_results(name):
    page = ROOT / name
    assert page.read_text(encoding="utf-8") == pages.filled(page)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_shows_what_its_example_prints(page, tmp_path, monkeypatch, capsys):
    """``python tests/pages.py PAGE`` writes it anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", pages.COLUMNS)
    for example in pages.shown(page.read_text(encoding="utf-8")):
        assert len(example.output.splitlines()) > 2
        if example.exact:
            assert main(shlex.split(example.command.split(".", 1)[1])) == 0
            assert pages.fenced(capsys.readouterr().out) == example.output


@pytest.mark.slow
@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_shows_what_its_training_prints_but_for_the_numbers(page, tmp_path):
    runner = pages.Runner(tmp_path)
    for example in pages.shown(page.read_text(encoding="utf-8")):
        printed = pages.fenced(runner(example))
        assert _first_words(printed) == _first_words(example.output)


def _first_words(output):
    """The first word of each line without its digits: what another machine prints too."""
    return [re.sub(r"[\d.,]+", "0", line.split()[0]) for line in output.splitlines() if line]


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
    assert f"```bash\n{lines[-1]}\n" in README
    assert "```bash\npip install . && python -m recipes.train bn_mlp\n" in README


def test_the_python_example_of_the_readme_runs():
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    assert len(example.split("\n\n")) == 2
    assert len(example.replace("\n\n", "\n").splitlines()) == 4
    assert f"batch_size={recipe('bn_mlp').config.training.batch_size}, " in example
    names = {}
    exec(example.replace("epochs=5", "epochs=1, steps_per_epoch=2"), names)
    assert len(names["data"].train.images) == 55_000
    assert "val_accuracy" in names["model"].history.history


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_every_dotted_name_of_the_library_resolves(path):
    names = set(re.findall(r"fashion_zoo\.((?:\.?[A-Za-z_]\w*)+)", path.read_text("utf-8")))
    for name in names - {"recipes"}:  # the name of an entry point
        operator.attrgetter(name)(fashion_zoo)


@pytest.mark.slow
def test_the_python_example_of_the_dropout_page_runs():
    page = (ROOT / "docs" / "dropout.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.S)[1]
    names = {}
    exec(example.replace("epochs=5", "epochs=1, steps_per_epoch=2, verbose=0"), names)
    assert names["falling"].each == "step"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "pictures").glob("*.*")), ids=lambda path: path.name
)
def test_a_picture_of_the_docs_is_a_commands_and_every_page_that_shows_it_names_that(path):
    assert path.stat().st_size < 200_000
    texts = [page.read_text("utf-8") for page in pages.PAGES]
    found = [text for text in texts if re.search(rf"\(\S*pictures/{path.name}\)", text)]
    assert found
    if path.name == "boot.png":  # the page has the Python that makes it
        assert all('save("boot.png")' in text for text in found)
        return
    figures.check_place(path, force=False)  # it is signed as one of ours
    command, _ = pages.DRAWN_BY[path.stem]
    for text in found:
        assert command in text.replace("\n", " ")


def test_every_picture_of_a_card_is_shown_by_the_card_and_all_are_small():
    found = sorted((ROOT / "docs" / "pictures" / "cards").glob("*"))
    assert sum(path.stat().st_size for path in found) < 2 * 2**20
    shown = {
        (card.parent / link).resolve()
        for card in (ROOT / "docs" / "recipes").glob("*.md")
        for link in re.findall(r"\]\((\S*pictures/\S+)\)", card.read_text(encoding="utf-8"))
    }
    assert shown == set(found)


def _public():
    """Every public name, dotted: of the package, and of each of its public modules."""
    for name in dir(fashion_zoo):
        value = getattr(fashion_zoo, name)
        yield f"fashion_zoo.{name}", value
        for inner in _names(value) if isinstance(value, types.ModuleType) else ():
            yield f"fashion_zoo.{name}.{inner}", getattr(value, inner)


def _names(module):
    """The public names of a module; those that it defines where it lists none."""
    own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    return getattr(module, "__all__", None) or [n for n in own if not n.startswith("_")]


def test_every_public_name_has_one_entry_in_the_api():
    text = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    entries = re.findall(r"^::: fashion_zoo\.(\S+)$", text, re.M)
    modules = re.findall(r"^##? `fashion_zoo\.(\S+)`$", text, re.M)
    found = [id(operator.attrgetter(name)(fashion_zoo)) for name in entries + modules]
    assert len(set(found)) == len(found)
    assert [name for name, value in _public() if id(value) not in found] == []


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
