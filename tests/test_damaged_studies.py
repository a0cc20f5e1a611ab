"""A damaged study is told of in a sentence, and nothing is written into it."""

import contextlib
import functools
import shutil
import sqlite3
import threading

import optuna
import pytest
from damage import cases
from hostile import within_a_second
from keras_tuner.engine.trial import TrialStatus
from searching import search, space

from fashion_zoo.errors import StudyError
from fashion_zoo.tuning import Study, StudyOracle, report_page, workers

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """The file of a search of four trials, of which one is given back."""
    file = tmp_path_factory.mktemp("intact") / "study.db"
    search(f"sqlite:///{file}", trials=3)
    study = reopened(file)
    oracle = StudyOracle(study)
    oracle.hyperparameters = space()
    oracle.create_trial("me")
    oracle.return_trials()
    study.close()
    return file


def reopened(file, **options):
    return Study(
        f"sqlite:///{file}", "arithmetic", fingerprint={"space": 1}, **{"trials": 5, **options}
    )


def go_on(file):
    """Open a study, read all of it, and run a trial."""
    study = reopened(file)
    try:
        oracle = StudyOracle(study)
        oracle.get_best_trials()
        oracle.hyperparameters = space()
        trial = oracle.create_trial("me")
        if trial.status == TrialStatus.RUNNING:
            oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5})
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
    finally:
        study.close()


def outcome(intact, folder, damage):
    """What opening a damaged copy said, and whether its file was left alone."""
    file = folder / "study.db"
    file.unlink(missing_ok=True)
    shutil.copy(intact, file)
    damage(file)
    before = file.read_bytes()
    said = ""
    try:
        reopened(file).close()
    except StudyError as error:
        said = str(error)
    if said:
        assert "study.db" in said
        assert "\n" not in said
        return said, file.read_bytes() == before
    with contextlib.suppress(StudyError):  # what no reader sees may stop a writer
        go_on(file)
    return "", True


def check(intact, folder, wanted):
    said = {}
    for name, damage in wanted:
        call = functools.partial(outcome, intact, folder, damage)
        said[name], left_alone = within_a_second(call, name)
        assert left_alone, name
    return said


def test_damaged_studies_are_sentences(intact, tmp_path):
    said = check(intact, tmp_path, cases(12))
    assert sum(map(bool, said.values())) > 4


def test_values_of_a_trial_that_is_gone_are_named(intact, tmp_path):
    def orphan(file):
        with contextlib.closing(sqlite3.connect(file)) as base, base:
            base.execute("INSERT INTO trial_params SELECT 99, 99, param_name, param_value,"
                         " distribution_json FROM trial_params LIMIT 1")  # fmt: skip

    said, left_alone = outcome(intact, tmp_path, orphan)
    assert "a row of trial_params refers to a row of trials that is missing" in said
    assert left_alone


@pytest.mark.parametrize(
    ("statements", "wrong"),
    [
        (
            "ALTER TABLE trial_values DROP COLUMN value_type",
            "the table trial_values lacks value_type",
        ),
        (
            "UPDATE trials SET study_id = NULL; DELETE FROM study_directions;"
            "DELETE FROM study_user_attributes; DELETE FROM study_system_attributes;"
            "DELETE FROM studies",
            "it has trials of no study",
        ),
    ],
)
def test_tables_that_lost_what_a_study_needs_are_named(intact, tmp_path, statements, wrong):
    def damage(file):
        with contextlib.closing(sqlite3.connect(file)) as base, base:
            base.executescript(statements)

    said, left_alone = outcome(intact, tmp_path, damage)
    assert wrong in said
    assert left_alone


@pytest.mark.slow
def test_three_hundred_damaged_studies_are_sentences(intact, tmp_path):
    said = check(intact, tmp_path, cases(300))
    assert len(said) == 300
    assert sum(map(bool, said.values())) > 150
    for name in (
        "directions",
        "a second direction",
        "no fingerprint",
        "no text",
        "another program's",
    ):
        assert said[name], name
    assert not said["a foreign trial"]


@pytest.mark.slow
def test_a_study_that_optunas_own_tools_have_touched_goes_on(intact, tmp_path):
    file = tmp_path / "study.db"
    shutil.copy(intact, file)
    touched = optuna.load_study(study_name="arithmetic", storage=f"sqlite:///{file}")
    touched.enqueue_trial({"x": 1.0})
    touched.set_user_attr("note", "promising")
    touched._storage.set_study_system_attr(touched._study_id, "dashboard:note_ver:0", 1)
    touched.tell(touched.ask(), 0.99)
    touched._storage.remove_session()
    go_on(file)
    study = reopened(file)
    assert [plan.index for plan in study.plans()] == [0, 1, 2, 3]
    assert "0.99" not in report_page(study, study.plans(), [])
    study.close()


@pytest.mark.parametrize("name", [None, ""])
def test_a_study_without_a_name_is_refused(name):
    with pytest.raises(StudyError, match="A study needs a name"):
        Study("sqlite:///:memory:", name, fingerprint={}, trials=1)


def test_a_file_that_another_program_holds_is_said(intact, tmp_path, monkeypatch, capsys):
    file = tmp_path / "study.db"
    shutil.copy(intact, file)
    monkeypatch.setattr(workers, "SILENT", 0.05)
    other = sqlite3.connect(file, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    said, real = threading.Event(), workers.streams.say
    monkeypatch.setattr(workers.streams, "say", lambda line: (real(line), said.set()))
    free = threading.Thread(target=lambda: (said.wait(30), other.rollback()))
    free.start()
    go_on(file)
    free.join()
    other.close()
    assert f"Waiting: file://{file}" in (err := capsys.readouterr().err) or str(file) in err
    assert err.count("Waiting:") == 1


def test_a_file_that_stays_locked_is_an_error_in_the_end(intact, tmp_path, monkeypatch):
    file = tmp_path / "study.db"
    shutil.copy(intact, file)
    monkeypatch.setattr(workers, "SILENT", 0.05)
    monkeypatch.setattr(workers, "PATIENCE", 0.1)
    other = sqlite3.connect(file)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StudyError, match=r"study.db.*locked"):
        reopened(file)
    other.close()


def test_a_worker_that_stops_in_the_middle_of_a_write_is_said(
    intact, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "study.db"
    shutil.copy(intact, file)
    monkeypatch.setattr(workers, "SILENT", 0.05)
    one, two = reopened(file), reopened(file)
    released = threading.Event()
    monkeypatch.setattr(workers.streams, "say", lambda line: (print(line), released.set()))

    def hold():
        with one._workers.lock():
            holding.set()
            released.wait(30)

    holding = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(30)
    two.claim()
    thread.join()
    one.close()
    two.close()
    assert "Waiting: another worker is writing to" in capsys.readouterr().out
