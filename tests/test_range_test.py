"""The experiment on range tests: what is swept, what is the best of the grid, what is compared."""

import math
from types import SimpleNamespace

import pytest
from arms import measured

import fashion_zoo
from fashion_zoo.data import load
from fashion_zoo.results import DIVERGED
from fashion_zoo.training import lr_finder
from recipes.experiments import range_test


def test_no_two_seeds_share_a_sweep_and_a_rate_has_two_digits(monkeypatch):
    swept = []

    def sweep(name, *, seed, seeds, **options):
        swept.append(range(seed, seed + seeds))
        return SimpleNamespace(suggestions={"slide": SimpleNamespace(rate=0.012345)})

    monkeypatch.setattr(fashion_zoo, "find_lr", sweep)
    data = load(limit=100)
    found = [range_test.suggestions("bn_mlp", seed, data) for seed in (0, 1, 2, 0)]
    assert found == 4 * [{"slide": 0.012}]
    assert len(swept) == 3  # a seed is swept once for all rules
    assert len({one for seeds in swept for one in seeds}) == 9


def test_the_rule_that_is_tested_is_the_one_that_find_lr_recommends():
    assert range_test.RECOMMENDED == lr_finder.RECOMMENDED


def rows_of(arm):
    """Two seeds of an arm: the accuracy rises with the rate."""
    word = arm.name.split(", ")[1]
    rate = float(word) if word[0].isdigit() else 0.006
    own = {"learning_rate": rate, "log10_of_the_rate": math.log10(rate), "seconds": 1.0}
    return [{"validation_accuracy": 0.8 + rate, "test_accuracy": 0.8 + rate / 2, **own}] * 2


def test_the_best_of_the_grid_is_one_that_no_seed_lost_and_rates_are_compared_by_their_ratio():
    arms = {arm.name: rows_of(arm) for arm in range_test.EXPERIMENT.all_arms()}
    arms["bn_mlp, 0.05"] = [{**arms["bn_mlp, 0.05"][0]}, {DIVERGED: 1}]
    found = measured(range_test.EXPERIMENT, arms)
    assert range_test.best_of("baseline_mlp")(found) == "baseline_mlp, 0.05"
    assert range_test.best_of("bn_mlp")(found) == "bn_mlp, 0.02"
    line = next(one for one in found.text().splitlines() if "`bn_mlp` | slide" in one)
    assert "| 0.006 | 0.3 |" in line
    words = [one.word for one in found.verdicts()]
    assert words[1] == "these seeds cannot tell"  # 0.52 powers of ten, with both seeds
    assert found.verdicts()[1].difference == pytest.approx(math.log10(0.3))
