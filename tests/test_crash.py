"""Kills and full disks at every change that a training makes to the disk. Slow."""

import collections
import contextlib
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys

import pytest
from crashes import watched
from resuming import OPTIONS, assert_same, train

import fashion_zoo
from fashion_zoo import StorageError, open_run
from fashion_zoo.training import checkpoint as checkpoints

pytestmark = pytest.mark.slow
PARTS = 8


def test_the_steps_of_a_training_are_these(recorded):
    """So that a file that is written some other way, or a new one, is noticed here."""
    steps, moments = recorded
    files = [
        "config.json", "environment.json", "positions.npz",
        "epoch-000001", "history.csv", "timing.csv",
        "epoch-000002", "history.csv", "timing.csv",
        "epoch-000003", "history.csv", "timing.csv",
        "model.keras", "training.json", "curves.png",
    ]  # fmt: skip
    assert [step.path.name for step in steps if step.kind == "rename"] == files
    kinds = collections.Counter(step.kind for step in steps)
    assert {step.path.name for step in steps if step.kind == "mkdir"} == {"r", "state"}
    # a file and its folder are synced; the model is packed once it is written; besides the files,
    # only the lock is written, and twice
    assert kinds == {"mkdir": 2, "write": 18, "fsync": 30, "rename": 15, "remove": 23}
    removed = [step.path.name for step in steps if step.kind == "remove"]
    results = ["inspection", "evaluation.json", "confusion.png", "reliability.png", "errors.png"]
    assert [name for name in removed if not name.startswith(".tmp-")] == [
        *results, "saved_model", "epoch-000001", ".r.lock"
    ]  # fmt: skip
    # Each file is written beside its place; only the lock is written where it stays.
    written = {step.path.name for step in steps if step.kind == "write"}
    assert {name for name in written if not name.startswith(".tmp-")} == {".r.lock"}
    torn = [name for name in moments if name.endswith(("empty", "half"))]
    assert len(torn) == 2 * len(files)
    assert len(moments) == len(steps) + len(torn) + 1
    assert len(moments) == 119


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_any_moment_goes_on_to_the_same_run(recorded, whole, tmp_path, part):
    _, moments = recorded
    for name in sorted(moments)[part::PARTS]:
        shutil.copytree(moments[name], tmp_path / name)
        run = train(tmp_path / name / "r", resume=True, **OPTIONS)
        assert_same(run, whole)
        left = {file.name for file in (tmp_path / name).iterdir()}
        assert left == {"r"}, name


@pytest.mark.parametrize("part", range(PARTS))
def test_a_full_disk_at_any_write_is_a_storage_error_and_loses_nothing(
    recorded, whole, tmp_path, monkeypatch, part
):
    steps, _ = recorded
    taking = [place for place, step in enumerate(steps) if step.kind != "remove"]
    # After the picture's rename only its folder is synced: the numbers are all there.
    last = max(place for place, step in enumerate(steps) if step.kind == "rename")
    for place in taking[part::PARTS]:
        folder, seen = tmp_path / f"{place}", []

        def fill(step, seen=seen, place=place):
            seen.append(step)
            # And full it stays: zipfile tries once more to open what it could not.
            if len(seen) == place + 1 or (len(seen) > place and step.kind == "write"):
                raise OSError(errno.ENOSPC, "No space left on device", str(step.path))

        folder.mkdir()
        if steps[place].path.suffix == ".png" or place > last:
            with watched(folder, fill, monkeypatch):
                assert train(folder / "r", **OPTIONS).finished
            continue
        with (
            pytest.raises(StorageError, match="No space left on device"),
            watched(folder, fill, monkeypatch),
        ):
            train(folder / "r", **OPTIONS)
        done = sum(
            step.kind == "rename" and step.path.name.startswith("epoch-") for step in steps[:place]
        )
        if done:
            assert checkpoints.parse(open_run(folder / "r").load_checkpoint()).epochs == done
        else:
            assert not (folder / "r").exists()
        if place % 6 == part % 6:  # all of them would say the same for an hour
            assert_same(train(folder / "r", resume=True, **OPTIONS), whole)


