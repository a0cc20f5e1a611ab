"""Exports, inspections and the experiment of ensembles, and members of other kinds."""

from collections import Counter

import pytest
from ensembling import METHODS, SMALL

import fashion_zoo
from fashion_zoo import ConfigError, DataError
from fashion_zoo.data import load
from fashion_zoo.experiments import Measured
from recipes.experiments import ensembles

pytestmark = pytest.mark.slow


def test_an_export_of_an_ensemble_is_proved_as_that_of_any_run(ensembled, tmp_path):
    for name in METHODS:
        parity = fashion_zoo.export(ensembled / name, tmp_path / name)
        assert parity["same_class"] == 1.0
        assert parity["largest_probability_difference"] <= parity["tolerance"]


def test_members_of_16_bits_and_of_other_recipes_are_combined_and_exported(ensembled, tmp_path):
    small = {**SMALL, "model": {"hidden_units": (8, 8)}, "precision": "mixed_bfloat16"}
    other = fashion_zoo.train("l2_mlp", run_dir=tmp_path / "other", **small)
    run = fashion_zoo.ensemble([other, ensembled / "run-1"], to=tmp_path / "e", temperature=True)
    assert [row["recipe"] for row in run.ensemble["members"]] == ["l2_mlp", "bn_mlp"]
    parity = fashion_zoo.export(run, tmp_path / "x")
    assert parity["same_class"] == 1.0
    assert parity["trained"]["dtype"] == "bfloat16"
    with pytest.raises(ConfigError, match="one architecture and precision"):
        fashion_zoo.ensemble([other, ensembled / "run-1"], "soup", to=tmp_path / "s")


def test_runs_of_arrays_need_the_same_arrays_again(tmp_path):
    data, small = load(limit=400).train, {**SMALL, "data_settings": {"validation": 0.3}}
    del small["data"]
    runs = [
        fashion_zoo.train("bn_mlp", seed=seed, run_dir=tmp_path / f"{seed}", data=data, **small)
        for seed in range(2)
    ]
    with pytest.raises(ConfigError, match="arrays"):
        fashion_zoo.ensemble(runs, to=tmp_path / "e")
    with pytest.raises(DataError, match="trained on other images than these"):
        fashion_zoo.ensemble(runs, to=tmp_path / "e", data=(255 - data.images, data.labels))
    run = fashion_zoo.ensemble(runs, to=tmp_path / "e", data=data)
    assert 0 < fashion_zoo.evaluate(run, data=data)["accuracy"]["value"] < 1


def test_the_experiment_measures_each_method_of_a_group_of_seeds(tmp_path):
    tiny = {name: SMALL[name] for name in ("model", "training")}
    data, settings = load(limit=400), {"changes": tiny, "folder": tmp_path / "members"}
    rows = [
        {
            "arm": name,
            "seed": group,
            **ensembles.measure(ensembles.ARMS[name], group, data, **settings),
        }
        for group in range(2)
        for name in ensembles.ARMS
    ]
    runs = [file.parent for file in (tmp_path / "members").glob("*/*/training.json")]
    trainings = {"seeds": 5, "bagging": 5, "boosting": 5, "snapshots": 1}
    folders = Counter(run.parent.name for run in runs)
    assert len(folders) == 2 * len(trainings)
    assert {name.rsplit("-", 2)[0]: count for name, count in folders.items()} == {
        f"{name}-{group}": count for name, count in trainings.items() for group in range(2)
    }, "each ends in the digest of its config"
    epochs = [fashion_zoo.open_run(run).read_json("training.json")["epochs"] for run in runs]
    assert sorted(set(epochs)) == [1, 5]
    by_arm = {row["arm"]: row for row in rows}
    assert by_arm[ensembles.BEST]["used"] == 1
    assert by_arm["average"]["parameters"] == 5 * by_arm[ensembles.BEST]["parameters"]
    assert by_arm["snapshots"]["parameters"] == 5 * by_arm[ensembles.BEST]["parameters"]
    assert by_arm["boosting"]["milliseconds"] > 0 < by_arm["boosting"]["milliseconds_one"]
    for name in ("soup", "soup of snapshots"):
        assert by_arm[name]["parameters"] == by_arm[ensembles.BEST]["parameters"]
    machine = {"machine": "a CPU, 2 cores", "commit": "a" * 40}
    table = Measured(ensembles.EXPERIMENT, [{**row, **machine} for row in rows]).table()
    assert table.splitlines()[2].startswith(f"| {ensembles.BEST} | 1.0 | ")
    assert sum(line.startswith("|") for line in table.splitlines()) == 2 + len(ensembles.ARMS)


@pytest.mark.parametrize("name", METHODS)
def test_the_model_of_an_ensemble_is_what_is_inspected(ensembled, tmp_path, name):
    found = fashion_zoo.inspect(ensembled / name, to=tmp_path / "i", images=20)
    assert [epoch["epoch"] for epoch in found["epochs"]] == ["model.keras"]
