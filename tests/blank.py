"""When a program on a terminal says something: its first word, and its longest silence."""

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
    """What a terminal showed, and when."""

    code: int
    said: str
    """Everything that came, with its control sequences."""
    first: float
    """Seconds to the first word."""
    longest: float
    """Seconds of the longest silence, from the start to the end."""
    after: str
    """The last words before it."""


def run(
    command: Sequence[str], folder: Path, environ: dict[str, str], columns: int = 100
) -> Silence:
    """Run a program on a pseudo-terminal of its own."""
    ours, theirs = pty.openpty()
    environ = {**environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}
    began = last = time.monotonic()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environ,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    first, longest, after, said, words = None, 0.0, b"", b"", b""
    while True:
        select.select([ours], [], [])
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            piece = b""
        now = time.monotonic()
        if _CONTROL.sub(b"", piece).strip() or not piece:
            if now - last > longest:
                longest, after = now - last, words[-80:]
            last, words = now, _CONTROL.sub(b" ", piece)
            first = now - began if first is None and piece else first
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
