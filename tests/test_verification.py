"""A row of results is tested by new trainings: how often a verdict is wrong, and what it says."""

import json

import numpy as np
import pytest
from scipy import stats

import fashion_zoo
from fashion_zoo import ConfigError
from fashion_zoo.experiments import verification
from fashion_zoo.experiments.verification import (
    LEVEL,
    POWER,
    Verification,
    detectable,
    enough,
    p_value,
    power_of,
    verify,
)
from fashion_zoo.results import read_results
from recipes.verify import main

SPREAD = 0.0015  # of test accuracies over seeds: more than in all stored rows but the widest


def test_the_test_is_that_of_scipy():
    stated, measured = [0.91, 0.912, 0.909, 0.911], [0.913, 0.9145, 0.912]
    assert p_value(stated, measured) == pytest.approx(stats.ttest_ind(stated, measured).pvalue)
    assert p_value([0.9, 0.9], [0.9]) == 1
    assert p_value([0.9, 0.9], [0.91]) == 0
    assert p_value(5 * [0.88], [0.88]) == 1, "whatever the rounding of sums"


def simulated(inflated, seeds=5, spread=SPREAD, trainings=3):
    """Return how many of 1,000 rows of some seeds new trainings call inconsistent."""
    generator = np.random.default_rng(0)
    rows = generator.normal(0.9 + inflated, spread, (1000, seeds))
    new = generator.normal(0.9, spread, (1000, trainings))
    return sum(p_value(row, its) < LEVEL for row, its in zip(rows, new, strict=True))


def test_true_rows_are_seldom_called_inconsistent_and_inflated_ones_almost_always():
    assert 2 <= simulated(0.0) <= 20
    assert simulated(0.007) >= 900
    assert 2 <= simulated(0.0, seeds=3) <= 20
    assert simulated(0.009, seeds=3) >= 900


@pytest.mark.parametrize("name", read_results())
def test_true_rows_of_any_recipe_are_seldom_called_inconsistent_and_inflated_ones_mostly(name):
    stated = read_results()[name].values("test_accuracy")
    own = {"seeds": len(stated), "spread": np.std(stated, ddof=1), "trainings": enough(stated)}
    assert simulated(0.0, **own) <= 20
    assert simulated(0.007, **own) >= 900


def test_there_are_as_few_new_trainings_as_find_the_difference():
    row = np.linspace(-1, 1, 5) / np.linspace(-1, 1, 5).std(ddof=1)
    assert enough(0.9 + SPREAD * row) == 3
    wide = 0.9 + 0.0027 * row
    assert 3 < (needed := enough(wide)) < 20
    assert power_of(wide, needed, 0.007) >= POWER > power_of(wide, needed - 1, 0.007)
    assert enough(0.9 + 0.01 * row) == 20, "no number is enough"
    assert enough([0.9] * 5) == 3


@pytest.mark.parametrize(("stated", "seeds"), [(3, 1), (3, 3), (5, 3), (10, 2)])
def test_the_difference_that_is_found_is_the_one_that_simulations_find(stated, seeds):
    """The true spread is that of the row, and the means of the row and of the trainings differ."""
    row = np.linspace(-1, 1, stated)
    row = 0.9 + SPREAD * row / row.std(ddof=1)
    generator, difference = np.random.default_rng(stated * seeds), detectable(row, seeds)
    for wrong, chance in (
        (difference, POWER),
        (difference / 2, power_of(row, seeds, difference / 2)),
    ):
        rows = generator.normal(0.9 + wrong, SPREAD, (20_000, stated))
        new = generator.normal(0.9, SPREAD, (20_000, seeds))
        p = (
            stats.ttest_ind(rows, new, axis=1).pvalue
            if seeds > 1
            else np.array(
                [p_value(one, its) for one, its in zip(rows[:2000], new[:2000], strict=True)]
            )
        )
        assert (p < LEVEL).mean() == pytest.approx(chance, abs=0.02)
    assert power_of(row, seeds, 0.0) == pytest.approx(LEVEL)
    assert power_of(row, seeds, -difference) == pytest.approx(POWER, abs=1e-4)
    assert detectable([0.9] * stated, seeds) == 0
    assert [power_of([0.9] * stated, seeds, one) for one in (0.0, 0.01)] == [0, 1]


