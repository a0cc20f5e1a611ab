"""Runs on data of several kinds: trained, resumed, evaluated, exported, and asked for classes."""

import json
import re
import shutil

import numpy as np
import pytest
from forms import three_classes, write_csv
from PIL import Image

import fashion_zoo
from fashion_zoo import ConfigError, DataError, runs
from fashion_zoo.data import load
from recipes import evaluate, export, find_lr, predict, train, tune

SMALL = ["--model.hidden-units", "8", "--epochs", "2", "--batch-size", "8"]
NAMES = ("dark", "grey", "light")


def rgb_folder(folder):
    """Colour pictures of three classes of unequal size, each of another height."""
    images, labels = three_classes(90, channels=(3,))
    keep = np.flatnonzero((labels != 2) | (np.arange(90) < 45))
    for number in keep:
        home = folder / NAMES[labels[number]]
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.kron(images[number], np.ones((1 + number % 2, 1, 1), np.uint8))).save(
            home / f"{number:03}.jpg", quality=95
        )
    return folder


def sources(folder):
    return {
        "digits": (["--data.source", "digits"], (8, 8), [str(one) for one in range(10)]),
        "rgb": (
            ["--data.source", f"{rgb_folder(folder / 'rgb')}/", "--data.size", "8"],
            (8, 8, 3), list(NAMES),
        ),
        "csv": (
            ["--data.source", str(write_csv(folder / "a.csv", *three_classes())), "--data.invert"],
            (8, 8), ["0", "1", "2"],
        ),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["digits", "rgb", "csv"])
