"""The other workers of a study: which of them are alive, and waiting for their locks."""

import contextlib
import itertools
import platform
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
from optuna.trial import FrozenTrial

from fashion_zoo.errors import RunLockedError, StudyError
from fashion_zoo.show import streams
from fashion_zoo.storage import locks

SILENT = 3.0  # seconds of waiting before a line is printed
PATIENCE = 300.0  # seconds for another program to unlock the file


class Workers:
    """Liveness of the workers of a study, from the locks beside its file and from heartbeats."""

    def __init__(self, file: Path | None, lease: float):
        self.file = file
        self.lease = lease
        self._seen: dict[int, tuple[int, float]] = {}
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = locks.file_lock(file.with_name(f".{file.name}.lock"))

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Lock the file for writes that belong together; a server has row locks."""
        if self.file is None:
            return contextlib.nullcontext()
        try:
            return self._lock.acquire(timeout=SILENT)
        except filelock.Timeout:
            streams.say(f"Waiting: another worker is writing to {self.file}.")
            return self._lock.acquire()

    def lock_of(self, worker: str) -> Path:
        """Return the file that a worker of this machine keeps locked as long as it runs."""
        assert self.file is not None
        return self.file.with_name(f"{self.file.name}-{worker}")

    def is_alive(self, worker: str) -> bool | None:
        """Whether a worker of this machine runs; None if only its heartbeat can tell."""
        if not self.file or not worker.startswith(f"{platform.node()}-"):
            return None
        try:
            locks.check_unlocked(self.lock_of(worker))
        except RunLockedError:
            return True
        return False

    def is_stale(self, trial: FrozenTrial) -> bool:
        """Whether the worker of a running trial is dead, or its lease is over."""
        if self.is_alive(trial.user_attrs["worker"]) is False:
            return True
        # A heartbeat is a counter, timed by this worker's clock: no two clocks are compared.
        beat, now = trial.user_attrs["beat"], time.monotonic()
        last, since = self._seen.get(trial._trial_id, (None, now))
        if beat != last:
            self._seen[trial._trial_id] = (beat, now)
            return False
        return now - since > self.lease


def keep_alive(beat: Callable[[int], bool], lease: float) -> Callable[[], None]:
    """Call ``beat`` with a counter four times per lease; return a function that stops it."""
    stop = threading.Event()

    def run() -> None:
        with contextlib.suppress(StudyError):  # the next write of the worker raises it
            for count in itertools.count(1):
                if stop.wait(lease / 4) or not beat(count):
                    return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return end


class _Cursor(sqlite3.Cursor):
    connection: "Connection"

    def execute(self, *arguments: Any) -> Any:
        return self.connection.patiently(super().execute, *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self.connection.patiently(super().executemany, *arguments)


class Connection(sqlite3.Connection):
    """A connection that waits while another program locks the file, and says so.

    SQLite's own timeout is silent and does not react to Ctrl-C.
    """

    def __init__(self, database: str, *arguments: Any, **options: Any):
        super().__init__(database, *arguments, **{**options, "timeout": SILENT})
        self._file = database

    def cursor(self, factory: Any = _Cursor) -> Any:
        """Return a cursor that waits for locks."""
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> Any:
        """Execute with a cursor that waits for locks."""
        return self.cursor().execute(*arguments)

    def commit(self) -> None:
        """Commit, as soon as the file is unlocked."""
        self.patiently(super().commit)

    def patiently(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Repeat a call while the file is locked by another program."""
        started = time.monotonic()
        for number in itertools.count():
            start = time.monotonic()
            try:
                return call(*arguments)
            except sqlite3.OperationalError as error:
                now = time.monotonic()
                # SQLite fails at once if waiting would be a deadlock.
                waited = error.sqlite_errorcode == sqlite3.SQLITE_BUSY and now - start > SILENT / 2
                if not waited or now - started > PATIENCE:
                    raise
            if number == 0:
                streams.say(f"Waiting: {self._file} is locked by another program.")
