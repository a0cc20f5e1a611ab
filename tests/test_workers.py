"""Workers that are killed and stopped, as processes. Slow."""

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from postgres import server
from searching import KilledError, killer, outcome, search

from fashion_zoo.tuning import Study

pytestmark = pytest.mark.slow
LEASE = 3.0


def start(number, *words):
    """Start workers together, and let them go when all are ready."""
    program = str(Path(__file__).with_name("searching.py"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [
        subprocess.Popen([sys.executable, program, *map(str, words)], **pipes)
        for _ in range(number)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return workers


def done(process):
    """The trials that a worker has finished when it has ended."""
    said, _ = process.communicate(timeout=120)
    return [int(line) for line in said.splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    wrap, writes = killer(-1, False)
    plans = search(f"sqlite:///{tmp_path_factory.mktemp('whole')}/study.db", wrap=wrap)
    return outcome(plans), len(writes)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("part", range(2))
def test_a_kill_at_every_write_changes_nothing(tmp_path, whole, part, after):
    found, writes = whole
    for at in range(part, writes, 2):
        url = f"sqlite:///{tmp_path}/{at}.db"
        with pytest.raises(KilledError):
            search(url, wrap=killer(at, after)[0])
        assert outcome(search(url)) == found, at


def test_twenty_kills_of_one_worker_change_nothing(tmp_path, whole):
    url, moments = f"sqlite:///{tmp_path}/study.db", random.Random(0)
    for _ in range(20):
        (worker,) = start(1, url, 6, 1.0, 60, "asha")
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(moments.uniform(0.1, 1.0))
        worker.kill()
        worker.communicate()
    (last,) = start(1, url, 6, 0.1, 60, "asha")
    done(last)
    assert last.returncode == 0
    plans = plans_of(url, 6)
    assert outcome(plans) == whole[0]
    assert sum(len(plan.attempts) for plan in plans) > 6


def plans_of(url, trials):
    study = Study(url, "arithmetic", fingerprint={"space": 1}, trials=trials)
    try:
        return study.plans()
    finally:
        study.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/study.db"
        return
    with server() as found:
        yield found


def test_four_workers_finish_each_trial_once_whatever_happens_to_them(url):
    """Two are killed; one is paused for longer than its lease, and continues."""
    workers = start(4, url, 40, 1.0, LEASE, "none")
    for worker in workers[:3]:
        worker.stdout.readline()  # it has finished one trial, and begins the next
    time.sleep(0.5)
    for worker in workers[:2]:
        worker.kill()
    workers[2].send_signal(signal.SIGSTOP)
    time.sleep(3 * LEASE)
    workers[2].send_signal(signal.SIGCONT)
    finished = [done(worker) for worker in workers]
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL] * 2 + [0, 0]
    plans = plans_of(url, 40)
    assert [plan.index for plan in plans] == list(range(40))
    for plan in plans:
        states = [one.state.name for one in plan.attempts]
        assert states.count("COMPLETE") == 1, states
        assert set(states) <= {"COMPLETE", "FAIL"}
        whole = [one.params for one in plan.attempts if "asked" in one.user_attrs]
        assert all(params == whole[0] for params in whole)
    assert 41 <= sum(len(plan.attempts) for plan in plans) <= 43
    assert all(finished[2:])


def test_a_write_waits_for_a_worker_that_was_stopped_in_its_own(tmp_path):
    study = Study(f"sqlite:///{tmp_path}/study.db", "s", fingerprint={}, trials=1)
    attempt = study.claim()
    stopped = sqlite3.connect(tmp_path / "study.db", check_same_thread=False)
    stopped.execute("begin immediate")
    goes_on = threading.Timer(7, stopped.rollback)  # SQLite itself would wait for five seconds
    goes_on.start()
    assert study.report(attempt, 1, 0.5)
    assert not goes_on.is_alive()
    study.close()


def test_workers_that_begin_together_make_one_study(url):
    workers = start(4, url, 8, 0.1, 60, "none")
    finished = [trial for worker in workers for trial in done(worker)]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert sorted(finished) == list(range(8))
