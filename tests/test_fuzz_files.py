"""Files that nobody means to write: whatever reads one answers, or raises an error of this package.

The long ones are slow: 2,000 settings, 400 pictures, and the numbers of a run.
"""

import functools
import json
import os
import random
import resource
import shutil

import pytest
from hostile import json_file, picture, png, sound_pictures, within_a_second

import fashion_zoo
from fashion_zoo import DataError, FashionZooError, RunError, TrainingError, runs
from fashion_zoo.data import pictures
from fashion_zoo.data.sources.fashion_mnist import read_idx
from fashion_zoo.machine import environment
from fashion_zoo.show import pages
from recipes import _common, train as train_command

NAME = "bn_mlp"
read_picture = functools.partial(pictures.read_picture, shape=(28, 28))
STORED = {
    "format": 1,
    "recipe": NAME,
    "config": runs.as_stored(fashion_zoo.recipe(NAME).config),
}
MIB = 1024  # of what the system counts in KiB


def answered(read):
    """Read; return the error of ours that came, if any. Neither takes a second, or 500 MiB."""

    def said():
        try:
            read()
        except FashionZooError as error:
            return str(error)
        return ""

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = within_a_second(said, read)
    text.encode(errors="surrogateescape")  # a path that is not UTF-8 has surrogates
    assert len(text) < 3000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 500 * MIB, f"{grown // MIB} MiB"
    return text


def settled(data, folder):
    """Read a file of settings in all the ways that there are."""
    file = folder / "config.json"
    file.write_bytes(data)
    for read in (
        lambda: runs.read_config(file, NAME),
        lambda: repr(runs.open_run(folder)),
        lambda: runs.as_stored(runs.stored_config(NAME, folder)),
        lambda: runs.check_free(folder, force=True),
        lambda: runs.check_free(folder, resume=True),
    ):
        answered(read)


def settle_all(count, seed, folder):
    draw = random.Random(seed)
    for number in range(count):
        data = json_file(draw, STORED)
        try:
            settled(data, folder)
        except BaseException as error:
            raise AssertionError(f"case {number}: {data[:2000]!r}") from error


def test_no_file_of_settings_gets_anything_but_an_answer_or_an_error_of_ours(tmp_path):
    settle_all(60, 1, tmp_path)


@pytest.mark.slow
def test_no_file_of_settings_gets_anything_else_in_two_thousand(tmp_path):
    settle_all(2000, 2, tmp_path)


