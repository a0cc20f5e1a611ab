"""stdin, stdout and stderr of a command, which may be closed or full."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable

import fashion_zoo


def guarded(run: Callable[[], int]) -> int:
    """Run a command whose stdout and stderr never raise, and return its exit code.

    A reader that closes a pipe early, such as head, is no error; other lost output is one at the
    end.
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
    """Open the descriptors that the shell closed (``2>&-``), before a file gets their numbers.

    C++ libraries would write to descriptor 2, and so into that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno == errno.EBADF:
                os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free


def _drain(stream: fashion_zoo.show.Unbreakable) -> None:
    """Send Python's last flush of a broken stream to the null device, instead of failing."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
