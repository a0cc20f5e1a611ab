"""Disks that lack something: a folder's fsync, flock, modes, or the right to write."""

import errno
import fcntl
import os
import shutil
import stat
import subprocess
import sys

import pytest

from fashion_zoo import RunLockedError, SearchConfig, StorageError, storage
from fashion_zoo.storage import locks
from fashion_zoo.tuning.candidates import train_again

WITHOUT_FLOCK = """
import errno, fcntl, os, sys
from pathlib import Path
from fashion_zoo.storage import locks
def flock(*_):
    raise OSError(int(sys.argv[2]), "no flock here")
fcntl.flock = flock
with locks.lock(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def refuse_fsync(monkeypatch, number, of):
    """Make fsync fail with an error number for what has this kind."""
    real = os.fsync

    def fsync(descriptor):
        if of(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_disk_that_cannot_sync_a_folder_is_written_to(tmp_path, monkeypatch, number):
    refuse_fsync(monkeypatch, number, stat.S_ISDIR)
    storage.write_json(tmp_path / "a.json", {"x": 1})
    with storage.atomic_folder(tmp_path / "run") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "file").touch()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "run"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_folder_whose_sync_fails_is_an_error(tmp_path, monkeypatch, number):
    refuse_fsync(monkeypatch, number, stat.S_ISDIR)
    with pytest.raises(StorageError, match=os.strerror(number)):
        storage.write_json(tmp_path / "a.json", {"x": 1})
    with (
        pytest.raises(StorageError, match=os.strerror(number)),
        storage.atomic_folder(tmp_path / "run"),
    ):
        pass


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_a_file_that_cannot_be_synced_is_an_error(tmp_path, monkeypatch, number):
    refuse_fsync(monkeypatch, number, stat.S_ISREG)
    with pytest.raises(StorageError, match=os.strerror(number)):
        storage.write_json(tmp_path / "a.json", {"x": 1})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK], ids=errno.errorcode.get)
def test_a_lock_on_a_disk_without_flock_dies_with_its_process(tmp_path, monkeypatch, number):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WITHOUT_FLOCK, str(tmp_path / "r"), str(number)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def flock(*_):
        raise OSError(number, "no flock here")

    monkeypatch.setattr(fcntl, "flock", flock)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunLockedError, match=f"in use by process {process.pid} on "):
            locks.check_unlocked(tmp_path / "r")
    finally:
        process.kill()
        process.communicate()
    locks.check_unlocked(tmp_path / "r")
    with locks.lock(tmp_path / "r"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_lock_of_a_process_elsewhere_says_which_file_to_remove(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOSYS, "no flock here")

    monkeypatch.setattr(fcntl, "flock", flock)
    file = tmp_path / ".r.lock"
    file.write_text("4711\nanother-node\n")
    with pytest.raises(RunLockedError) as caught:
        locks.check_unlocked(tmp_path / "r")
    assert "in use by process 4711 on another-node." in str(caught.value)
    assert str(caught.value).endswith(f"If that process has ended, remove {file}.")
    assert file.exists()


def test_a_lock_file_of_another_user_is_answered_with_its_holder(tmp_path, monkeypatch):
    """As root may open anything here, the refusal is made."""
    file = tmp_path / ".r.lock"
    file.write_text("process 4711 on node")
    real = os.open

    def refuse(path, flags, *arguments, **options):
        if os.fspath(path) == str(file) and flags & (os.O_RDWR | os.O_WRONLY):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RunLockedError) as caught:
        locks.check_unlocked(tmp_path / "r")
    assert f"{tmp_path / 'r'} was locked by process 4711 on node" in str(caught.value)
    assert f"belongs to the user {file.owner()}" in str(caught.value)
    assert f"If it has ended, {file} can be removed." in str(caught.value)


def test_a_search_says_who_trains_its_best_trials_again(tmp_path, capsys):
    with locks.lock(tmp_path / "again"):
        assert train_again(None, None, SearchConfig(), tmp_path, False) == []
    said = capsys.readouterr().err
    assert said.startswith("The best trials are not trained again here. ")
    assert f"is in use by process {os.getpid()} on " in said


def test_a_read_only_disk_is_named_and_not_covered_by_the_clean_up(tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    for name in ("unlink", "write_text", "write_bytes"):
        monkeypatch.setattr("pathlib.Path." + name, refuse)
    with pytest.raises(StorageError, match=r"Cannot write .*a\.txt: Read-only file system"):
        storage.write_text(tmp_path / "a.txt", "x")


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
int flock(int fd, int operation) { errno = ENOSYS; return -1; }
int fsync(int fd) {
    struct stat found;
    if (fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) { errno = EINVAL; return -1; }
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
    return real(fd);
}
"""


@pytest.fixture
def poor_disk(tmp_path):
    """The environment of a process whose disks have no flock and no fsync of folders."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("it takes Linux and a C compiler")
    source, library = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


@pytest.mark.slow
def test_a_killed_training_goes_on_where_the_disk_has_neither_locks_nor_syncs(poor_disk, tmp_path):
    home = tmp_path / "runs"
    command = [
        sys.executable, "-P", "-m", "recipes.train", "bn_mlp", "--no-evaluate", "--no-export",
        "--data.limit", "500", "--training.batch-size", "50", "--model.hidden-units", "16",
        "--training.epochs", "60", "--run-dir", str(home / "r"), "--resume",
    ]  # fmt: skip
    killed = subprocess.Popen(command, env=poor_disk, stderr=subprocess.PIPE, text=True)
    for line in killed.stderr:
        assert "error" not in line, line
        if line.startswith("epoch 2/"):  # the first one is kept
            break
    killed.kill()
    killed.communicate()
    assert (home / ".r.lock").read_text().startswith(f"{killed.pid}\n")
    done = subprocess.run(command, env=poor_disk, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Resuming after epoch" in done.stderr
    assert "warn" not in done.stderr.lower()
    assert [path.name for path in home.iterdir()] == ["r"]


@pytest.mark.slow
def test_every_command_on_a_read_only_disk_is_one_sentence(trained, tmp_path):
    """What can be shown is shown before."""
    disk = tmp_path / "disk"
    shutil.copytree(trained.run.path, disk / "r")
    for words in (["mount", "--bind", disk, disk], ["mount", "-o", "remount,bind,ro", disk]):
        if subprocess.run(words, capture_output=True).returncode:
            pytest.skip("mounting needs rights that this process has not")
    small = ["--data.limit", "600", "--seeds", "1", "--steps", "20"]
    said = {}
    try:
        for name, words in {
            "schedules": ["--to", "a.png"],
            "augment": ["flip", "--to", "a.png"],
            "find_lr": ["bn_mlp", *small, "--to", "a.png"],
            "evaluate": ["r"],
            "export": ["r", "--to", "exported"],
            "train": ["bn_mlp", "--run-dir", "new"],
            "tune": ["bn_mlp", "--study-dir", "new"],
        }.items():
            done = subprocess.run(
                [sys.executable, "-P", "-m", f"recipes.{name}", *words],
                cwd=disk, capture_output=True, text=True,
            )  # fmt: skip
            said[name] = done
            assert "Traceback" not in done.stderr, done.stderr
            assert "Read-only file system" in done.stderr, done.stderr
    finally:
        subprocess.run(["umount", disk], check=True)
    codes = {name: done.returncode for name, done in said.items()}
    assert codes.pop("find_lr") == 0
    assert set(codes.values()) == {6}
    assert said["find_lr"].stdout.startswith("steepest")
    assert said["evaluate"].stdout.startswith("accuracy ")
