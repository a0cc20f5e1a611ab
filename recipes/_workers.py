"""Several processes of one command on one machine."""

import os
import subprocess
import sys
from collections.abc import Sequence


def run_together(words: Sequence[str], workers: int) -> None:
    """Run ``python -m WORDS`` several times at once, each with its share of the cores.

    What they say on stderr is passed on line by line. Ctrl-C reaches them as well, since a
    terminal sends it to the whole group.

    Args:
        words: the module and its arguments.
        workers: how many processes.

    Raises:
        KeyboardInterrupt: Ctrl-C, after they have ended.
    """
    share = str(max((os.cpu_count() or 1) // workers, 1))
    threads = {"TF_NUM_INTRAOP_THREADS": share, "OMP_NUM_THREADS": share}
    said, saying = os.pipe()
    command = [sys.executable, "-m", *words]
    children = [
        subprocess.Popen(
            command,
            env={**os.environ, **threads},
            stdout=subprocess.DEVNULL,
            stderr=saying,
        )
        for _ in range(workers)
    ]
    os.close(saying)
    interrupted = False
    with os.fdopen(said, encoding="utf-8", errors="replace") as lines:
        while any(child.poll() is None for child in children):
            try:
                for line in lines:  # ends when the last child has closed its end
                    print(line, end="", file=sys.stderr, flush=True)
                for child in children:
                    child.wait()
            except KeyboardInterrupt:
                interrupted = True  # the children have it too: let them end
    if interrupted:
        raise KeyboardInterrupt
