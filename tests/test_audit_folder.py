"""The folder of an audit, the command, and the accuracy without suspects."""

import json
import re
import shutil

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import DataError, RunError
from fashion_zoo.auditing import KINDS
from fashion_zoo.evaluation import report, suspects
from recipes import audit, evaluate
from recipes.__main__ import main


@pytest.fixture(scope="module")
def folder(images, tmp_path_factory):
    """An audit of 200 images, of which one is a copy and one is blank; without training."""
    x, y = images.images.copy(), images.labels.copy()
    x[11], y[11], x[40] = x[4], y[4], 0
    place = tmp_path_factory.mktemp("audits") / "mine"
    fashion_zoo.audit((x, y, x[:30], y[:30]), to=place, folds=0)
    return place


def test_the_folder_has_a_list_of_each_kind_for_either_side(folder):
    lists = {f"{prefix}{word}.txt" for word in KINDS for prefix in ("", "test_")}
    others = {"audit.json", "audit.html", "scores.csv", "blank.png", "duplicates.png"}
    names = {file.name for file in folder.iterdir()}
    assert names - {"outliers.png", "inverted.png", "near_duplicates.png"} == lists | others


def test_the_page_needs_no_other_file(folder):
    page = (folder / "audit.html").read_text("utf-8")
    sources = re.findall(r'src="([^"]{1,30})', page)
    assert len(sources) >= 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|<script|<link", page)


def test_json_is_what_was_returned_and_is_read_again(folder):
    found = json.loads((folder / "audit.json").read_text("utf-8"))
    assert found["format"] == 1
    (blank,) = found["found"]["blank"]
    assert blank == {"part": blank["part"], "position": 40, "label": "6", "value": 0}
    assert blank["part"] in ("train", "validation")
    assert found["lists"]["duplicates"]["test"] == sorted(range(30))
    assert (folder / "blank.txt").read_text("utf-8").splitlines()[1].startswith("40  # ")


def test_a_list_is_taken_by_exclude(folder, images):
    data = fashion_zoo.data.load(tuple(images), exclude=str(folder / "blank.txt"))
    assert 40 not in data.positions.train.tolist() + data.positions.validation.tolist()


def test_an_audit_is_replaced_with_force_and_nothing_else_is(folder, images, tmp_path):
    shutil.copytree(folder, tmp_path / "old")
    with pytest.raises(RunError, match=r"old holds an audit already\. .* with force=True"):
        fashion_zoo.audit(tuple(images), to=tmp_path / "old", folds=0)
    (tmp_path / "old" / "audit.json").write_text("{}")
    with pytest.raises(RunError, match="is there already and is not an audit"):
        fashion_zoo.audit(tuple(images), to=tmp_path / "old", folds=0, force=True)
    assert (tmp_path / "old" / "blank.txt").exists()


