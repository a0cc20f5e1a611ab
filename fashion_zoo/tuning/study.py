"""The state of a search in one Optuna study: planned trials, their workers and their results.

A planned trial has an index from 0 and one or more attempts, each an Optuna trial. If its worker
dies, an attempt fails and is hidden, and the next worker creates another one with the same
hyperparameters. An attempt belongs to the worker that created it. If two attempts of an index run
at the same time, the newer one is withdrawn, so that no trial is finished twice.
"""

import contextlib
import dataclasses
import os
import platform
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

import fashion_zoo.tuning.storages as storages
from fashion_zoo.config import digest
from fashion_zoo.config.overrides import differences
from fashion_zoo.errors import Hint, StudyError
from fashion_zoo.storage import locks
from fashion_zoo.storage.databases import absolute_url, file_of
from fashion_zoo.tuning.plans import Attempt, Plan, has_failed
from fashion_zoo.tuning.storages import Backend, connect, opening, shown
from fashion_zoo.tuning.workers import Workers

_FORMAT = 1


class Study:
    """A search in a database, shared by any number of workers.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://...``.
        name: name of the study in the database.
        fingerprint: identity of the search, of JSON and dataclasses; a stored one must be equal. If
            ``config`` is a dataclass, a field that the stored one lacks has its default.
        trials: number of planned trials.
        directions: maximize or minimize, one for each objective.
        lease: seconds without a heartbeat after which another worker takes a trial over.
        attempts: number of attempts with a dead worker after which a trial has failed.
        overwrite: whether to delete a study of this name first. The ``overwrite`` of a KerasTuner
            Tuner deletes the Tuner's files, and no study.

    Raises:
        StudyError: if the storage cannot be opened, holds another search of this name, or is to be
            overwritten while one of its workers runs.
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
        url = absolute_url(url)  # connections are opened again after a change of folder
        with opening(url):
            file = file_of(url)
            self._workers = Workers(file, lease)
            with self._workers.lock():  # only one worker creates the tables of a new file
                if file:
                    storages.check_file(file)
                self.backend = Backend(connect(url), str(file or shown(url)))
                with contextlib.ExitStack() as living:
                    living.callback(self.backend.close)
                    if overwrite:
                        self._delete()
                    self.id = self._open(fingerprint)
                    self._living = living.pop_all()
        if file:  # workers of this machine see at once that this one died
            self._living.enter_context(locks.lock(self._workers.lock_of(self.worker)))

    def close(self) -> None:
        """Close the study; the running trials of this worker are free for others at once."""
        self._living.close()

    def _delete(self) -> None:
        """Delete the study of this name, if there is one and no worker runs a trial of it."""
        try:
            self.id = self.backend.get_study_id_from_name(self.name)
        except KeyError:
            return
        beats: dict[int, int] = {}
        while alive := [one for one in _running(self.plans()) if not self._workers.is_stale(one)]:
            for trial in alive:
                beat = trial.user_attrs["beat"]
                has_changed = beats.setdefault(trial._trial_id, beat) != beat
                if has_changed or self._workers.is_alive(trial.user_attrs["worker"]):
                    raise StudyError(
                        f"A worker of the study {self.name!r} is running. Stop it before you "
                        "overwrite the study."
                    )
            time.sleep(self.lease / 20)
        self.backend.delete_study(self.id)

    def _open(self, fingerprint: Mapping[str, Any]) -> int:
        """Return the id of the study of this name; create it if there is none."""
        mine = digest.plain({"format": _FORMAT, **fingerprint})
        try:
            number = self.backend.get_study_id_from_name(self.name)
        except KeyError:
            directions = [StudyDirection[one.upper()] for one in self.directions]
            with contextlib.suppress(DuplicatedStudyError):  # another worker of a server was faster
                self.backend.create_new_study(directions, self.name)
            number = self.backend.get_study_id_from_name(self.name)
        with storages.reading(self.backend.place):
            trials = self.backend.get_all_trials(number, deepcopy=False)
            attributes = self.backend.get_study_user_attrs(number)
            storages.check_attributes(attributes, trials)
            stored = dict(attributes.get("fingerprint") or mine)
            config, space = fingerprint.get("config"), fingerprint.get("space")
            if dataclasses.is_dataclass(config) and isinstance(stored.get("config"), Mapping):
                stored["config"] = digest.completed(config, stored["config"])
            if dataclasses.is_dataclass(space) and isinstance(stored.get("space"), Mapping):
                # What has no range by default was not searched.
                empty = {one.name: "" for one in dataclasses.fields(space) if one.default == ""}
                stored["space"] = {**empty, **stored["space"]}
            directions = self.backend.get_study_directions(number)
            stored["directions of the study"] = [one.name.lower() for one in directions]
            own = {**mine, "directions of the study": list(self.directions)}
            if changed := "; ".join(differences(stored, own)):
                raise StudyError(
                    f"The study {self.name!r} in {self.backend.place} is another search. "
                    f"{changed}. Repeat the settings of that one, or choose another ",
                    Hint("study_dir"),
                    " or ",
                    Hint("study_name"),
                    ".",
                )
            storages.check_trials(trials, len(self.directions))
        if attributes.get("fingerprint") is None:  # new, or its creator was killed
            self.backend.set_study_user_attr(number, "fingerprint", mine)
        return number

    def plans(self) -> list[Plan]:
        """Return the planned trials that were started, in order."""
        attempts: dict[int, list[FrozenTrial]] = {}
        for trial in self.backend.get_all_trials(self.id, deepcopy=False):
            own = "index" in trial.user_attrs  # others were added by Optuna's own tools
            if own and "withdrawn" not in trial.user_attrs:
                attempts.setdefault(trial.user_attrs["index"], []).append(trial)
        return [Plan(index, tuple(attempts[index]), self.attempts) for index in sorted(attempts)]

    def claim(self) -> Attempt | Literal["wait", "done"]:
        """Fail the attempts of dead workers, and start one at the first planned trial that waits.

        Returns:
            The attempt; "wait" while other workers run the trials that are left, else "done".
        """
        with self._workers.lock():  # no other worker may claim the same trial
            plans = self.plans()
            others = (one for one in _running(plans) if one.user_attrs["worker"] != self.worker)
            if lost := [one for one in others if self._workers.is_stale(one)]:
                for trial in lost:
                    self._finish(trial._trial_id, TrialState.FAIL)
                plans = self.plans()
            new = Plan(len(plans), (), self.attempts)
            for plan in [*plans, new][: self.trials]:
                if plan.status == "waiting":
                    return self._begin(plan) or "wait"
        return "wait" if any(plan.running for plan in plans) else "done"

    def _begin(self, plan: Plan) -> Attempt | None:
        """Create an attempt; None if another worker was faster."""
        sampled = [one for one in plan.attempts if "asked" in one.user_attrs]
        attributes = {"index": plan.index, "worker": self.worker, "beat": 0}
        if plan.attempts:
            attributes["retry_of"] = plan.attempts[-1].number
        template = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=attributes)
        key = self.backend.create_new_trial(self.id, template)
        rivals = self.plans()[plan.index].attempts
        living = (one for one in rivals if one.state != TrialState.FAIL or has_failed(one))
        if next(living)._trial_id != key:
            self.backend.set_trial_user_attr(key, "withdrawn", True)
            self._finish(key, TrialState.FAIL)
            return None
        return Attempt(key, plan.index, sampled[0].params if sampled else None)

    def note(self, attempt: Attempt, name: str, value: Any) -> bool:
        """Store an attribute of an attempt; false if another worker took it over."""
        return self.write(self.backend.set_trial_user_attr, attempt.key, name, value)

    def report(self, attempt: Attempt, step: int, value: float) -> bool:
        """Store the objective after an epoch; false if another worker took the attempt over."""
        return self.write(
            self.backend.set_trial_intermediate_value, attempt.key, step, float(value)
        )

    def tell(self, attempt: Attempt, values: list[float], *, pruned: bool = False) -> bool:
        """Complete or prune an attempt; false if another worker took it over."""
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE
        return self._finish(attempt.key, state, values)

    def fail(self, attempt: Attempt, reason: str) -> bool:
        """Fail an attempt, which has no score; false if another worker took it over."""
        return self.note(attempt, "mark", reason) and self._finish(attempt.key, TrialState.FAIL)

    def give_back(self, attempt: Attempt, failed: str | None = None) -> bool:
        """Requeue a trial: the next attempt has the same hyperparameters.

        ``failed`` is the reason if it is a retry of a trial without a score.
        """
        if failed is not None:
            self.note(attempt, "failed", failed)
        return self.note(attempt, "returned", True) and self._finish(attempt.key, TrialState.FAIL)

    @property
    def space(self) -> dict[str, Any] | None:
        """The stored search space, as a config of KerasTuner's HyperParameters."""
        return self.backend.get_study_user_attrs(self.id).get("space")

    def extend(self, merge: Callable[[dict[str, Any] | None], dict[str, Any]]) -> dict[str, Any]:
        """Replace the stored search space by ``merge(space)``, and return that."""
        with self._workers.lock():
            made = merge(self.space)
            self.backend.set_study_user_attr(self.id, "space", made)
        return made

    def _finish(self, key: int, state: TrialState, values: list[float] | None = None) -> bool:
        with self._workers.lock():
            return self.write(self.backend.set_trial_state_values, key, state, values)

    def write(self, write: Callable[..., Any], *arguments: Any) -> bool:
        """Call a write of the backend; false if the attempt was taken over or deleted."""
        try:
            write(*arguments)
        except (UpdateFinishedTrialError, KeyError):
            return False
        return True


def _running(plans: list[Plan]) -> list[FrozenTrial]:
    return [plan.running for plan in plans if plan.running]