def test_a_run_on_any_source_goes_the_whole_way(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags, shape, names = sources(tmp_path)[kind]
    assert train.main(["bn_mlp", *flags, *SMALL, "--run-dir", "r", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in done["evaluation"]["classes"]] == names
    assert done["parity"]["same_class"] == 1
    run = fashion_zoo.open_run("r")
    data = load(run.config.data)
    assert (run.data, run.data.image_shape) == (data.describe(), shape)
    stored = runs.read_positions(run.path / runs.POSITIONS)
    assert all(map(np.array_equal, stored, data.used))
    assert train.main(["bn_mlp", "--run-dir", "r", "--resume"]) == 0
    capsys.readouterr()
    assert evaluate.main(["r", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == done["evaluation"]
    _check_predictions(run, data, names, tmp_path, capsys)
    fixed = ["augmentation=none", "mixing=none", "depth=1", "units=8", "batch_size=8"]
    asked = ["--trials", "1", "--candidates", "0", "--epochs", "1", "--fix", *fixed]
    assert tune.main(["bn_mlp", *flags, *asked]) == 0
    assert find_lr.main(["bn_mlp", *flags, *SMALL[:2], "--batch-size", "8", "--steps", "20"]) == 0


def _check_predictions(run, data, names, folder, capsys):
    """The SavedModel and ``predict`` take pixels of the run's own shape, not inverted."""
    import tensorflow as tf

    pixels = data.test.images[:5]
    as_they_are = 255 - pixels if data.origin.invert else pixels
    served = tf.saved_model.load(str(run.path / "saved_model"))
    found = served.signatures["serving_default"](images=tf.constant(as_they_are))
    said = fashion_zoo.predict(run, as_they_are, top=2)
    assert [one.classes[0][0] for one in said] == [
        name.decode() for name in found["class_name"].numpy()
    ]
    assert {name for one in said for name, _ in one.classes} <= set(names)
    Image.fromarray(as_they_are[0]).save(folder / "one.png")
    capsys.readouterr()
    assert predict.main(["r", str(folder / "one.png"), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["classes"][0][0] == said[0].classes[0][0]


TINY = {"model": {"hidden_units": (8,)}, "training": {"epochs": 1, "batch_size": 8}}


@pytest.fixture(scope="module")
def moved(shared):
    """A run on a CSV file with light and dark swapped, whose file was moved afterwards."""

    def make(folder):
        file = write_csv(folder / "a.csv", *three_classes())
        data = {"source": str(file), "invert": True}
        fashion_zoo.train("bn_mlp", data=data, run_dir=folder / "r", export=False, **TINY)
        file.rename(folder / "b.csv")

    _, folder = shared("moved", make)
    return folder


def test_what_was_converted_is_done_again_by_predict(moved):
    run, data = fashion_zoo.open_run(moved / "r"), load(moved / "b.csv", invert=True)
    assert (run.data.invert, run.data.notes) == (True, ("light and dark swapped",))
    from fashion_zoo.evaluation.predict import probabilities

    expected = probabilities(run.load_model(), data.test.images[:3]).max(axis=1)
    found = fashion_zoo.predict(run, 255 - data.test.images[:3], top=1)
    assert [one.classes[0][1] for one in found] == expected.tolist()
    assert [one.notes for one in found] == [("inverted",)] * 3
    (twice,) = fashion_zoo.predict(run, data.test.images[:1], top=1, invert=True)
    assert twice.classes[0][0] == found[0].classes[0][0]
    assert twice.classes[0][1] == pytest.approx(found[0].classes[0][1], abs=1e-6)


def test_moved_files_are_named_again_and_others_refused_with_the_digests(moved, tmp_path, capsys):
    assert evaluate.main([str(moved / "r")]) == 4
    said = capsys.readouterr().err
    assert re.search(r"no file or folder .*a\.csv", said)
    assert said.endswith("\nIf the files have moved, name them again: --data.source PATH.\n")
    assert evaluate.main([str(moved / "r"), "--data.source", str(moved / "b.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 18
    other = write_csv(tmp_path / "c.csv", *three_classes(seed=1))
    digest = fashion_zoo.open_run(moved / "r").data.digest
    with pytest.raises(DataError, match=f"trained on other images .* and was {digest[:12]}"):
        fashion_zoo.evaluate(moved / "r", data=other)


def test_a_run_whose_files_have_moved_is_resumed_with_their_new_place(moved, tmp_path):
    shutil.copytree(moved / "r", tmp_path / "r")
    (tmp_path / "r" / "training.json").unlink()  # as after a kill
    given = {"run_dir": tmp_path / "r", "resume": True, "evaluate": False, "export": False}
    with pytest.raises(DataError, match=r"no file or folder .*a\.csv") as caught:
        fashion_zoo.train("bn_mlp", **given)
    (note,) = caught.value.__notes__
    assert note == 'If the files have moved, name them again: data={"source": "PATH"}.'
    other = write_csv(tmp_path / "c.csv", *three_classes(seed=1))
    with pytest.raises(DataError, match="was trained on other images than these"):
        fashion_zoo.train("bn_mlp", data=other, **given)
    done = fashion_zoo.train("bn_mlp", data=moved / "b.csv", **given)
    assert done.run.finished
    stored = [fashion_zoo.open_run(one / "r") for one in (moved, tmp_path)]
    assert stored[0].config == stored[1].config
    assert all(map(np.array_equal, *(run.load_model().get_weights() for run in stored)))
    with pytest.raises(DataError, match="was trained on other images than these"):
        fashion_zoo.train("bn_mlp", data=other, **given)  # also of a run that is finished


@pytest.mark.slow
def test_a_run_without_excluded_images_is_evaluated_when_the_file_is_gone(tmp_path):
    out, data = tmp_path / "out.txt", three_classes()
    np.savez(tmp_path / "a.npz", images=data[0], labels=data[1])
    out.write_text("3\n5\n")
    given = {"data": {"source": str(tmp_path / "a.npz"), "exclude": str(out)}, **TINY}
    done = fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", export=False, **given)
    for change in (lambda: out.write_text("7\n"), out.unlink):
        change()
        (tmp_path / "r" / "evaluation.json").unlink()
        assert fashion_zoo.evaluate(tmp_path / "r") == done.evaluation


@pytest.mark.slow
def test_an_export_reads_files_that_have_moved(moved, tmp_path, capsys):
    asked = [str(moved / "r"), "--to", str(tmp_path / "e"), "--json"]
    assert export.main([*asked, "--data.source", str(moved / "b.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["proved_on"] == "test images"


def test_the_positions_of_a_run_are_those_of_its_images(moved):
    data = load(moved / "b.csv", invert=True)
    stored = runs.read_positions(moved / "r" / runs.POSITIONS)
    assert all(map(np.array_equal, stored, data.positions))
    (moved / "r" / "broken.npz").write_bytes(b"PK")
    with pytest.raises(fashion_zoo.RunError, match=r"broken\.npz cannot be read"):
        runs.read_positions(moved / "r" / "broken.npz")


def test_an_export_swaps_light_and_dark_itself():
    from fashion_zoo.exporting.export import inverting

    model = fashion_zoo.get("bn_mlp", hidden_units=(8,), input_shape=(8, 8))
    pixels = three_classes(9)[0].astype("float32")
    same = inverting(model).predict_on_batch(255 - pixels)
    assert np.array_equal(same, model.predict_on_batch(pixels))


def test_a_search_of_augmentations_in_colour_is_refused_before_it_begins(tmp_path):
    with pytest.raises(ConfigError, match="Augmentation takes grey images"):
        fashion_zoo.tune("bn_mlp", data=three_classes(channels=(3,)), study_dir=tmp_path / "s")
    assert not (tmp_path / "s").exists()
