import re

import pytest
from optuna.trial import TrialState
from searching import EPOCHS, KilledError, killer, outcome, score, search, space

from fashion_zoo.errors import StudyError
from fashion_zoo.tuning import Study, StudyOracle, study as studies


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A search that nothing interrupted, and how many writes it made."""
    wrap, writes = killer(-1, False)
    plans = search(f"sqlite:///{tmp_path_factory.mktemp('whole')}/study.db", wrap=wrap)
    return outcome(plans), writes


def test_the_first_trial_has_the_defaults_and_the_rest_are_suggested(whole):
    found, _ = whole
    assert [index for index, *_ in found] == list(range(6))
    assert found[0][1] == {"x": 1.5, "kind": "b", "use_rate": True, "rate": 0.1}
    assert len({str(params) for _, params, *_ in found}) == 6
    assert {state for *_, state, _ in found} == {"COMPLETE", "PRUNED"}


def test_the_score_is_that_of_the_last_epoch(whole):
    for _, params, state, value in whole[0]:
        last = score(params, EPOCHS - 1)
        assert (value == last) == (state == "COMPLETE")


def test_what_does_not_count_is_not_suggested(whole):
    for _, params, *_ in whole[0]:
        assert ("rate" in params) == params["use_rate"]


def test_a_search_that_is_over_stays_over(url):
    first = outcome(search(url))
    assert outcome(search(url)) == first


def test_more_trials_go_on_where_fewer_ended(url, whole):
    search(url, trials=4)
    assert outcome(search(url, trials=6)) == whole[0]


@pytest.mark.parametrize("after", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_a_write_changes_nothing(tmp_path, whole, part, after):
    found, writes = whole
    for at in range(part, len(writes), 16):
        url = f"sqlite:///{tmp_path}/{at}.db"
        with pytest.raises(KilledError):
            search(url, wrap=killer(at, after)[0])
        assert outcome(search(url)) == found, (at, writes[at])


def test_two_kills_of_one_trial_change_nothing(tmp_path, whole):
    found, writes = whole
    middle = writes.index("set_trial_state_values") - 1
    url = f"sqlite:///{tmp_path}/study.db"
    for _ in range(2):
        with pytest.raises(KilledError):
            search(url, wrap=killer(middle, True)[0])
    assert outcome(search(url)) == found


def test_a_trial_that_kills_every_worker_is_given_up(opened):
    for _ in range(3):
        worker = opened(attempts=3)
        assert worker.claim().index == 0
        worker.close()
    worker = opened(attempts=3)
    assert worker.claim().index == 1
    assert worker.plans()[0].deaths == 3


def test_a_dead_workers_trial_is_taken_over_at_once_with_its_parameters(opened):
    dead = opened()
    oracle = StudyOracle(dead)
    oracle.hyperparameters = space()
    mine = oracle.create_trial("me").hyperparameters.values
    dead.close()
    attempt = opened().claim()
    assert attempt.index == 0
    assert attempt.values == mine
    first, second = dead.plans()[0].attempts
    assert first.state == TrialState.FAIL
    assert second.user_attrs["retry_of"] == first.number


def test_a_silent_worker_loses_its_trial_after_the_lease(opened, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(studies.time, "monotonic", lambda: now[0])
    silent, other = opened(trials=1, lease=10), opened(trials=1, lease=10)
    attempt = silent.claim()
    assert other.claim() == "wait"
    now[0] = 8.0
    silent.note(attempt, "beat", 1)
    assert other.claim() == "wait"
    now[0] = 17.0
    assert other.claim() == "wait"
    now[0] = 18.5
    taken = other.claim()
    assert taken.index == attempt.index == 0
    # It continues, and nothing of it counts any more.
    assert not silent.note(attempt, "beat", 2)
    assert not silent.report(attempt, 1, 0.9)
    assert not silent.tell(attempt, [0.9])
    assert other.tell(taken, [0.5])
    assert other.plans()[0].outcome.value == 0.5
    assert silent.claim() == "done"


def test_workers_share_what_is_planned(opened):
    one, two = opened(trials=3), opened(trials=3)
    first, second, third = one.claim(), two.claim(), one.claim()
    assert [first.index, second.index, third.index] == [0, 1, 2]
    assert two.claim() == "wait"
    for worker, attempt in ((one, first), (two, second), (one, third)):
        assert worker.tell(attempt, [0.1])
    assert one.claim() == two.claim() == "done"


def test_of_two_attempts_at_one_trial_the_older_lives(opened, monkeypatch):
    """Two workers of a server both find trial 0 free; both create, and one withdraws."""
    one, two = opened(), opened()
    before = two.plans()
    assert one.claim().index == 0
    seen, real = [before], two.plans  # what the slower read before the faster wrote
    monkeypatch.setattr(two, "plans", lambda: seen.pop() if seen else real())
    assert two.claim() == "wait"
    monkeypatch.undo()
    assert [len(plan.attempts) for plan in two.plans()] == [1]
    assert two.claim().index == 1


def test_a_trial_that_is_given_back_is_no_death(opened):
    one = opened(attempts=1)
    oracle = StudyOracle(one)
    oracle.hyperparameters = space()
    values = oracle.create_trial("me").hyperparameters.values
    oracle.return_trials()
    attempt = opened(attempts=1).claim()
    assert (attempt.index, attempt.values) == (0, values)


def test_another_search_is_refused_with_the_differences(opened):
    opened(fingerprint={"recipe": "bn_mlp", "data": "abc"})
    message = "study.db is another search. data: 'abc', now 'xyz'; seed: None, now 1."
    with pytest.raises(StudyError, match=re.escape(message)):
        opened(fingerprint={"recipe": "bn_mlp", "data": "xyz", "seed": 1})


@pytest.mark.parametrize("url", ["nonsense", "mysq://a", "sqlite:////proc/none/study.db"])
def test_a_storage_that_cannot_be_opened_is_one_sentence(url):
    with pytest.raises(StudyError, match=r"^The storage '.*' cannot be opened: "):
        Study(url, "s", fingerprint={}, trials=1)


def test_a_password_is_not_shown():
    with pytest.raises(StudyError) as caught:
        Study("postgresql://zoo:secret@127.0.0.1:1/none", "s", fingerprint={}, trials=1)
    assert "postgresql://zoo:***@127.0.0.1:1/none" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_study_that_is_closed_or_refused_leaves_no_connection_open(url, monkeypatch):
    pools, real = [], studies.connect

    def connect(place):
        backend = real(place)
        pools.append(backend._backend.engine.pool)  # a disposed engine has another
        return backend

    monkeypatch.setattr(studies, "connect", connect)
    study = Study(url, "s", fingerprint={"a": 1}, trials=2)
    study.claim()
    assert pools[0].checkedin() + pools[0].checkedout() > 0
    study.close()
    with pytest.raises(StudyError, match="another search"):
        Study(url, "s", fingerprint={"a": 2}, trials=2)
    assert [pool.checkedin() + pool.checkedout() for pool in pools] == [0, 0]
