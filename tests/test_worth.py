"""The table of what each augmentation is worth."""

import csv

import pytest

import fashion_zoo
from fashion_zoo import runs
from fashion_zoo.augment.policies import OPERATIONS, parse
from recipes.benchmark import augmentation, measuring
from recipes.benchmark.augmentation import Trial, augmentation_table, trials
from recipes.benchmark.page import MARKS


def test_every_operation_has_its_rows_and_every_policy_can_be_read():
    rows = trials()
    operations = [parse(operation)[0].name for operation, policy in rows if operation == policy]
    assert operations == list(OPERATIONS)
    inside = {operation.name for operation in parse("standard")}
    on_top = [parse(policy)[-1].name for operation, policy in rows if operation not in ("", policy)]
    assert on_top == [name for name in OPERATIONS if name not in inside]
    for _, policy in rows:
        parse(policy)


def test_differences_are_paired_by_seed():
    rows = [
        Trial("", "none", (0.90, 0.92), (0.5, 0.5)),
        Trial("flip", "flip", (0.91, 0.92), (0.5, 0.5)),
        Trial("noise", "noise", (0.90, 0.91), (0.5, 0.5)),
        Trial("", "standard", (0.92, 0.92), (0.5, 0.5)),
        Trial("noise", "standard | noise", (0.93, 0.93), (0.5, 0.5)),
    ]
    lines = augmentation_table(rows).splitlines()
    # by hand: mean 0.5, t(0.975, 1) = 12.706, half width 12.706 * 0.5
    assert lines[2] == "| `none` | 91.00 % (68.18 to 97.95) | | |"
    assert lines[3] == "| `standard` | 92.00 % (92.00 to 92.00) | | |"
    assert lines[4].endswith("| +0.50 (-5.85 to +6.84) | part of it |")
    assert lines[5].endswith("| -0.50 (-6.84 to +5.85) | +1.00 (+1.00 to +1.00) |")
    assert "10 epochs, batches of 512. Mean over 2 seeds" in lines[7]


@pytest.mark.slow
def test_the_benchmark_writes_table_and_rows(tmp_path, small, monkeypatch):
    some = [("", "none"), ("flip", "flip"), ("", "standard"), ("noise", "standard | noise")]
    monkeypatch.setattr(augmentation, "trials", lambda: some)
    page = tmp_path / "augmentation.md"
    begin, end = (mark.format("worth") for mark in MARKS)
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    small = {**small, "training": {**small["training"], "epochs": 1}}
    table = measuring.benchmark_augmentation(seeds=2, folder=tmp_path / "runs", page=page, **small)
    assert page.read_text() == f"before\n{begin}\n{table}\n{end}\nafter\n"
    with page.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["operation"], row["policy"]) for row in rows[::2]] == some
    run = runs.open_run(tmp_path / "runs" / "standard___noise-1")
    assert (run.config.training.augmentation, run.config.seed) == ("standard | noise", 1)
    assert run.config.training.batch_size == 100
    validation = run.read_json("training.json")["validation_accuracy"]
    assert float(rows[-1]["validation_accuracy"]) == validation
    assert float(rows[-1]["test_accuracy"]) == run.evaluation()["accuracy"]["value"]
    with pytest.raises(fashion_zoo.ConfigError, match="seeds must be at least 2"):
        measuring.benchmark_augmentation(seeds=1, page=page)
