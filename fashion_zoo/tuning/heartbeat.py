"""Who of the workers of a study is alive: signs that they hold, and a count that they raise."""

import contextlib
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

from optuna.trial import FrozenTrial

from fashion_zoo.errors import RunLockedError, StudyError
from fashion_zoo.storage import locks


class Workers:
    """The workers of a study, seen from one of them.

    Args:
        file: of the study; None on a server.
        lease: seconds without a sign of life after which a worker is lost.
    """

    def __init__(self, file: Path | None, lease: float):
        self.file = file
        self.lease = lease
        self._seen: dict[int, tuple[int, float]] = {}

    def sign_of(self, worker: str) -> Path:
        """Return what a worker of this machine holds locked; the system frees it when it ends."""
        assert self.file is not None
        return self.file.with_name(f"{self.file.name}-{worker}")

    def holds_its_sign(self, worker: str) -> bool | None:
        """Whether a worker of this machine lives; None where only its heartbeat can tell."""
        if not self.file or not worker.startswith(f"{platform.node()}-"):
            return None
        try:
            locks.check_unlocked(self.sign_of(worker))
        except RunLockedError:
            return True
        return False

    def has_lost(self, trial: FrozenTrial) -> bool:
        """Whether the worker of a running trial is dead, or silent for longer than the lease."""
        if self.holds_its_sign(trial.user_attrs["worker"]) is False:
            return True
        # A beat is a count, and the seconds are this worker's own: no two clocks are compared.
        beat, now = trial.user_attrs["beat"], time.monotonic()
        last, since = self._seen.get(trial._trial_id, (None, now))
        if beat != last:
            self._seen[trial._trial_id] = (beat, now)
            return False
        return now - since > self.lease


def keep_alive(beat: Callable[[int], bool], lease: float) -> Callable[[], None]:
    """Give signs of life from a thread, four a lease, until the function returned is called."""
    stop = threading.Event()

    def run() -> None:
        count = 1
        with contextlib.suppress(StudyError):  # the worker itself will meet it
            while not stop.wait(lease / 4) and beat(count):
                count += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return end