@pytest.mark.slow
def test_a_command_takes_a_file_of_settings_or_answers_in_a_line(tmp_path, capsys, monkeypatch):
    """Help shows what was read; nothing is trained."""

    def stop(*_, **__):
        raise TrainingError("here it would train")

    monkeypatch.setattr(fashion_zoo, "train", stop)
    monkeypatch.setattr(_common, "start_keras", lambda *_, **__: None)
    file, draw = tmp_path / "best.json", random.Random(3)
    for number in range(200):
        file.write_bytes(json_file(draw, STORED))
        code = train_command.main([NAME, "--config", str(file), "--run-dir", str(tmp_path / "r")])
        said = capsys.readouterr().err
        assert code in (3, 5, 7), (number, said)
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", ""),
        (b"\0,", ""),
        (b"\xff\xfe", "results.csv cannot be read: 'utf-8' codec can't decode"),
        (b"recipe,seeds\nx,3\n", "is not a results file of this package: expected rows of train"),
        (b"arm,seed\nx,0,1,2\n", "machine, and validation_accuracy of one is missing. Measure"),
        (b"arm,seed\nx,one\n", "is not a results file of this package"),
        (b'"' + b"x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_table_of_results_that_is_none_is_refused(data, wrong, tmp_path):
    (tmp_path / "results.csv").write_bytes(data)
    found = []
    answer = answered(lambda: found.append(fashion_zoo.read_results(tmp_path / "results.csv")))
    assert all(results == {} for results in found)
    assert wrong in answer
    assert bool(answer) == bool(wrong)


RESULTS = ("training.json", "evaluation.json", "environment.json", "saved_model/parity.json")


def read_results(folder, surroundings, *flags):
    """Read what a finished run holds, as a command and a notebook do."""
    run = runs.open_run(folder)
    for read in (
        lambda: repr(run),
        lambda: run.finished,
        lambda: repr(run.result("evaluation")),
        lambda: run.history(),
        lambda: runs.move(run, surroundings, 1),
        lambda: train_command.main([NAME, "--run-dir", str(folder), "--resume", *flags]),
    ):
        answered(read)


@pytest.mark.slow
def test_no_result_of_a_run_gets_anything_else_in_three_hundred(trained, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise TrainingError("here it would train")

    for name in ("training.session.train_run", "evaluation.evaluate_run", "exporting.export_run"):
        monkeypatch.setattr(f"fashion_zoo.{name}", stop)
    folder = shutil.copytree(trained.run.path, tmp_path / "r")
    draw, surroundings = random.Random(4), environment.describe()
    for number in range(300):
        name = draw.choice([*RESULTS, "history.csv"])
        whole = (trained.run.path / name).read_bytes()
        data = (
            json_file(draw, json.loads(whole))
            if name.endswith("json")
            else draw.choice([whole, b"epoch,loss\n1,x\n", b"epoch\n1,2,3\n", b"\0", b""])
        )
        (folder / name).write_bytes(data)
        try:
            read_results(folder, surroundings, *["--json"][number % 2 :])
        except BaseException as error:
            raise AssertionError(f"case {number}, {name}: {data[:2000]!r}") from error
        (folder / name).write_bytes(whole)


def picture_all(count, seed, file):
    draw, seeds = random.Random(seed), sound_pictures()
    for number in range(count):
        data = picture(draw, seeds)
        file.write_bytes(data)
        try:
            answered(functools.partial(read_picture, file))
        except BaseException as error:
            raise AssertionError(f"case {number}: {data[:200]!r}") from error


def test_no_picture_gets_anything_but_an_answer_or_an_error_of_ours(tmp_path):
    picture_all(20, 1, tmp_path / "a.png")


@pytest.mark.slow
def test_no_picture_gets_anything_else_in_four_hundred(tmp_path):
    picture_all(400, 2, tmp_path / "a.png")


def test_a_picture_that_claims_too_many_pixels_is_refused_by_its_header(tmp_path):
    file = tmp_path / "a.png"
    for size, said in {(1, 178_956_970): "1x178,956,970", (8192, 6145): "8,192x6,145"}.items():
        file.write_bytes(png(*size))
        answer = answered(functools.partial(read_picture, file))
        assert f"it has {said} pixels; at most 50 million" in answer
    file.write_bytes(png(28, 2, 0, bytes(58)))
    assert read_picture(file).image.shape == (28, 28)


@pytest.fixture(params=["fifo", "/dev/zero", "/dev/stdin"])
def no_file(request, tmp_path):
    """What is opened like a file and is none."""
    path = tmp_path / "no_file.png"
    if request.param == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(request.param)
    return path


def test_what_is_no_regular_file_is_refused_and_not_waited_for(no_file, tmp_path):
    with pytest.raises(DataError, match="it is not a regular file"):
        read_picture(no_file)
    with pytest.raises(RunError, match="cannot be read: it is not a regular file"):
        runs.read_config(no_file, NAME)
    (tmp_path / "config.json").symlink_to(no_file)
    with pytest.raises(RunError, match=r"has no config\.json"):
        runs.open_run(tmp_path)
    with pytest.raises(RunError, match="is there already and is not a run"):
        runs.check_free(tmp_path, resume=True)
    with pytest.raises(DataError, match="cannot be read: it is not a regular file"):
        read_idx(no_file, (1, 28, 28))
    assert pages.image(no_file, "") == ""
    with pytest.raises(DataError, match="it is not a regular file"):
        fashion_zoo.read_results(no_file)
    with pytest.raises(FashionZooError, match="not a regular file"):
        fashion_zoo.plot_schedules("cosine", to=no_file)
