"""Timing in interleaved slices, by the clock of a machine that stalls; no time passes."""

import itertools
import random
from types import SimpleNamespace

import pytest

from recipes.benchmark import contenders, slices
from recipes.benchmark.slices import NEAR, TRIES, Monitor, Slice, interleave, quartiles, ratios


class Machine:
    """A machine whose clock is in milliseconds; in a stall everything takes four times as long."""

    def __init__(self, *stalls):
        self.now, self.order = 0, []
        self.busy = set(itertools.chain.from_iterable(range(*stall) for stall in stalls))

    def work(self, milliseconds, name=""):
        start = self.now
        for _ in range(milliseconds):
            self.now += 4 if self.now in self.busy else 1
        self.order.append(name)
        return self.now - start

    def interleave(self, rounds, **contenders):
        works = {
            name: lambda name=name, each=each: self.work(each, name)
            for name, each in contenders.items()
        }
        return interleave(works, rounds, lambda: self.work(10))


def test_each_round_has_a_slice_of_each_in_alternating_order():
    machine = Machine()
    done = machine.interleave(3, a=100, b=250)
    assert [name for name in machine.order if name] == ["a", "b", "b", "a", "a", "b"]
    assert done == {"a": [Slice(100, 0, False)] * 3, "b": [Slice(250, 0, False)] * 3}


def test_a_slice_beside_a_stall_is_repeated_and_waits_until_the_machine_is_quiet():
    begin = slices.PAUSES * 10 + 10 + 100 - 5  # the end of the first slice of a, and what follows
    machine = Machine((begin, begin + 200))
    done = machine.interleave(2, a=100, b=250)
    assert done["a"] == [Slice(100, 1, False), Slice(100, 0, False)]
    assert done["b"] == [Slice(250, 0, False)] * 2


def test_short_stalls_that_no_reference_loop_meets_do_not_move_the_quartiles():
    machine = Machine(*((start, start + 90) for start in range(1000, 60_000, 1203)))
    done = machine.interleave(40, a=100, b=250)
    found = ratios(done["b"], done["a"])
    assert max(found) > 2.5 * (1 + NEAR)  # some are spoiled
    assert min(found) < 2.5 * (1 - NEAR)
    low, middle, high = quartiles(found)
    assert middle == 2.5
    assert middle * (1 - NEAR) < low <= high < middle * (1 + NEAR)


def test_bursts_of_a_second_for_half_of_the_time_do_not_move_the_quartiles():
    draw, stalls, now = random.Random(0), [], 0
    while now < 200_000:
        begin = now + round(draw.expovariate(1 / 1000))
        now = begin + round(draw.expovariate(1 / 1000))
        stalls.append((begin, now))
    done = Machine(*stalls).interleave(40, a=100, b=250)
    found = ratios(done["b"], done["a"])
    low, middle, high = quartiles(found)
    assert 2.5 * (1 - NEAR) < low <= middle <= high < 2.5 * (1 + NEAR)
    assert sum(one.repeated for each in done.values() for one in each) > 0


def test_a_machine_that_is_slower_for_good_stalls_only_for_a_while():
    machine = Machine((30_000, 300_000))
    done = machine.interleave(120, a=100, b=250)
    assert done["a"][0].seconds == 100
    assert done["a"][-1] == Slice(400, 0, False)
    assert sum(one.stalled for each in done.values() for one in each) <= 1
    assert quartiles(ratios(done["b"], done["a"])) == [2.5, 2.5, 2.5]


def test_a_slice_counts_at_last_on_a_machine_that_never_is_quiet():
    seconds = iter([1.0] * slices.PAUSES + [1.0 + number for number in range(1000)])
    tried = []
    monitor = Monitor(lambda: next(seconds))
    assert monitor.time(lambda: tried.append(1) or 7.0) == Slice(7.0, TRIES - 1, True)
    assert len(tried) == TRIES


def test_the_reference_loop_is_of_numpy_on_every_core():
    assert 0 < slices.make_reference()() < 10


@pytest.fixture
def training(monkeypatch):
    """A training of 16 steps per epoch, its requests and answers; its clock moves by hand."""
    answers, requests = [], []

    def recv():
        if not requests:
            raise EOFError
        requests.pop()

    def send(answer):
        answers.append((answer["seconds"], [*answer["losses"]]))

    pipe = SimpleNamespace(send=send, recv=recv)
    sliced = contenders.Sliced(SimpleNamespace(steps=16), pipe)
    monkeypatch.setattr(contenders.time, "perf_counter", lambda: sliced.now)
    sliced.now, sliced.answers, sliced.requests = 0, answers, requests
    return sliced


def epoch(sliced, steps, loss):
    sliced.on_epoch_begin(0)
    for count in steps:
        sliced.now += 6 * count
        sliced.step(count)
    sliced.now += 1000  # validation
    sliced.on_epoch_end(0, {"loss": loss})


@pytest.mark.parametrize("execution", [1, 2])
def test_a_training_answers_each_slice_and_validation_is_in_none(training, execution):
    steps = [execution] * (16 // execution)
    training.requests.extend([None] * 10)
    epoch(training, steps, 0.9)
    assert training.answers == []  # to warm up
    epoch(training, steps, 0.8)
    assert training.answers == [(6, [0.9])] * 7  # the eighth is answered after validation
    with pytest.raises(EOFError):  # nobody asks for the eleventh
        epoch(training, steps, 0.7)
    assert training.answers == [(6, [0.9])] * 7 + [(6, [0.9, 0.8])] * 3


def test_the_steps_that_fit_executes_are_counted_without_a_batch_callback(training):
    training.set_model(
        SimpleNamespace(train_function=lambda iterator: [iterator], steps_per_execution=2)
    )
    training.on_train_begin()
    training.on_epoch_begin(0)
    assert training.model.train_function("x") == ["x"]
    assert training.done == 2
