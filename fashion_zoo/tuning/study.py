"""One Optuna study as the truth of a search: what is planned, who runs it, what came out.

A planned trial has an index, 0, 1, ..., and one attempt or several: each an Optuna trial. An
attempt whose worker died is failed and hidden; the next worker makes another with the same
parameters. An attempt belongs to the worker that created it. Between two attempts of one index the
older lives, so that nothing is finished twice whatever the order in which workers look.
"""

import contextlib
import dataclasses
import os
import platform
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

import fashion_zoo.tuning.checking as checking
from fashion_zoo.config import digest
from fashion_zoo.errors import StudyError
from fashion_zoo.storage import locks
from fashion_zoo.storage.databases import absolute_url, file_of
from fashion_zoo.tuning.plans import Attempt, Plan, is_broken
from fashion_zoo.tuning.storages import Backend, connect, opening, shown
from fashion_zoo.tuning.workers import Workers, held, keep_alive

_FORMAT = 1


class Study:
    """A search in a database that any number of workers share.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://...``.
        name: name of the study in the database.
        fingerprint: what makes it this search, JSON and dataclasses; a stored one must be the same.
            Where ``config`` is a dataclass, a field that the stored one does not know has its
            default; a space does not, since a range that is new is another search.
        trials: how many trials are planned.
        directions: one of maximize and minimize for each objective.
        lease: seconds without a sign of life after which a trial is taken over.
        attempts: how often a trial may kill its worker before it is given up.
        overwrite: whether what the study of this name held is deleted first. A Tuner's own
            ``overwrite`` deletes the Tuner's files, and no study.

    Raises:
        StudyError: the storage cannot be opened, holds another search of this name, or is to be
            overwritten while a worker of it lives.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        fingerprint: Mapping[str, Any],
        trials: int,
        directions: tuple[str, ...] = ("maximize",),
        lease: float = 60.0,
        attempts: int = 3,
        overwrite: bool = False,
    ):
        if not isinstance(name, str) or not name:
            raise StudyError(f"A study needs a name, received {name!r}.")
        if not directions or not set(directions) <= {"maximize", "minimize"}:
            raise StudyError(f"directions are maximize or minimize, received {directions!r}.")
        self.name = name
        self.trials = trials
        self.directions = tuple(directions)
        self.lease = lease
        self.attempts = attempts
        self.worker = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.seen: list[Plan] = []
        """The planned trials as they were read last."""
        self._file: Path | None = None
        self._guard: Any = None
        url = absolute_url(url)  # connections are made again where the process is then
        with opening(url):
            self._file = file_of(url)
            if self._file:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._guard = locks.file_lock(self._file.with_name(f".{self._file.name}.lock"))
            self._workers = Workers(self._file, lease)
            with self._lock:  # two workers of a new file must not both make its tables
                if self._file:
                    checking.check_file(self._file)
                self.backend = Backend(connect(url), str(self._file or shown(url)))
                living = contextlib.ExitStack()
                living.callback(self.backend.close)
                with living:
                    if overwrite:
                        self._delete()
                    self.id = self._open(fingerprint)
                    self._living = living.pop_all()
        if self._file:  # the operating system says who of this machine is alive
            self._living.enter_context(locks.lock(self._workers.lock_of(self.worker)))

    def close(self) -> None:
        """End this worker: its trials are free for others at once."""
        self._living.close()

    def _delete(self) -> None:
        """Delete the study of this name, if there is one and nobody runs a trial of it."""
        number = self.backend.find(self.name)
        if number is None:
            return
        self.id = number
        beats: dict[int, int] = {}
        while alive := [one for one in _running(self.plans()) if not self._workers.has_lost(one)]:
            for trial in alive:
                beat = trial.user_attrs["beat"]
                went_on = beats.setdefault(trial._trial_id, beat) != beat
                if went_on or self._workers.is_alive(trial.user_attrs["worker"]):
                    raise StudyError(
                        f"A worker of the study {self.name!r} lives. Wait for its end before the "
                        "study is overwritten."
                    )
            time.sleep(self.lease / 20)
        self.backend.delete_study(self.id)

    def _open(self, fingerprint: Mapping[str, Any]) -> int:
        """Return the id of the study of this name, a new one where there is none."""
        mine = digest.plain({"format": _FORMAT, **fingerprint})
        number = self.backend.find(self.name)
        if number is None:
            directions = [StudyDirection[one.upper()] for one in self.directions]
            try:
                number = self.backend.create_new_study(directions, self.name)
            except DuplicatedStudyError:  # another worker of a server was faster
                number = self.backend.get_study_id_from_name(self.name)
        with checking.reading(self.backend.place):
            trials = self.backend.get_all_trials(number, deepcopy=False)
            attributes = self.backend.get_study_user_attrs(number)
            checking.check_attributes(attributes, trials)
            stored = dict(attributes.get("fingerprint") or mine)
            config = fingerprint.get("config")
            if dataclasses.is_dataclass(config) and isinstance(stored.get("config"), Mapping):
                stored["config"] = digest.completed(config, stored["config"])
            directions = self.backend.get_study_directions(number)
            stored["directions of the study"] = [one.name.lower() for one in directions]
            own = {**mine, "directions of the study": list(self.directions)}
            checking.check_same(f"{self.name!r} in {self.backend.place}", stored, own)
            checking.check_trials(trials, len(self.directions))
        if attributes.get("fingerprint") is None:  # new, or a kill left it empty
            self.backend.set_study_user_attr(number, "fingerprint", mine)
        return number

    @property
    def _lock(self) -> contextlib.AbstractContextManager:
        """Holds together what belongs together in a file; a server has locks of its own."""
        return held(self._guard, self._file) if self._file else contextlib.nullcontext()

    def plans(self) -> list[Plan]:
        """Return the planned trials that were begun, in order."""
        found = sorted(
            self.backend.get_all_trials(self.id, deepcopy=False), key=lambda one: one.number
        )
        attempts: dict[int, list[FrozenTrial]] = {}
        for trial in found:
            own = "index" in trial.user_attrs  # others are of Optuna's own tools
            if own and "withdrawn" not in trial.user_attrs:
                attempts.setdefault(trial.user_attrs["index"], []).append(trial)
        self.seen = [
            Plan(index, tuple(attempts[index]), self.attempts) for index in sorted(attempts)
        ]
        return self.seen

    def claim(self) -> Attempt | Literal["wait", "done"]:
        """Take the first planned trial that nobody runs.

        Returns:
            What to run; or that others still run what is left; or that nothing is left.
        """
        with self._lock:  # what is read must still hold when it is written
            plans = self._bury()
            new = Plan(len(plans), (), self.attempts)
            for plan in [*plans, new][: self.trials]:
                if plan.status == "waiting":
                    return self._begin(plan) or "wait"
        return "wait" if any(plan.running for plan in plans) else "done"

    def _begin(self, plan: Plan) -> Attempt | None:
        """Create an attempt; None when another worker was faster."""
        whole = [one for one in plan.attempts if "asked" in one.user_attrs]
        attributes = {"index": plan.index, "worker": self.worker, "beat": 0}
        if plan.attempts:
            attributes["retry_of"] = plan.attempts[-1].number
        template = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=attributes)
        key = self.backend.create_new_trial(self.id, template)
        rivals = self.plans()[plan.index].attempts
        living = (one for one in rivals if one.state != TrialState.FAIL or is_broken(one))
        if next(living)._trial_id != key:
            self.backend.set_trial_user_attr(key, "withdrawn", True)
            self._finish(key, TrialState.FAIL)
            return None
        return Attempt(key, plan.index, whole[0].params if whole else None)

    def _bury(self) -> list[Plan]:
        """Fail what lost workers left running, and return the planned trials after that."""
        plans = self.plans()
        others = [one for one in _running(plans) if one.user_attrs["worker"] != self.worker]
        lost = [one for one in others if self._workers.has_lost(one)]
        for trial in lost:
            self._finish(trial._trial_id, TrialState.FAIL)
        return self.plans() if lost else plans

    def keep_alive(self, attempt: Attempt) -> Callable[[], None]:
        """Give signs of life of an attempt until the function returned is called."""
        return keep_alive(lambda count: self.note(attempt, "beat", count), self.lease)

    def note(self, attempt: Attempt, name: str, value: Any) -> bool:
        """Keep something of an attempt beside its score; false when it was taken over."""
        return self.write(self.backend.set_trial_user_attr, attempt.key, name, value)

    def report(self, attempt: Attempt, step: int, value: float) -> bool:
        """Keep the objective after an epoch; false when the attempt was taken over."""
        return self.write(
            self.backend.set_trial_intermediate_value, attempt.key, step, float(value)
        )

    def tell(self, attempt: Attempt, values: list[float], *, pruned: bool = False) -> bool:
        """Finish an attempt; false when it was taken over, and then nothing changes."""
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._finish(attempt.key, state, values)

    def fail(self, attempt: Attempt, reason: str) -> bool:
        """Finish an attempt without a score; false when it was taken over."""
        marked = self.note(attempt, "mark", reason)
        return marked and self._finish(attempt.key, TrialState.FAIL)

    def give_back(self, attempt: Attempt, failed: str | None = None) -> bool:
        """Return an attempt unfinished: another will have its parameters.

        Where it had no score and is tried again for that, ``failed`` says why.
        """
        if failed is not None:
            self.note(attempt, "failed", failed)
        returned = self.note(attempt, "returned", True)
        return returned and self._finish(attempt.key, TrialState.FAIL)

    @property
    def space(self) -> dict[str, Any] | None:
        """The hyperparameters that its workers know, as KerasTuner describes them."""
        return self.backend.get_study_user_attrs(self.id).get("space")

    def remember(self, name: str, value: Any) -> None:
        """Keep something of the study beside its trials."""
        self.backend.set_study_user_attr(self.id, name, value)

    def extend(self, merge: Callable[[dict[str, Any] | None], dict[str, Any]]) -> dict[str, Any]:
        """Replace ``space`` by what a function makes of it, and return that."""
        with self._lock:
            made = merge(self.space)
            self.backend.set_study_user_attr(self.id, "space", made)
        return made

    def _finish(self, key: int, state: TrialState, values: list[float] | None = None) -> bool:
        with self._lock:
            return self.write(self.backend.set_trial_state_values, key, state, values)

    def write(self, write: Callable[..., Any], *arguments: Any) -> bool:
        """Call one of the backend's writes; false when the attempt was taken over or deleted."""
        try:
            write(*arguments)
        except (UpdateFinishedTrialError, KeyError):
            return False
        return True


def _running(plans: list[Plan]) -> list[FrozenTrial]:
    return [plan.running for plan in plans if plan.running]
