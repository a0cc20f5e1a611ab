"""What the environment of a process says: the cores of its job, and what other tools left in it."""

import os
import signal
import sys

import joblib
import keras_tuner
import pytest
from keras_tuner.src.distribute import utils as distribution

from fashion_zoo import ConfigError
from fashion_zoo.machine import environment
from fashion_zoo.tuning import StudyOracle, StudyTuner
from recipes import _workers, tune


@pytest.fixture
def own_threads(monkeypatch):
    for name in _workers.THREADS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("cores", "workers", "share"), [(64, 4, "16"), (2, 4, "1"), (7, 2, "3")])
def test_workers_share_the_cores_of_the_job(own_threads, monkeypatch, cores, workers, share):
    monkeypatch.setattr(joblib, "cpu_count", lambda: cores)
    assert _workers.share_of_cores(workers) == dict.fromkeys(_workers.THREADS, share)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process")
def test_the_cores_of_a_job_are_those_that_it_is_bound_to(own_threads):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert set(_workers.share_of_cores(1).values()) == {"1"}
    finally:
        os.sched_setaffinity(0, before)


def test_a_users_own_threads_win(own_threads, monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    assert _workers.share_of_cores(2) == {"OMP_NUM_THREADS": "4", "NPROC": "4"}


def test_sigterm_ends_the_workers_too(monkeypatch):
    class Listening:
        said = ""

        def write(self, text):
            Listening.said += text
            if text.endswith("up\n") and Listening.said.count("up\n") == 2:
                signal.raise_signal(signal.SIGTERM)

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stderr", Listening())
    before = signal.getsignal(signal.SIGTERM)
    # One write: where Python does not buffer, print makes two, and two workers' may be mixed.
    setup = "import sys, time; sys.stderr.write('up\\n')"
    with pytest.raises(KeyboardInterrupt):
        _workers.run_together(["timeit", "-n1", "-r1", "-s", setup, "time.sleep(600)"], 2)
    assert signal.getsignal(signal.SIGTERM) == before


def test_workers_that_fail_end_the_command_and_the_same_error_is_said_once(capsys):
    with pytest.raises(SystemExit) as ended:
        _workers.run_together(["timeit", "-n1", "-r1", "raise SystemExit(7)"], 2)
    assert ended.value.code == 1  # of timeit
    assert capsys.readouterr().err.endswith("\n2 of 2 workers failed.\n")
    assert tune.main(["bn_mlp", "--workers", "3", "--trials", "0"]) == ConfigError.exit_code
    assert capsys.readouterr().err.count("trials must be a whole number of at least 1") == 1


class Model(keras_tuner.HyperModel):
    """A hypermodel that is never built."""

    def config(self, hp):
        hp.Float("x", 0.0, 1.0)


def test_another_tools_chief_is_not_waited_for(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker1")
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "9")
    searched, said = [], []
    monkeypatch.setattr(
        keras_tuner.Tuner, "search", lambda self: searched.append(distribution.has_chief_oracle())
    )
    oracle = StudyOracle(opened())
    tuner = StudyTuner(oracle, Model(), str(tmp_path))  # KerasTuner's own asks the chief here
    assert tuner.oracle is oracle
    tuner.display.say = said.append
    tuner.search()
    assert searched == [False]
    assert said == [
        "Ignored environment variables: KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP, "
        "KERASTUNER_ORACLE_PORT. A study needs no chief."
    ]
    assert os.environ["KERASTUNER_ORACLE_IP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("flags", "sets"),
    [("avx avx2 avx512f amx_bf16", " (AVX2, AVX-512, AMX BF16)"), ("sse4a", "")],
)
def test_a_row_names_the_instruction_sets_of_the_cpu(monkeypatch, flags, sets):
    said = f"model name : AMD EPYC\nflags : fpu {flags}\n"
    monkeypatch.setattr(environment, "cpu_information", lambda: said)
    machine = environment.place(environment.describe())["machine"]
    assert machine.startswith(f"AMD EPYC{sets}, ")


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_row_names_the_versions_of_keras_and_of_its_backend(backend):
    known = {
        "versions": {"python": "3.11", "keras": "3.15", "tensorflow": "2.21", "jax": "0.10"},
        "backend": backend, "device": "CPU", "cores": 2, "commit": None,
    }  # fmt: skip
    version = known["versions"][backend]
    assert environment.place(known) == {
        "machine": f"CPU, 2 cores, Python 3.11, Keras 3.15, {backend} {version}", "commit": "",
    }  # fmt: skip
