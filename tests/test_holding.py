"""What holds a run folder while it is trained, and what only looks as if it did."""

import os
import subprocess
import sys

import pytest
from resuming import files, train

from fashion_zoo import RunError, RunLockedError, TrainingError, open_run, recipe, runs, storage
from fashion_zoo.runs import places
from fashion_zoo.storage import locks
from fashion_zoo.training.recorder import Recorder

CONFIG = recipe("bn_mlp").config


def begun(folder, force=False):
    return runs.create(folder, "bn_mlp", CONFIG, {}, force=force)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


WRITES = {
    "state": lambda run: run.save_checkpoint(1, b"state"),
    "model": lambda run: run.save_model(None),
    "tables": lambda run: Recorder(run, 1)._write_tables(),
    "results": lambda run: run.drop_results(),
    "any other": lambda run: run.to_write("training.json"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_run_whose_lock_was_removed_is_not_written_any_more(tmp_path, write):
    with (
        pytest.raises(RunLockedError, match=r"its lock .* was removed"),
        begun(tmp_path / "r") as r,
    ):
        r.save_checkpoint(1, b"state")
        (tmp_path / ".r.lock").unlink()
        with runs.reopen(tmp_path / "r", {}) as other:  # as another process
            other.save_checkpoint(2, b"other")
            before = contents(tmp_path / "r")
            WRITES[write](r)
    assert contents(tmp_path / "r") == before
    assert open_run(tmp_path / "r").load_checkpoint() == b"other"


def test_who_lost_the_lock_leaves_the_other_ones_lock_and_run(tmp_path):
    with begun(tmp_path / "r") as first:
        (tmp_path / ".r.lock").unlink()
        with locks.lock(tmp_path / "r") as other, pytest.raises(RunLockedError):
            first.to_write("x")
        assert other.is_held()
    first.to_write("x")  # its lock has ended, nothing holds it to it
    with locks.lock(tmp_path / "r") as mine:
        (tmp_path / ".r.lock").unlink()
        (tmp_path / ".r.lock").write_text("another's")
        assert not mine.is_held()
    assert (tmp_path / ".r.lock").read_text() == "another's"


def test_a_run_that_never_had_a_state_stays_when_another_has_its_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), begun(tmp_path / "r"):
        (tmp_path / ".r.lock").unlink()
        raise KeyboardInterrupt
    assert (tmp_path / "r" / "config.json").is_file()


@pytest.mark.parametrize("by_link", [True, False])
@pytest.mark.parametrize("write", WRITES)
def test_what_stands_in_the_place_of_a_run_that_was_moved_is_left_alone(tmp_path, write, by_link):
    strangers = tmp_path / "thesis"
    strangers.mkdir()
    (strangers / "history.csv").write_text("years of work")
    with pytest.raises(RunError, match="moved, replaced or removed"), begun(tmp_path / "r") as run:
        (tmp_path / "r").rename(tmp_path / "elsewhere")
        if by_link:
            (tmp_path / "r").symlink_to(strangers)
        else:
            strangers = strangers.rename(tmp_path / "r")
        before = contents(strangers)
        WRITES[write](run)
    assert contents(strangers) == before
    assert (tmp_path / "elsewhere" / "config.json").is_file()


def planted(folder):
    """A run of somebody else's that has the name of a backup."""
    with begun(folder / "x") as run:
        run.save_checkpoint(1, b"planted")
    (folder / "x").rename(folder / ".r.replaced")
    return contents(folder / ".r.replaced")


def test_a_planted_older_run_is_not_taken_for_ours(tmp_path):
    before = planted(tmp_path)
    runs.check_free(tmp_path / "r", resume=True)
    assert not (tmp_path / "r").exists()
    with begun(tmp_path / "r") as run:
        assert run.load_checkpoint() is None
        run.save_checkpoint(1, b"mine")
    with runs.reopen(tmp_path / "r", {}) as run:
        assert run.load_checkpoint() == b"mine"
    ours = contents(tmp_path / "r")
    refused = pytest.raises(RunError, match="was not put there by this package")
    with refused, begun(tmp_path / "r", force=True):
        pass
    assert contents(tmp_path / "r") == ours
    assert contents(tmp_path / ".r.replaced") == before


@pytest.mark.parametrize("empty", [True, False])
def test_a_kill_in_the_middle_of_a_replacement_loses_no_run(tmp_path, empty):
    with begun(tmp_path / "r") as run:
        run.save_checkpoint(1, b"state")
    before = contents(tmp_path / "r")
    places.back_up(tmp_path / "r")
    if empty:
        (tmp_path / "r").mkdir()
    runs.check_free(tmp_path / "r", resume=True)
    assert contents(tmp_path / "r") == before
    assert [file.name for file in tmp_path.iterdir()] == ["r"]


def test_a_forced_run_that_fails_gives_the_older_one_back(tmp_path):
    with begun(tmp_path / "r") as run:
        run.save_checkpoint(1, b"state")
    before = contents(tmp_path / "r")
    for error in (TrainingError("diverged"), KeyboardInterrupt()):
        with pytest.raises(type(error)), begun(tmp_path / "r", force=True) as run:
            if isinstance(error, TrainingError):
                run.save_checkpoint(1, b"newer")
            raise error
        assert contents(tmp_path / "r") == before
        assert [file.name for file in tmp_path.iterdir()] == ["r"]


def test_ctrl_c_keeps_the_epochs_of_a_forced_run_and_the_older_one(tmp_path):
    for content in (b"older", b"newer"):
        with pytest.raises(KeyboardInterrupt), begun(tmp_path / "r", force=True) as run:
            run.save_checkpoint(1, content)
            raise KeyboardInterrupt
    assert open_run(tmp_path / "r").load_checkpoint() == b"newer"
    assert open_run(tmp_path / ".r.replaced").load_checkpoint() == b"older"


def test_an_older_run_is_kept_until_the_new_one_is_finished(tmp_path):
    with begun(tmp_path / "r") as run:
        run.save_checkpoint(1, b"state")
    before = contents(tmp_path / "r")
    with begun(tmp_path / "r", force=True):
        pass  # Ctrl-C ended its training
    with runs.reopen(tmp_path / "r", {}):
        pass  # and once more
    kept = contents(tmp_path / ".r.replaced")
    assert {name: kept[name] for name in before} == before
    with runs.reopen(tmp_path / "r", {}) as run:
        done = {"finished": True, "epochs": 1, "seconds": 1.0, "validation_accuracy": 0.5}
        storage.write_json(run.to_write("training.json"), done)
    assert [file.name for file in tmp_path.iterdir()] == ["r"]


def test_a_run_is_where_it_was_begun_though_the_process_goes_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    with begun("r") as run:
        os.chdir("away")
        run.save_checkpoint(1, b"state")
    assert (tmp_path / "r" / "state" / "epoch-000001").is_file()
    assert not list((tmp_path / "away").iterdir())


def test_the_lock_names_its_holder_and_the_loser_changes_nothing(whole):
    before = files(whole)
    with locks.lock(whole.path), pytest.raises(RunLockedError) as caught:
        train(whole.path, resume=True)
    assert f"{whole.path} is in use by process {os.getpid()} on " in str(caught.value)
    assert files(whole) == before
    assert not list(whole.path.parent.glob(".*"))  # the lock goes with its holder


def test_a_lock_dies_with_its_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from fashion_zoo.storage import locks\n"
        "with locks.lock(Path(sys.argv[1])):\n    print('held', flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(tmp_path / "r")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    with pytest.raises(RunLockedError, match=f"in use by process {process.pid} on"):
        locks.check_unlocked(tmp_path / "r")
    process.kill()
    process.communicate()
    locks.check_unlocked(tmp_path / "r")
    with locks.lock(tmp_path / "r"):
        pass
    assert not list(tmp_path.iterdir())
