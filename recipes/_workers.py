"""Several processes of one command on one machine."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import fashion_zoo

# TensorFlow; its math libraries and torch; XLA on jax, which reads neither of the others.
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NPROC")


def run_together(words: Sequence[str], workers: int) -> None:
    """Run ``python -m WORDS`` several times at once, each with its share of the cores.

    What they say on stderr is passed on line by line, the same error once. Ctrl-C reaches them as
    well, since a terminal sends it to the whole group; SIGTERM is passed on.

    Args:
        words: the module and its arguments.
        workers: how many processes.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM, after they have ended.
        SystemExit: all of them ended with an error; the code is that of the first.
    """
    said, saying = os.pipe()
    command = [sys.executable, "-m", *words]
    children = [
        subprocess.Popen(
            command,
            env={**os.environ, **share_of_cores(workers)},
            stdout=subprocess.DEVNULL,
            stderr=saying,
        )
        for _ in range(workers)
    ]
    os.close(saying)
    interrupted = False
    errors: set[str] = set()
    with (
        _passing_on(children) as ended,
        os.fdopen(said, encoding="utf-8", errors="replace") as lines,
    ):
        while any(child.poll() is None for child in children):
            try:
                for line in lines:  # ends when the last child has closed its end
                    if line in errors:
                        continue
                    if line.startswith("error: "):
                        errors.add(line)
                    print(line, end="", file=sys.stderr, flush=True)
                for child in children:
                    child.wait()
            except KeyboardInterrupt:
                interrupted = True  # the children have it too: let them end
    if interrupted or ended:
        raise KeyboardInterrupt
    failed = sum(child.returncode != 0 for child in children)
    if failed and not errors:
        print(
            f"{failed} of {fashion_zoo.wording.counted(workers, 'worker')} ended with an error.",
            file=sys.stderr,
        )
    if failed == workers:
        raise SystemExit(max(children[0].returncode, 1))  # a signal's number is negative


def share_of_cores(workers: int) -> dict[str, str]:
    """Return the environment that gives each of several processes its share of the cores.

    The cores are those that this process may use: of its job, its container and its affinity, not
    of the machine. What the user has set is left as it is.
    """
    share = str(max(fashion_zoo.cores() // workers, 1))
    return {name: share for name in THREADS if name not in os.environ}


@contextlib.contextmanager
def _passing_on(children: Sequence[subprocess.Popen]) -> Iterator[list[int]]:
    """Pass SIGTERM on to the children; yield the signals that came."""
    came: list[int] = []

    def pass_on(number, frame):
        came.append(number)
        for child in children:
            child.terminate()

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)
