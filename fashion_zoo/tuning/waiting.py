"""Waiting for others in a SQLite file, and saying so: another worker, or another program."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fashion_zoo.show import streams

SILENT = 3.0  # seconds before a line says what is waited for
PATIENCE = 300.0  # seconds for another program to unlock the file


class _Cursor(sqlite3.Cursor):
    connection: "Connection"

    def execute(self, *arguments: Any) -> Any:
        return self.connection.patiently(super().execute, *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self.connection.patiently(super().executemany, *arguments)


class Connection(sqlite3.Connection):
    """A connection to a file that others may hold locked for a while.

    SQLite alone would wait without a word, and deaf to Ctrl-C.
    """

    def __init__(self, database: str, *arguments: Any, **options: Any):
        super().__init__(database, *arguments, **{**options, "timeout": SILENT})
        self._file = database

    def cursor(self, factory: Any = _Cursor) -> Any:
        """Return a cursor that waits as the connection does."""
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> Any:
        """Execute with a cursor that waits."""
        return self.cursor().execute(*arguments)

    def commit(self) -> None:
        """Commit, as soon as the file is unlocked."""
        self.patiently(super().commit)

    def patiently(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Make a call again and again while the file is locked by another program."""
        begun = time.monotonic()
        said = False
        while True:
            start = time.monotonic()
            try:
                return call(*arguments)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                # What fails at once is a transaction of which SQLite knows that waiting is vain.
                waited = error.sqlite_errorcode == sqlite3.SQLITE_BUSY and now - start > SILENT / 2
                if not waited or now - begun > PATIENCE:
                    raise
            if not said:
                streams.say(f"Waiting: {self._file} is locked by another program.")
                said = True


@contextlib.contextmanager
def held(lock: Any, file: Path) -> Iterator[None]:
    """Hold the lock that stands beside a study; say so where another worker has it for long."""
    import filelock

    try:
        lock.acquire(timeout=SILENT)
    except filelock.Timeout:
        streams.say(f"Waiting: another worker is in the middle of a write to {file}.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
