import math

import pytest

from recipes.benchmark import learning_rates, measuring
from recipes.benchmark.learning_rates import Reached, best_of_grid, learning_rates_table
from recipes.benchmark.page import BEGIN, END


def test_the_table_compares_each_rule_with_the_best_of_the_grid():
    def arm(rule, rate, *reached):
        return Reached("bn_mlp", "constant", rule, rate, reached)

    rows = [
        arm("grid", 1e-3, 0.90, 0.91),
        arm("grid", 2e-3, 0.91, 0.92),
        arm("grid", 5e-3, 0.99, math.nan),
        arm("default", 2e-3, 0.91, 0.92),
        arm("steepest", 1e-4, 0.90, 0.92),
        arm("valley", 2e-4, 0.91, 0.92),
        arm("minimum", 0.1, math.nan, math.nan),
        arm("slide", 0.05, 0.92, 0.93),
    ]
    assert best_of_grid(rows).rate == 2e-3  # the one that diverged with a seed is not
    lines = learning_rates_table(rows).splitlines()
    assert lines[2] == (
        "| `constant` | `bn_mlp` | 0.002: 91.50 % (82.63 to 96.06) | 0.002: +0.00 (+0.00 to +0.00) "
        "| 0.0001: -0.50 (-6.84 to +5.85) | 0.0002: +0.00 (+0.00 to +0.00) "
        "| 0.1: diverged with 2 of 2 seeds | 0.05: +1.00 (+1.00 to +1.00) |"
    )
    said = "`slide`, which find_lr recommends, is within 0.3 points of the best of the grid for "
    yet = "Not measured yet: `baseline_mlp`, `adaptive_dropout_mlp`, `l2_mlp`."
    assert lines[4] == f"{said}`bn_mlp`. {yet}"
    worse = [*rows[:-1], rows[-1]._replace(validation=(0.90, 0.92))]
    assert "is not within 0.3 points of" in learning_rates_table(worse)


@pytest.mark.slow
def test_the_learning_rate_benchmark_goes_on_where_it_was_broken_off(tmp_path, small, monkeypatch):
    monkeypatch.setattr(learning_rates, "SCHEDULES", ("one_cycle",))
    monkeypatch.setattr(learning_rates, "RECIPES", ("baseline_mlp",))
    monkeypatch.setattr(learning_rates, "GRID", (1e-3, 1e6))
    page = tmp_path / "find_lr.md"
    page.write_text(f"{BEGIN}\nold\n{END}\n")
    small = {**small, "training": {**small["training"], "epochs": 1}}
    trained, fit = [], learning_rates.fit

    def broken_off(model, config, *rest):
        trained.append((config.training.learning_rate, config.seed))
        if len(trained) == 2:
            raise KeyboardInterrupt
        fit(model, config, *rest)

    monkeypatch.setattr(learning_rates, "fit", broken_off)
    options = {"seeds": 2, "folder": tmp_path / "kept", "page": page, **small}
    with pytest.raises(KeyboardInterrupt):
        measuring.benchmark_find_lr(**options)
    table = measuring.benchmark_find_lr(**options)
    assert trained[:3] == [(1e-3, 0), (1e-3, 1), (1e-3, 1)]
    assert len(trained) == len(set(trained)) + 1  # the default's 1e-3 is the grid's
    assert page.read_text() == f"{BEGIN}\n{table}\n{END}\n"
    rows = page.with_suffix(".csv").read_text().splitlines()
    assert rows[0] == "recipe,schedule,rule,rate,validation,seed"
    assert rows[3].startswith("baseline_mlp,one_cycle,grid,1000000.0,")
    assert len(rows) == 1 + 2 * (2 + 1 + 4)
