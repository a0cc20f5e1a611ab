"""Lines for a person on stderr, which may be gone: what is shown never decides what is kept."""

import contextlib
import sys


def say(line: str) -> None:
    """Print a line on stderr, or nothing where nobody can read it."""
    if sys.stderr is not None:  # print would take stdout instead
        with contextlib.suppress(OSError, ValueError):  # a closed pipe, a full disk, a closed file
            print(line, file=sys.stderr, flush=True)
