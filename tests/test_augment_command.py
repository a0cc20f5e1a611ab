"""``python -m recipes.augment`` without a policy or with a wrong one, long titles, the page."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fashion_zoo
from fashion_zoo.augment.policies import OPERATIONS, POLICIES, WORDS, parse
from fashion_zoo.show import plots
from recipes import augment

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "augmentation.md").read_text(encoding="utf-8")


def test_without_a_policy_its_words_are_listed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # so that no text is wrapped
    assert augment.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: python -m recipes.augment POLICY [OPTIONS]\n")
    listed = re.findall(r"^  (\S+) +(.*)$", captured.err, re.M)
    assert listed == list(WORDS.lines().items())
    assert ("light", "flip | shift(1)") in listed


def test_help_names_the_named_policies(capsys):
    assert augment.main(["--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"A policy is {', '.join(POLICIES)}, or operations" in printed
    assert "--import FILE_OR_MODULE" in printed


def test_a_misspelt_policy_is_answered_with_the_nearest(tmp_path, capsys):
    assert augment.main(["standrad", "--to", str(tmp_path / "a.png")]) == 3
    names = ", ".join(sorted([*OPERATIONS, *POLICIES]))
    assert capsys.readouterr().err == (
        "error: Cannot read 'standrad', column 1: Unknown policy 'standrad'. "
        f"Did you mean 'standard'? Known: {names}.\n"
    )
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("images", [1, 3, 10])
@pytest.mark.parametrize("title", ["standard", POLICIES["strong"]])
def test_a_title_stays_in_its_figure_above_the_pictures(title, images):
    rows = [(np.zeros((images, 28, 28)), ["T-shirt/top"] * images)]
    figure = plots.pictures(rows, title)
    figure.draw_without_rendering()
    assert figure.get_suptitle().split() == title.split()
    (text,) = figure.texts
    box = text.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height
    assert box.y0 >= figure.axes[0].get_window_extent().y1


@pytest.mark.parametrize(
    "label", ["Ankle boot 0.73\nT-shirt/top 0.27", "T-shirt/top 0.86\nAnkle boot 0.14"]
)
def test_the_lines_of_a_label_do_not_touch(label, tmp_path):
    figure = plots.pictures([(np.zeros((1, 28, 28)), [label])], "t")
    figure.savefig(tmp_path / "a.png")
    grey = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    bottom = grey.shape[0] - int(figure.axes[0].get_window_extent().y0)
    inked = (grey[bottom + 3 :] < 250).any(axis=1).astype(int)
    assert np.count_nonzero(np.diff(inked) == 1) == 2


def test_the_page_has_every_operation_with_its_defaults():
    described = PAGE.partition("<!-- worth:begin -->")[0]
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \|", described, re.M)
    assert [name for name, _ in rows] == list(OPERATIONS)
    for name, values in rows:
        if name == "either":
            assert values == "first, second, p=0.5"
            continue
        assert parse(f"{name}({values})") == parse(name)


def test_the_page_has_every_named_policy():
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*)` \|$", PAGE, re.M))
    assert {name: text.replace("\\|", "|") for name, text in rows.items()} == {
        name: text for name, text in POLICIES.items() if text
    }


@pytest.mark.slow
def test_the_python_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = []
    monkeypatch.setattr(
        fashion_zoo,
        "train",
        lambda name, **fields: trained.append(
            fashion_zoo.override(fashion_zoo.recipe(name).config, fields)
        ),
        raising=False,
    )
    exec(re.search(r"```python\n(.*?)```", PAGE, re.S)[1], {})
    assert (tmp_path / "augment.png").read_bytes().startswith(b"\x89PNG")
    (config,) = trained
    assert config.training.schedules.mixing == "linear"
    assert [one.name for one in config.training.policy] == ["flip", "shift", "mixup"]
