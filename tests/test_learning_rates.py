import functools
import math
from types import SimpleNamespace

import pytest

from fashion_zoo import TrainingError
from fashion_zoo.experiments import page as pages
from fashion_zoo.machine import environment
from recipes.benchmark import find_lr
from recipes.benchmark.find_lr import best_of_grid, grouped, rates_table


def rows_of(*arms):
    return [
        {"recipe": "bn_mlp", "rule": rule, "rate": rate, "seed": seed, "validation": one}
        for rule, rate, *reached in arms
        for seed, one in enumerate(reached)
    ]


def test_the_table_compares_each_rule_with_the_best_of_the_grid():
    arms = [
        ("grid", 1e-3, 0.90, 0.91),
        ("grid", 2e-3, 0.91, 0.92),
        ("grid", 5e-3, 0.99, math.nan),
        ("default", 2e-3, 0.91, 0.92),
        ("steepest", 1e-4, 0.90, 0.92),
        ("valley", 2e-4, 0.91, 0.92),
        ("minimum", 0.1, math.nan, math.nan),
        ("slide", 0.05, 0.92, 0.93),
    ]
    rows = rows_of(*arms)
    rates = grouped(rows)["bn_mlp"]
    assert best_of_grid(rates) == ("grid", 2e-3)  # the one that diverged with a seed is not
    lines = rates_table(rows).splitlines()
    assert lines[2] == (
        "| `one_cycle` | `bn_mlp` | 0.002: 91.50 % (82.63 to 96.06) | 0.002: +0.00"
        " | 0.0001: -0.50 (-6.84 to +5.85) | 0.0002: +0.00 "
        "| 0.1: diverged with 2 of 2 seeds | 0.05: +1.00 |"
    )
    assert lines[4] == (
        "`slide`, which find_lr recommends, is not within a factor of 3 of the best of the grid "
        "for `bn_mlp`. Trained with it, accuracy is within 0.3 points of that of the best of the "
        "grid for `bn_mlp`."
    )
    other = rates_table(rows_of(*arms[:-1], ("slide", 0.00067, 0.90, 0.92)))
    assert "is within a factor of 3 of" in other
    assert "accuracy is not within 0.3 points of" in other


def test_the_learning_rate_benchmark_resumes_after_an_interruption(tmp_path, small, monkeypatch):
    monkeypatch.setattr(find_lr, "RECIPES", ("baseline_mlp",))
    monkeypatch.setattr(find_lr, "GRID", (1e-3, 1e6))
    page = tmp_path / "find_lr.md"
    page.write_text("<!-- results:begin -->\nold\n<!-- results:end -->\n")
    trained, swept = [], []

    def train(name, *, config, **options):
        trained.append((config.training.learning_rate, config.seed))
        if len(trained) == 2:
            raise KeyboardInterrupt
        if config.training.learning_rate > 1:
            raise TrainingError("diverged")
        return SimpleNamespace(training={"validation_accuracy": 0.8 + config.seed / 100})

    def sweep(name, *, config, **options):
        swept.append((name, config.data.limit))
        rates = {"steepest": 1e-4, "valley": 2e-4, "minimum": 3e-4, "slide": 0.0123}
        return SimpleNamespace(
            suggestions={rule: SimpleNamespace(rate=rate) for rule, rate in rates.items()}
        )

    monkeypatch.setattr(find_lr.fashion_zoo, "train", train)
    monkeypatch.setattr(find_lr.fashion_zoo, "find_lr", sweep)
    monkeypatch.setattr(environment, "commit", lambda: "a" * 40)
    options = {"seeds": 2, "folder": tmp_path / "kept", "progress": False, **small}
    run = functools.partial(find_lr.PROGRAM.run, page, **options)
    with pytest.raises(KeyboardInterrupt):
        run()
    table = run()
    assert trained[:3] == [(1e-3, 0), (1e-3, 1), (1e-3, 1)]
    assert len(trained) == len(set(trained)) + 1  # the default's 1e-3 is the grid's
    assert swept == [("baseline_mlp", 1000)]
    assert page.read_text() == f"<!-- results:begin -->\n{table}\n<!-- results:end -->\n"
    rows = pages.read_rows(page.with_suffix(".csv"))
    assert [(row["rule"], row["rate"]) for row in rows[2:4]] == 2 * [("grid", 1e6)]
    assert math.isnan(rows[2]["validation"])
    assert (rows[-1]["rule"], rows[-1]["rate"], rows[-1]["validation"]) == ("slide", 0.012, 0.81)
    assert len(rows) == 2 * (2 + 1 + 4)
