"""Pictures come after numbers, and nobody's matplotlibrc decides what is kept."""

import shutil

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import fashion_zoo
from fashion_zoo.evaluation import evaluate_run
from fashion_zoo.show import figures, pages, plots
from recipes import augment, evaluate, find_lr, predict, schedules

FACTORS = {"one": [0.0, 1.0, 0.5]}


def test_a_users_matplotlibrc_changes_no_pixel():
    plain = figures.draw(lambda: plots.schedules(FACTORS))
    hostile = {
        "text.usetex": True,  # LaTeX may not be installed
        "savefig.dpi": 30000,
        "font.size": 40,
        "lines.linestyle": ":",
        "savefig.transparent": True,
    }
    with matplotlib.rc_context(hostile):
        assert figures.draw(lambda: plots.schedules(FACTORS)) == plain
        assert matplotlib.rcParams["savefig.dpi"] == 30000
        assert matplotlib.rcParams["text.parse_math"]


def test_drawing_chooses_no_backend(monkeypatch):
    untouched = matplotlib.rcsetup._auto_backend_sentinel
    backend = matplotlib.rcParams._get("backend")
    try:
        matplotlib.rcParams._set("backend", untouched)
        figures.draw(lambda: plots.schedules(FACTORS))
        assert matplotlib.rcParams._get("backend") is untouched
    finally:
        matplotlib.rcParams._set("backend", backend)


def test_a_dollar_sign_in_a_name_begins_no_formula():
    for name in ("costs $5 and $6", r"$\nonsense{$"):
        assert figures.draw(lambda name=name: plots.schedules({name: [0.0, 1.0]}))


def test_ticks_of_a_logarithmic_axis_are_plain_numbers():
    made = []

    def make():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1e-5, 1e-1], [1, 2])
        axes.set_xscale("log")
        made.append(axes)
        return figure

    figures.draw(make)
    labels = [label.get_text() for label in made[0].get_xticklabels()]
    assert {"1e\N{MINUS SIGN}05", "0.001", "0.1"} <= {*labels}
    assert not any("$" in label for label in labels)


def refuse(*_, **__):
    raise RuntimeError("no\nfonts here")


def test_a_picture_that_cannot_be_drawn_is_one_line(tmp_path, capsys):
    assert not figures.try_save(tmp_path / "a.png", refuse)
    said = capsys.readouterr()
    assert said.err == (
        f"warning: {tmp_path / 'a.png'} is left out. "
        "The picture cannot be drawn: RuntimeError: no fonts here.\n"
    )
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path, capsys):
    assert not figures.try_save(tmp_path / "no" / "a.png", lambda: plots.schedules(FACTORS))
    assert "No such file or directory" in capsys.readouterr().err


def test_a_page_says_which_picture_is_missing(capsys):
    assert pages.picture(refuse, "History") == (
        "<p>The picture cannot be drawn: RuntimeError: no fonts here.</p>"
    )
    assert capsys.readouterr().err.startswith("warning: History is left out.")


@pytest.mark.usefixtures("drawn")
def test_an_evaluation_is_kept_whatever_its_pictures_do(trained, tmp_path, monkeypatch, capsys):
    shutil.copytree(trained.run.path, tmp_path / "r")
    run = fashion_zoo.open_run(tmp_path / "r")
    for name in ("evaluation.json", "confusion.png", "reliability.png", "errors.png"):
        (run.path / name).unlink()
    there = []

    def broken(*_, **__):
        there.append((run.path / "evaluation.json").is_file())
        raise RuntimeError("no fonts here")

    for name in ("confusion", "reliability", "errors"):
        monkeypatch.setattr(plots, name, broken)
    assert evaluate_run(run)["accuracy"] == trained.evaluation["accuracy"]
    assert run.result("evaluation")["accuracy"] == trained.evaluation["accuracy"]
    assert there == [True, True, True]
    assert capsys.readouterr().err.count("warning: ") == 3


