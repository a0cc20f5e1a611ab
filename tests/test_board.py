import dataclasses
import json
import shutil
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, DataError, list_recipes, read_results, recipe, runs, storage
from fashion_zoo.evaluation import mean_interval
from fashion_zoo.evaluation.statistics import FRACTION, standard_deviation
from fashion_zoo.results import write_results
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import repeating
from recipes.benchmark import accuracy, dropout, measuring
from recipes.benchmark.page import BEGIN, END, replace_table, results_table

README = Path(__file__).parent.parent / "README.md"


def test_the_readme_shows_exactly_the_results_file():
    text = README.read_text(encoding="utf-8")
    between = text.split(BEGIN)[1].split(END)[0]
    assert between == f"\n{results_table(list(read_results().values()))}\n"


def test_every_recipe_was_measured_with_the_defaults_it_has_now():
    results = read_results()
    assert sorted(results) == list_recipes()
    for name, result in results.items():
        config = json.dumps(dataclasses.asdict(recipe(name).config), sort_keys=True)
        assert result.config == storage.sha256(config.encode())[:12], name
        assert result.parameters == recipe(name).parameters
        assert result.seeds >= 3
        assert "+" not in result.commit


def test_the_summary_follows_from_the_single_seeds():
    for result in read_results().values():
        for part in ("validation", "test"):
            each = [float(value) for value in getattr(result, f"{part}_each").split()]
            assert len(each) == result.seeds
            assert getattr(result, f"{part}_mean") == pytest.approx(sum(each) / len(each))
            assert getattr(result, f"{part}_spread") == pytest.approx(standard_deviation(each))
            low, high = mean_interval(each, FRACTION)
            assert getattr(result, f"{part}_low") == pytest.approx(low)
            assert getattr(result, f"{part}_high") == pytest.approx(high)


def test_results_survive_their_file(tmp_path):
    results = list(read_results().values())
    write_results(results, tmp_path / "results.csv")
    assert list(read_results(tmp_path / "results.csv").values()) == results
    assert read_results(tmp_path / "missing.csv") == {}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is not a results file of this package"):
        read_results(tmp_path / "other.csv")


def test_a_page_without_marks_is_left_alone(tmp_path):
    (tmp_path / "page.md").write_text("text")
    with pytest.raises(DataError, match="has no place for the table"):
        replace_table(tmp_path / "page.md", "table")
    assert (tmp_path / "page.md").read_text() == "text"


def test_a_benchmark_that_cannot_end_well_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(accuracy, "measure_recipe", None)
    with pytest.raises(DataError, match="cannot be read: No such file or directory"):
        measuring.benchmark_accuracy(page=tmp_path / "missing.md")
    with pytest.raises(ConfigError, match="seeds must be at least 2, for an interval; received 1"):
        measuring.benchmark_accuracy(seeds=1)


@pytest.fixture
def quick(monkeypatch, small):
    """Make bn_mlp's defaults small for one test."""
    entry = recipe("bn_mlp")
    config = fashion_zoo.override(entry.config, small)
    monkeypatch.setattr(
        accuracy.registry, "recipe", lambda name: dataclasses.replace(entry, config=config)
    )
    return config


def measure(folder):
    return accuracy.measure_recipe("bn_mlp", 2, folder, TrainingDisplay(enabled=False))


@pytest.mark.slow
def test_the_benchmark_goes_on_where_it_was_broken_off(tmp_path, quick, monkeypatch):
    trained = []
    train = repeating.train_run

    def broken_off(entry, config, path, **keywords):
        trained.append(config.seed)
        if trained == [0, 1]:
            raise KeyboardInterrupt
        return train(entry, config, path, **keywords)

    monkeypatch.setattr(repeating, "train_run", broken_off)
    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path)
    result = measure(tmp_path)
    assert trained == [0, 1, 1]
    assert (result.recipe, result.seeds, result.epochs) == ("bn_mlp", 2, 2)
    run = runs.open_run(tmp_path / "bn_mlp-1")
    assert (
        float(result.test_each.split()[1]) == run.read_json("evaluation.json")["accuracy"]["value"]
    )
    assert measure(tmp_path) == result
    assert trained == [0, 1, 1]


