"""Pictures of augmentation policies, and the command that makes them."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

import fashion_zoo
from fashion_zoo.data import drawing
from fashion_zoo.show import figures, plots
from recipes import augment


@pytest.fixture
def drawn(monkeypatch):
    """The rows that would be drawn, which takes a second."""
    seen = []
    monkeypatch.setattr(plots, "pictures", lambda rows, *_, **__: seen.append(rows) or Figure())
    return seen


def test_originals_stand_above_four_results(tmp_path, drawn):
    fashion_zoo.plot_augmentation("flip(1)", tmp_path / "a.png", images=12)
    (rows,) = drawn
    assert len(rows) == 1 + drawing.ROWS
    originals, names = rows[0]
    assert originals.shape == (12, 28, 28)
    assert names[:2] == ["T-shirt/top", "Trouser"]
    assert names[10:] == names[:2]
    assert not np.array_equal(originals[10], originals[0])
    for changed, texts in rows[1:]:
        assert np.array_equal(changed, originals[:, :, ::-1])
        assert texts is None
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_mixed_pictures_say_their_shares(tmp_path, drawn):
    fashion_zoo.plot_augmentation("mixup(8)", tmp_path / "a.png", images=2)
    for _, texts in drawn[0][1:]:
        for name, text in zip(("T-shirt/top", "Trouser"), texts, strict=True):
            shares = dict(re.findall(r"^(.+) (\d+) %$", text, re.M))
            assert name in shares or text == name  # the partner may be of the same class
            assert not shares or sum(map(int, shares.values())) == pytest.approx(100, abs=1)


def test_partners_are_drawn_at_random(tmp_path, drawn):
    fashion_zoo.plot_augmentation("mixup(8)", tmp_path / "a.png", images=10)
    partners = [
        {line.rsplit(" ", 2)[0] for text in texts for line in text.split("\n")} - {"T-shirt/top"}
        for texts in zip(*(texts for _, texts in drawn[0][1:]), strict=True)
    ]
    assert len(partners) == 10
    assert any(len(found) > 2 for found in partners)


def test_each_row_of_a_policy_has_its_name(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(figures, "save", lambda path, make: made.append(make()))
    fashion_zoo.plot_augmentation("light", tmp_path / "a.png", images=2, seed=3)
    (figure,) = made
    assert [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()] == [
        "training\nimage", "step 1", "step 2", "step 3", "step 4",
    ]  # fmt: skip
    assert figure.get_suptitle().split() == ["light:", "flip", "|", "shift(1)"]
    assert figure.get_supxlabel() == "fashion_mnist, 2 training images; seed 3."


def test_the_seed_is_the_key(tmp_path, drawn):
    for seed in (1, 1, 2):
        fashion_zoo.plot_augmentation("translate", tmp_path / "a.png", seed=seed, images=2)
    first, again, other = (rows[1][0] for rows in drawn)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_another_backend_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(fashion_zoo.ConfigError, match="augmentation is done by TensorFlow, and"):
        fashion_zoo.plot_augmentation("flip", tmp_path / "a.png")


def test_the_figure_has_an_axis_a_picture():
    figure = plots.pictures(
        [(np.zeros((3, 4, 4)), ["a", "b", "c"]), (np.ones((3, 4, 4)), None)], "t"
    )
    assert [axis.get_xlabel() for axis in figure.axes] == ["a", "b", "c", "", "", ""]


def test_the_command_draws(tmp_path, capsys):
    to = tmp_path / "b.png"
    assert augment.main(["flip | shift(2)", "--to", str(to), "--images", "2"]) == 0
    assert capsys.readouterr().out == f"{to}\n"
    assert to.is_file()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["flip | shft"], "column 8: Unknown policy 'shft'. Did you mean 'shift'?"),
        (["flip", "--images", "0"], "images must be a whole number in 1..100, received 0"),
        (["flip", "--images", "101"], "images must be a whole number in 1..100, received 101"),
        (["flip", "--seed", "-1"], "seed must be a whole number of at least 0, received -1"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(arguments, reason, tmp_path, capsys):
    assert augment.main([*arguments, "--to", str(tmp_path / "c.png")]) == 3
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "c.png").exists()