@pytest.fixture
def trained_to(monkeypatch):
    """Let trainings reach given test accuracies at once; return what was trained."""
    trained = []

    def reach(*accuracies):
        def train_once(entry, config, path, display, data):
            trained.append((path.name, config))
            return accuracies[len(trained) - 1]

        monkeypatch.setattr("fashion_zoo.training.session.train_once", train_once)
        monkeypatch.setattr(verification, "test_accuracy", lambda run: run.value)
        return trained

    return reach


class Reached(float):
    """A run of this test accuracy."""

    value = property(float)

    def result(self, word):
        return {"accuracy": {"value": float(self)}}


def test_new_trainings_have_other_seeds_and_the_precision_of_the_row(trained_to, tmp_path):
    row = read_results()["bn_mlp.quick"]
    mean = row.mean("test_accuracy")
    trained = trained_to(Reached(mean), Reached(mean + 1e-4))
    found = verify("bn_mlp.quick", seeds=2, folder=tmp_path)
    assert found.consistent
    assert found.stated == tuple(row.values("test_accuracy"))
    first = len(row.rows)
    names = [f"bn_mlp.quick-{first + number}" for number in range(2)]
    assert [name for name, _ in trained] == names
    assert {config.precision for _, config in trained} == {"mixed_bfloat16"}
    assert [config.seed for _, config in trained] == [first, first + 1]


def test_a_row_whose_seeds_differ_much_has_more_new_trainings(trained_to, tmp_path):
    row = read_results()["adaptive_dropout_mlp"]
    needed = enough(row.values("test_accuracy"))
    trained = trained_to(*[Reached(row.mean("test_accuracy"))] * needed)
    found = verify("adaptive_dropout_mlp", folder=tmp_path)
    assert len(trained) == len(found.measured) == needed > 3
    with pytest.raises(ConfigError, match="seeds must be"):
        verify("bn_mlp", seeds=0, folder=tmp_path)


def test_the_command_says_the_verdict_and_its_exit_code(trained_to, tmp_path, capsys):
    trained_to(*map(Reached, (0.88, 0.881, 0.882, 0.8812)))
    assert main(["bn_mlp.quick", "--seeds", "2", "--folder", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("bn_mlp.quick: inconsistent. New trainings reach 88.05 % on the test")
    assert "by Student's two-sided t-test, level 0.01." in printed
    options = ["--seeds", "2", "--folder", str(tmp_path), "--json"]
    assert main(["bn_mlp.quick", *options]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["consistent"] is False
    assert found["measured"] == [0.882, 0.8812]
    assert found["detectable"] == detectable(found["stated"], 2) > 0


def test_a_verdict_is_one_sentence_and_another_one_says_what_it_finds():
    found = Verification("bn_mlp", (0.9, 0.905, 0.91), (0.905,), 0.9)
    assert str(found) == (
        "bn_mlp: consistent. New trainings reach 90.50 % on the test images (1 seed), the table "
        "states 90.50 % (3 seeds): +0.00 points, p = 0.9 by Student's two-sided t-test, level "
        f"0.01. If trainings vary as those of the table do, a row that is wrong by "
        f"{100 * detectable(found.stated, 1):.2f} points is found in 90 % of cases."
    )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("bn_mpl", {}, "Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'"),
        ("bn_mlp", 1, "The row of bn_mlp has 1 seed; a test needs at least 3. Measure it with"),
        ("bn_mlp", 2, "The row of bn_mlp has 2 seeds; a test needs at least 3. Measure it with"),
        ("bn_mlp", {"config": "1-000"}, "The row of bn_mlp is of other settings than its defaults"),
        ("bn_mlp", None, "Unknown recipe with results 'bn_mlp'"),
    ],
)
def test_what_cannot_be_tested_is_answered_before_anything_is_trained(
    name, changes, message, monkeypatch
):
    rows = read_results()
    row = rows.pop("bn_mlp")
    if isinstance(changes, int):
        rows["bn_mlp"] = type(row)("bn_mlp", row.rows[:changes])
    elif changes is not None:
        rows["bn_mlp"] = type(row)("bn_mlp", [{**one, **changes} for one in row.rows])
    monkeypatch.setattr(verification, "read_results", lambda: rows)
    with pytest.raises(ConfigError, match=message):
        verify(name)


@pytest.mark.slow
def test_a_row_of_today_is_consistent(tmp_path):
    found = fashion_zoo.experiments.verify("bn_mlp.quick", seeds=2, folder=tmp_path)
    assert found.consistent