def test_a_disk_that_is_really_full(whole, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    size = sum(file.stat().st_size for file in (whole.path / "state").iterdir())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size // 1024}k", "tmpfs", str(disk)],
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("mounting needs rights that this process has not")
    try:
        with pytest.raises(StorageError, match="No space left on device"):
            train(disk / "r", **OPTIONS)
        assert checkpoints.parse(open_run(disk / "r").load_checkpoint()).epochs >= 1
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert_same(train(disk / "r", resume=True), whole)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


LONG = [
    "bn_mlp", "--no-evaluate", "--no-export", "--data.limit", "1000", "--training.batch-size", "50",
    "--model.hidden-units", "32", "16", "--training.schedules.dropout", "linear",
]  # fmt: skip


def command(folder, epochs, *more):
    return [
        sys.executable, "-P", "-m", "recipes.train", *LONG, "--training.epochs", str(epochs),
        "--run-dir", str(folder), *more,
    ]  # fmt: skip


def start(folder, epochs, *more):
    return subprocess.Popen(
        command(folder, epochs, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_twenty_kills_at_random_moments(tmp_path):
    epochs, kills, chance = 400, 0, random.Random(0)
    while kills < 20:
        process = start(tmp_path / "r", epochs, "--resume")
        for line in process.stderr:
            assert "error" not in line, line
            if line.startswith("epoch "):
                break
        try:
            process.wait(timeout=chance.uniform(0, 0.6))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "400 epochs were too few for twenty kills"
        kills += 1
    done = len(open_run(tmp_path / "r").history()["loss"])
    print(f"20 kills in the first {done} of {epochs} epochs")
    subprocess.run(command(tmp_path / "r", epochs, "--resume"), check=True, capture_output=True)
    subprocess.run(command(tmp_path / "whole", epochs), check=True, capture_output=True)
    assert_same(open_run(tmp_path / "r"), open_run(tmp_path / "whole"))


def test_two_processes_on_one_run_folder(tmp_path):
    subprocess.run(command(tmp_path / "whole", 60), check=True, capture_output=True)
    whole = open_run(tmp_path / "whole")
    for number in range(5):
        folder = tmp_path / f"r{number}"
        pair = [start(folder, 60, "--resume") for _ in range(2)]
        output = {process: process.communicate() for process in pair}
        (winner,) = (process for process in pair if process.returncode == 0)
        (loser,) = (process for process in pair if process.returncode != 0)
        assert loser.returncode == fashion_zoo.RunLockedError.exit_code
        found = re.search(r"is in use by process (\d+) on \S+\. Wait", output[loser][1])
        assert int(found[1]) == winner.pid
        assert "epoch 1/" not in output[loser][1]
        assert_same(open_run(folder), whole)


@contextlib.contextmanager
def halted(folder, epochs):
    """Start a training, and stop it in the middle of an epoch while the block runs."""
    process = start(folder, epochs)
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGSTOP)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_process_whose_lock_was_removed_leaves_the_run_to_the_next_one(tmp_path):
    subprocess.run(command(tmp_path / "whole", 60), check=True, capture_output=True)
    with halted(tmp_path / "r", 60) as first:
        (tmp_path / ".r.lock").unlink()
        second = start(tmp_path / "r", 60, "--resume")
        for line in second.stderr:
            if line.startswith("epoch "):
                break
    said = first.communicate()[1]
    assert first.returncode == fashion_zoo.RunLockedError.exit_code
    assert re.search(r"error: .* is no longer held: its lock .* was removed", said)
    assert "Traceback" not in said
    second.communicate()
    assert second.returncode == 0
    assert_same(open_run(tmp_path / "r"), open_run(tmp_path / "whole"))
    assert {path.name for path in tmp_path.iterdir()} == {"r", "whole"}


def test_a_run_that_is_moved_while_it_trains_writes_into_nobody_elses_folder(tmp_path):
    subprocess.run(command(tmp_path / "whole", 60), check=True, capture_output=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "history.csv").write_text("years of work")
    with halted(tmp_path / "r", 60) as first:
        (tmp_path / "r").rename(tmp_path / "moved")
        (tmp_path / "r").symlink_to("thesis")
    said = first.communicate()[1]
    assert first.returncode == fashion_zoo.RunError.exit_code
    assert "it was moved, replaced or removed" in said
    assert "Traceback" not in said
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["history.csv"]
    assert (tmp_path / "thesis" / "history.csv").read_text() == "years of work"
    subprocess.run(command(tmp_path / "moved", 60, "--resume"), check=True, capture_output=True)
    assert_same(open_run(tmp_path / "moved"), open_run(tmp_path / "whole"))


def test_a_second_process_leaves_at_once(tmp_path):
    first = start(tmp_path / "r", 10_000)
    for line in first.stderr:
        if line.startswith("epoch 1/"):
            break
    os.kill(first.pid, signal.SIGSTOP)  # so that every change would be the second one's
    try:
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        for flag in ("--resume", "--force"):
            second = subprocess.run(
                command(tmp_path / "r", 10_000, flag), capture_output=True, text=True
            )
            assert second.returncode == fashion_zoo.RunLockedError.exit_code
            assert f"in use by process {first.pid} on" in second.stderr
        after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        assert after == before
    finally:
        os.kill(first.pid, signal.SIGCONT)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 130
