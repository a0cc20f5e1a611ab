"""stdin, stdout and stderr of a command, whatever the shell made of them."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable

import fashion_zoo


def guarded(run: Callable[[], int]) -> int:
    """Run a command whose stdout and stderr fall silent where they cannot be written.

    What it keeps does not depend on who reads what it shows. A reader that left early, such as
    head, has seen enough; output that is lost otherwise is an error in the end.

    Args:
        run: returns the exit code.

    Returns:
        The exit code.
    """
    _fill_descriptors()
    before = sys.stdout, sys.stderr
    out, err = map(fashion_zoo.show.unbreakable, (sys.stdout, sys.stderr))
    sys.stdout, sys.stderr = out, err
    try:
        code = run()
        out.flush()
        if code == 0 and out.broken and not isinstance(out.broken, BrokenPipeError):
            why = getattr(out.broken, "strerror", None) or out.broken
            print(f"error: The output cannot be written: {why}.", file=err)
            code = fashion_zoo.StorageError.exit_code
        err.flush()
        return code
    finally:
        sys.stdout, sys.stderr = before
        for stream in (out, err):
            if stream.broken:
                _drain(stream)


def _fill_descriptors() -> None:
    """Open what the shell closed (``2>&-``), before a file of ours gets its number.

    What C++ libraries write to descriptor 2 would otherwise go into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno == errno.EBADF:
                os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free


def _drain(stream: fashion_zoo.show.Unbreakable) -> None:
    """Let Python's last flush of what could not be written go nowhere, instead of failing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
