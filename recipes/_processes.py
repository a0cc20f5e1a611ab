"""Work in processes of its own: answers over a pipe, and the memory of a process."""

import contextlib
import functools
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import TrainingError


@contextlib.contextmanager
def worker(what: str, work: Callable[[Any], None], **environ: str) -> Iterator[Callable[[], Any]]:
    """Start a process, and give the function that requests and returns its next answer.

    ``work`` is a picklable function of the end of a pipe, from which it receives a None for each
    answer that it is to send. ``what`` names it in an error, such as "training of x".
    """
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    arguments = (pickle.dumps(work), other, environ)  # loading it imports Keras, which prints
    process = context.Process(target=_work, args=arguments, daemon=True)
    process.start()
    other.close()  # so that the end of the process ends the pipe

    def ask() -> Any:
        with contextlib.suppress(OSError):  # it has ended, and may have sent the reason
            pipe.send(None)
        try:
            answer = pipe.recv()
        except (EOFError, OSError):
            process.join()
            answer = RuntimeError(f"its process ended with code {process.exitcode}")
        if isinstance(answer, RuntimeError):
            raise TrainingError(f"The {what} failed: {answer}")
        return answer

    try:
        yield ask
    finally:
        process.kill()
        process.join()


def _work(work: bytes, pipe: Any, environ: Mapping[str, str]) -> None:
    os.environ.update(environ)
    with open(os.devnull, "w", encoding="utf-8") as null:  # for what the libraries print
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    try:
        pickle.loads(work)(pipe)
    except Exception as error:
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def answer_of(what: str, function: Callable[..., Any], /, *arguments: Any, **environ: str) -> Any:
    """Return what the function returns in a process of its own; see ``worker``."""
    with worker(what, functools.partial(_answer, function, arguments), **environ) as ask:
        return ask()


def _answer(function: Callable[..., Any], arguments: Sequence[Any], pipe: Any) -> None:
    pipe.send(function(*arguments))


def mebibytes(name: str = "VmHWM", status: Path = Path("/proc/self/status")) -> float:
    """Return the peak memory of this process in MiB, or on Linux another value of its status."""
    if status.is_file():  # getrusage would count the peak of the parent too
        (line,) = [one for one in status.read_text().splitlines() if one.startswith(f"{name}:")]
        return int(line.split()[1]) / 2**10
    import resource  # which Windows lacks

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