@pytest.mark.usefixtures("drawn")
def test_a_training_is_kept_whatever_its_picture_does(trained, tmp_path, monkeypatch, capsys):
    written = {
        name: (trained.run.path / name).stat().st_mtime_ns
        for name in ("training.json", "curves.png")
    }
    assert written["training.json"] < written["curves.png"]
    shutil.copytree(trained.run.path, tmp_path / "r")
    (tmp_path / "r" / "curves.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(plots, "curves", refuse)
        again = fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", resume=True)
    assert again.training == trained.training
    assert "curves.png is left out" in capsys.readouterr().err
    fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", resume=True)
    assert (tmp_path / "r" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_range_test_is_returned_without_its_picture(tmp_path, monkeypatch, capsys):
    from fashion_zoo.training import lr_finder

    monkeypatch.setattr(lr_finder, "_sweep", lambda *_: np.linspace(2, 1, 20))
    monkeypatch.setattr(plots, "range_test", refuse)
    found = fashion_zoo.find_lr("bn_mlp", to=tmp_path / "a.png", seeds=1, steps=20)
    assert found.losses.tolist() == [np.linspace(2, 1, 20).tolist()]
    assert "a.png is left out" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_of_ours_is_drawn_anew_and_nothing_else_is_replaced(tmp_path, ending):
    file = tmp_path / f"a.{ending}"
    fashion_zoo.plot_schedules(["linear"], file)
    fashion_zoo.plot_schedules(["cosine"], file)
    Figure().savefig(file)  # as a user draws
    theirs = file.read_bytes()
    with pytest.raises(fashion_zoo.StorageError, match="only png, pdf and svg pictures"):
        fashion_zoo.plot_schedules(["linear"], file)
    assert file.read_bytes() == theirs
    fashion_zoo.plot_schedules(["linear"], file, force=True)
    assert file.read_bytes() != theirs


@pytest.mark.parametrize(
    "call",
    [
        lambda to: schedules.main(["--to", to]),
        lambda to: augment.main(["flip", "--to", to]),
        lambda to: find_lr.main(["bn_mlp", "--to", to]),
    ],
    ids=["schedules", "augment", "find_lr"],
)
def test_no_command_replaces_a_users_file(tmp_path, call, capsys):
    file = tmp_path / "mine.png"
    file.write_bytes(b"mine")
    assert call(str(file)) == fashion_zoo.StorageError.exit_code
    assert file.read_bytes() == b"mine"
    assert "Choose another place, or replace it with --force.\n" in capsys.readouterr().err
    assert call(str(tmp_path)) == fashion_zoo.ConfigError.exit_code  # a folder has no ending


def test_an_evaluation_is_printed_before_it_is_kept(trained, tmp_path, monkeypatch, capsys):
    shutil.copytree(trained.run.path, tmp_path / "r")
    (tmp_path / "r" / "evaluation.json").unlink()

    def refuse_writing(path, value):
        raise fashion_zoo.StorageError(f"Cannot write {path}: Read-only file system.")

    monkeypatch.setattr("fashion_zoo.storage.write_json", refuse_writing)
    assert evaluate.main([str(tmp_path / "r")]) == fashion_zoo.StorageError.exit_code
    said = capsys.readouterr()
    assert said.out.startswith("accuracy ")
    assert "Pictures:" not in said.out
    assert said.err.endswith("Read-only file system.\n")


def test_the_good_pictures_are_named_beside_a_broken_one(trained, tmp_path, capsys):
    from PIL import Image

    good, broken = tmp_path / "good.png", tmp_path / "broken.png"
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(good)
    broken.write_bytes(b"no picture")
    words = [str(trained.run.path), str(tmp_path), str(good), str(broken)]
    assert predict.main(words) == fashion_zoo.DataError.exit_code
    said = capsys.readouterr()
    assert said.out.startswith(f"{good}\n")
    assert len(said.out.splitlines()) == 4
    assert f"error: {tmp_path} is a folder. Name the pictures in it.\n" in said.err
    assert f"error: {broken} cannot be read as a picture" in said.err
    with pytest.raises(fashion_zoo.DataError, match="is a folder"):
        fashion_zoo.predict(trained.run.path, [tmp_path, good])
