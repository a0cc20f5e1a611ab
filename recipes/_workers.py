"""Several processes of one command on one machine."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import fashion_zoo

# Of TensorFlow; of its math libraries and torch; of XLA on jax.
THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NPROC")


def run_together(words: Sequence[str], workers: int) -> None:
    """Run ``python -m WORDS`` in several processes, each with its share of the cores.

    Their stderr is passed on line by line, equal errors once. Ctrl-C reaches them too, since a
    terminal sends it to the whole group; SIGTERM is passed on.

    Raises:
        KeyboardInterrupt: on Ctrl-C or SIGTERM, after all processes have ended.
        SystemExit: if all of them failed, with the code of the first.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-m", *words]
    children = [
        subprocess.Popen(
            command,
            env={**os.environ, **share_of_cores(workers)},
            stdout=subprocess.DEVNULL,
            stderr=writing,
        )
        for _ in range(workers)
    ]
    os.close(writing)
    interrupted = False
    errors: set[str] = set()
    with (
        _passing_on(children) as ended,
        os.fdopen(reading, encoding="utf-8", errors="replace") as lines,
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
                interrupted = True  # the children receive it too
    if interrupted or ended:
        raise KeyboardInterrupt
    failed = sum(child.returncode != 0 for child in children)
    if failed and not errors:
        print(
            f"{failed} of {fashion_zoo.wording.counted(workers, 'worker')} failed.",
            file=sys.stderr,
        )
    if failed == workers:
        raise SystemExit(max(children[0].returncode, 1))  # a signal's number is negative


def share_of_cores(workers: int) -> dict[str, str]:
    """Return environment variables that limit each of several processes to its share of the cores.

    The cores are those that this process may use. Variables that the user has set are kept.
    """
    share = str(max(fashion_zoo.cores() // workers, 1))
    return {name: share for name in THREADS if name not in os.environ}


@contextlib.contextmanager
def _passing_on(children: Sequence[subprocess.Popen]) -> Iterator[list[int]]:
    """Pass SIGTERM on to the children; yield the received signals."""
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