def test_the_command_says_what_it_found_and_what_to_do(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("recipes._common.start_keras", lambda: None)
    found = fashion_zoo.auditing.Audit(json.loads((folder / "audit.json").read_text("utf-8")))
    found["lists"]["label_errors"]["train"] = [3]
    asked = []

    def stand_in(show, **given):
        asked.append(given)
        show(found)

    monkeypatch.setattr(fashion_zoo, "audit", stand_in, raising=False)
    line = ["digits", "--folds", "3", "--epochs", "2", "--data.size", "16", "--to", "a/b"]
    assert main(["audit", *line]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^ Duplicates +30 +30 $", said, re.M), said
    assert said.splitlines()[-2:] == [
        "page   a/b/audit.html",
        "Next: python -m recipes.train bn_mlp --data.source digits --data.size 16 "
        "--data.exclude a/b/label_errors.txt",
    ]
    (given,) = asked
    assert (given["folds"], given["to"]) == (3, "a/b")
    assert (given["config"].data.source, given["config"].data.size) == ("digits", 16)
    assert given["config"].training.epochs == 2
    assert main(["audit", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found


def test_without_a_source_the_sources_are_listed(capsys):
    assert audit.main([]) == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: python -m recipes.audit SOURCE [OPTIONS]\n")
    assert "  digits " in said
    assert audit.main(["--help"]) == 0
    assert "Sources:" in capsys.readouterr().out
    assert audit.main(["digits", "--help"]) == 0
    assert "--folds 5" in capsys.readouterr().out
    assert audit.main(["digits", "--data.source", "x"]) == 3
    assert "Leave out --data.source" in capsys.readouterr().err


@pytest.fixture
def measured(images, monkeypatch):
    """A data set of 200 test images of which a model classifies every fourth wrong."""
    x, y = images
    data = fashion_zoo.data.load((255 - x, y, x, y))
    guess = np.where(np.arange(200) % 4 == 0, (y + 1) % 10, y)
    monkeypatch.setattr(report, "logits_of", lambda model, pixels: np.eye(10)[guess] * 9.0)
    return data


def test_the_accuracy_without_suspects_stands_beside_that_on_all(measured, tmp_path):
    (tmp_path / "mine.txt").write_text("".join(f"{one}  # wrong\n" for one in range(0, 80, 4)))
    found = report.measure_test(None, measured, tmp_path / "mine.txt")
    assert found["accuracy"]["value"] == 0.75
    own = found["without_suspects"]
    assert (own["suspects"], own["images"]) == (20, 180)
    assert own["accuracy"]["value"] == 150 / 180
    assert own["accuracy"]["low"] < 150 / 180 < own["accuracy"]["high"]
    assert repr(found).splitlines()[1].startswith("without 20 suspects: accuracy 83.33 % (95 % ")
    assert found.summary.startswith("test accuracy 75.00 %")


def test_all_lists_of_an_audit_count_but_outliers(measured, images, tmp_path):
    place = tmp_path / "audit"
    fashion_zoo.audit(measured, to=place, folds=0)
    for word in KINDS:
        (place / f"test_{word}.txt").write_text("")
    (place / "test_blank.txt").write_text("4\n8\n")
    (place / "test_label_errors.txt").write_text("8\n12\n")
    (place / "test_outliers.txt").write_text("16\n")
    found = report.measure_test(None, measured, place)
    assert found["without_suspects"]["suspects"] == 3
    assert set(suspects.FAULTS) == KINDS.keys() - {"outliers"}
    x, y = images
    other = fashion_zoo.data.load((255 - x, y, x[::-1], y[::-1]))
    with pytest.raises(DataError, match=r"is an audit of arrays, whose test images are others"):
        report.measure_test(None, other, place)


def test_suspects_that_are_no_test_images_are_refused(measured, tmp_path):
    (tmp_path / "mine.txt").write_text("3\n200\n")
    with pytest.raises(DataError, match="names image 200, which is no test image of arrays"):
        report.measure_test(None, measured, tmp_path / "mine.txt")
    (tmp_path / "all.txt").write_text("".join(f"{one}\n" for one in range(200)))
    with pytest.raises(DataError, match="names all test images"):
        report.measure_test(None, measured, tmp_path / "all.txt")
    with pytest.raises(DataError, match=r"is not an audit: audit\.json cannot be read"):
        report.measure_test(None, measured, tmp_path)
    with pytest.raises(DataError, match=r"no audit and no file of test images at .*nowhere"):
        fashion_zoo.evaluate("run", suspects="nowhere")


def test_a_run_keeps_the_accuracy_without_suspects(trained, tmp_path, capsys):
    shutil.copytree(trained.run.path, tmp_path / "run")
    (tmp_path / "mine.txt").write_text("0\n1\n")
    line = [str(tmp_path / "run"), "--suspects", str(tmp_path / "mine.txt")]
    assert evaluate.main(line) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("without 2 suspects: accuracy ")
    stored = fashion_zoo.open_run(tmp_path / "run").result("evaluation")
    assert stored["without_suspects"]["images"] == 9_998
    assert stored["accuracy"] == trained.evaluation["accuracy"]


@pytest.mark.slow
def test_flipped_labels_of_digits_are_found_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = fashion_zoo.data.load("digits")
    whole = data.read("train")
    labels, flipped = whole.labels.copy(), data.positions.train[:300:10]
    labels[flipped] = (labels[flipped] + 3) % 10
    np.savez("digits.npz", images=whole.images, labels=labels)
    assert main(["audit", "digits.npz"]) == 0
    listed = json.loads((tmp_path / "audit" / "audit.json").read_text("utf-8"))["lists"]
    found = set(listed["label_errors"]["train"])
    assert len(found & set(flipped.tolist())) >= 0.5 * len(flipped)
    assert len(found - set(flipped.tolist())) <= 3
    assert "Next: python -m recipes.train bn_mlp --data.source" in capsys.readouterr().out
