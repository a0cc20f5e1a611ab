"""Every change that a training makes to the disk, and the disk as each one finds it."""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

_CHANGES = {"os.rename": "rename", "os.remove": "remove", "os.mkdir": "mkdir", "os.rmdir": "remove"}
_watcher = None


class Step(NamedTuple):
    """One change."""

    kind: str
    """write, fsync, rename, remove or mkdir; a write is seen as its file is opened."""
    path: Path


def _hook(event, arguments):
    if _watcher is None:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax+") if mode else flags & 3 != os.O_RDONLY
        if writes and isinstance(path, str | os.PathLike):
            _watcher("write", Path(path))
    elif event in _CHANGES:
        # shutil.rmtree names what it removes beside an open folder
        _watcher(_CHANGES[event], Path(arguments[1 if event == "os.rename" else 0]))


sys.addaudithook(_hook)  # it cannot be taken away again, so it looks for a watcher


@contextlib.contextmanager
def watched(root, see, monkeypatch):
    """Call ``see(step)`` before each change below ``root``; what it raises stops the change."""
    global _watcher
    busy = False
    sync = os.fsync

    def watcher(kind, path):
        nonlocal busy
        if busy or root not in path.parents:
            return
        busy = True
        try:
            see(Step(kind, path))
        finally:
            busy = False

    def fsync(descriptor):
        watcher("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    _watcher = watcher
    try:
        yield
    finally:
        _watcher = None
        monkeypatch.setattr(os, "fsync", sync)


def record(root, to, monkeypatch, train):
    """Run ``train()`` and return its steps, with copies of ``root`` at each moment of a kill.

    Returns:
        The steps, and name to folder: ``N-before`` as the step finds the disk, and for a file
        that is synced ``N-empty`` and ``N-half``, as if its data had not all arrived.
    """
    steps, moments = [], {}

    def see(step):
        name = f"{len(steps):03}"
        steps.append(step)
        torn = (("empty", 0.0), ("half", 0.5)) if step.kind == "fsync" else ()
        for moment, share in (("before", None), *torn):
            if share is not None and not step.path.is_file():
                continue
            copy = to / f"{name}-{moment}"
            shutil.copytree(root, copy)
            moments[copy.name] = copy
            if share is not None:
                file = copy / step.path.relative_to(root)
                os.truncate(file, int(file.stat().st_size * share))

    root.mkdir(exist_ok=True)
    to.mkdir()
    with watched(root, see, monkeypatch):
        train()
    shutil.copytree(root, to / "after")
    moments["after"] = to / "after"
    return steps, moments
