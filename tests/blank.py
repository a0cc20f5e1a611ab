"""When a program on a terminal says something: its first word, and its longest silence."""

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# What moves the cursor or changes colours is no word.
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r|\n")


class Silence(NamedTuple):
    """What a terminal showed, and when.

    Seconds are those of the program: where Linux counts how long others had the core that a thread
    was ready for, that time of the thread which waited longest is taken off.
    """

    code: int
    said: str
    """Everything that came, with its control sequences."""
    first: float
    """Seconds to the first word."""
    longest: float
    """Seconds of the longest silence, from the start to the end."""
    after: str
    """The last words before it."""


def _waits(process: int) -> dict[str, float]:
    """Return how many seconds each thread of a process has been ready without a core."""
    seconds = {}
    for file in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # the thread has ended
            seconds[file.parent.name] = int(file.read_text().split()[1]) / 1e9
    return seconds


def run(
    command: Sequence[str], folder: Path, environ: dict[str, str], columns: int = 100
) -> Silence:
    """Run a program on a pseudo-terminal of its own."""
    ours, theirs = pty.openpty()
    environ = {**environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}
    last = time.monotonic()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environ,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    first, longest, after, said, words = None, 0.0, b"", b"", b""
    waits: dict[str, float] = {}
    while True:
        select.select([ours], [], [])
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            piece = b""
        now = time.monotonic()
        if _CONTROL.sub(b"", piece).strip() or not piece:
            before, waits = waits, _waits(process.pid)
            waited = (seconds - before.get(thread, 0) for thread, seconds in waits.items())
            silence = now - last - max(waited, default=0.0)
            if silence > longest:
                longest, after = silence, words[-80:]
            last, words = now, _CONTROL.sub(b" ", piece)
            first = silence if first is None and piece else first
        if not piece:
            break
        said += piece
    os.close(ours)
    return Silence(
        process.wait(),
        said.decode("utf-8", "replace"),
        longest if first is None else first,
        longest,
        after.decode("utf-8", "replace"),
    )