def test_a_run_that_is_not_what_is_measured_is_run_again(trained, tmp_path):
    folder, config = tmp_path / "bn_mlp-0", trained.run.config
    shutil.copytree(trained.run.path, folder)
    assert repeating._same_run(folder, "bn_mlp", config)
    assert not repeating._same_run(folder, "baseline_mlp", config)
    assert not repeating._same_run(tmp_path / "missing", "bn_mlp", config)
    for file, path, value in (
        ("config.json", ("config", "training", "learning_rate"), 0.5),
        ("environment.json", ("commit",), "another"),
        ("environment.json", ("versions", "keras"), "another"),
    ):
        stored = (folder / file).read_text()
        content = entry = json.loads(stored)
        for key in path[:-1]:
            entry = entry[key]
        entry[path[-1]] = value
        (folder / file).write_text(json.dumps(content))
        assert not repeating._same_run(folder, "bn_mlp", config), file
        (folder / file).write_text(stored)


def test_the_dropout_table_compares_with_the_constant_that_validation_chose():
    arms = [
        dropout.Arm("constant 0", False, (0.90, 0.91), (0.99, 0.99), (0.20, 0.22)),
        dropout.Arm("constant 0.1", False, (0.91, 0.92), (0.90, 0.91), (0.10, 0.12)),
        dropout.Arm("adaptive_dropout_mlp", True, (0.95, 0.95), (0.91, 0.91), (0.05, 0.06)),
    ]
    assert dropout.best_constant(arms).dropout == "constant 0.1"  # its test accuracy has no say
    rows = dropout.dropout_table(arms).splitlines()
    assert rows[3].startswith("| constant 0.1 | 91.50 % (82.63 to 96.06) | 90.50 % (")
    assert rows[3].endswith("| it is the best |  |")
    assert rows[4].startswith("| `adaptive_dropout_mlp` | 95.00 % (95.00 to 95.00) |")
    # by hand: differences 0.01 and 0, mean 0.005, t(0.975, 1) = 12.706, half width 12.706 * 0.005
    assert "| +0.50 (-5.85 to +6.84) points | -0.055 (-0.119 to +0.009) |" in rows[4]
    assert "Mean over 2 seeds" in rows[6]


@pytest.mark.slow
def test_the_dropout_benchmark_writes_table_and_rows(tmp_path, small, monkeypatch):
    monkeypatch.setattr(dropout, "CONSTANT_RATES", (0.1,))
    adaptive = "AdaptiveDropout from 0.2"
    monkeypatch.setattr(dropout, "MOVING", {adaptive: dropout.MOVING[adaptive]})
    page = tmp_path / "dropout.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    small = {**small, "training": {**small["training"], "epochs": 1}}
    table = measuring.benchmark_dropout(seeds=2, folder=tmp_path / "runs", page=page, **small)
    assert page.read_text() == f"before\n{BEGIN}\n{table}\n{END}\nafter\n"
    rows = page.with_suffix(".csv").read_text().splitlines()
    assert rows[0] == "dropout,seed,validation_accuracy,test_accuracy,gap"
    assert len(rows) == 1 + 2 * (len(dropout.CONSTANT_RATES) + len(dropout.MOVING))
    run = runs.open_run(tmp_path / "runs" / "constant_0.1-1")
    assert (run.config.model.dropout, run.config.seed) == ((0.1,), 1)
    accuracy, gap = run.evaluation()["accuracy"]["value"], run.read_json("gap.json")
    (row,) = (row.split(",") for row in rows if row.startswith("constant 0.1,1"))
    assert float(row[3]) == accuracy
    assert float(row[4]) == gap["validation_loss"] - gap["training_loss"]
    history = run.history()  # one epoch: its validation loss is that of the final weights
    assert gap["validation_loss"] == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_a_row_of_another_precision_says_so():
    first, *others = read_results().values()
    rows = [
        dataclasses.replace(first, precision="float32"),
        *(dataclasses.replace(row, precision="float32") for row in others[:-1]),
        dataclasses.replace(others[-1], precision="mixed_bfloat16"),
    ]
    name = others[-1].recipe
    assert f"cores, float32, `{name}` mixed_bfloat16; Python" in results_table(rows)
    assert "cores, float32; Python" in results_table(rows[:-1])
