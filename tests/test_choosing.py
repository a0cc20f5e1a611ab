"""An experiment that chooses: candidates, validation alone, a seed is enough."""

import statistics
import types

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, experiments
from fashion_zoo.experiments import Measured, choosing, page
from recipes.experiments import accuracy, tiny

ENVIRONMENT = {
    "versions": {"python": "3.11.7", "keras": "3.15.1", "tensorflow": "2.21.0"},
    "backend": "tensorflow", "device": "a CPU", "cores": 2, "commit": "a" * 40,
}  # fmt: skip
PLACE = {"machine": "a CPU, 2 cores", "commit": "a" * 40}


@pytest.fixture
def untested(monkeypatch):
    """Every training ends at once, and evaluating one on the test images fails."""

    def train_once(entry, config, path, display, data):
        wide = len(config.model.hidden_units)
        accuracy = 0.8 + 0.02 * wide + 0.01 * config.seed
        training = {
            "validation_accuracy": accuracy, "validation_loss": 0.25 * wide, "seconds": 2.0,
        }  # fmt: skip
        files = {"training.json": training, "environment.json": ENVIRONMENT}
        return types.SimpleNamespace(read_json=files.__getitem__)

    monkeypatch.setattr("fashion_zoo.training.session.train_once", train_once)
    monkeypatch.setattr("fashion_zoo.machine.devices.gc.collect", lambda: None)
    monkeypatch.setattr("fashion_zoo.evaluation.evaluate_run", None)


def candidates(**options):
    changes = {"four": {}, "one": {"model": {"hidden_units": (8,)}}}
    return choosing("depth", "How deep?", changes, settings={}, note="Of bn_mlp.", **options)


def test_candidates_are_compared_on_the_validation_images_alone(tmp_path, untested):
    table = experiments.run(candidates(), folder=tmp_path, progress=False)
    assert table == (
        "| candidate | validation accuracy | points against the first | validation loss "
        "| seconds, median |\n| --- | --- | --- | ---: | ---: |\n"
        "| four | 88.00 % | | 1.0000 | 2 |\n"
        "| one | 82.00 % | -6.00 | 0.2500 | 2 |\n\n"
        "Of bn_mlp. 1 seed each. a CPU, 2 cores, Python 3.11.7, Keras 3.15.1, tensorflow 2.21.0, "
        "commit aaaaaaaaaaaa. `fashion_zoo.experiments.run(EXPERIMENT, seeds=1)` reproduces the "
        "table."
    )
    header = (tmp_path / "depth.csv").read_text().splitlines()[0]
    assert (
        header == "arm,seed,validation_accuracy,validation_loss,seconds,took,machine,commit,config"
    )


def test_those_that_are_close_are_measured_again_with_more_seeds(tmp_path, untested):
    experiments.run(candidates(), folder=tmp_path, progress=False)
    table = experiments.run(candidates(), folder=tmp_path, progress=False, only="one", seeds=2)
    assert "| four | 88.00 % | |" in table
    assert "| one | 82.50 % (" in table
    assert "Of bn_mlp. Mean over 1 seed, `one` 2 seeds, several with its 95 % interval" in table
    table = experiments.run(candidates(), folder=tmp_path, progress=False, seeds=2)
    assert "Of bn_mlp. Mean over 2 seeds with its 95 % interval" in table


def test_a_choice_needs_a_seed_and_any_other_experiment_two(tmp_path):
    with pytest.raises(ConfigError, match="seeds must be at least 1; received 0"):
        experiments.run(candidates(), folder=tmp_path, seeds=0)


def test_a_choice_has_no_metric_of_the_test_images():
    assert experiments.test_accuracy not in candidates().measures()
    assert candidates().chooses


def test_arms_that_share_a_fact_name_it_once():
    texts = {"a": "3 seeds", "b": "5 seeds", "c": "3 seeds", "d": "5 seeds"}
    assert page.common(texts) == "3 seeds, `b` and `d` 5 seeds"


def test_the_page_of_candidates_says_what_the_chosen_recipe_reaches_without_what_chose_it():
    whole = Measured(accuracy.EXPERIMENT, page.read_rows(accuracy.EXPERIMENT.file))

    def said(name, *candidates):
        rows = [{"arm": arm, "seed": seed, **PLACE} for arm, seed in candidates]
        validation, known = accuracy.VALIDATION, Measured(tiny.EXPERIMENT, rows)
        return accuracy.choices.said(name, whole, validation, known)

    best, others = list(tiny.EXPERIMENT.all_arms())[-1].name, "Without this seed it reaches "
    row = fashion_zoo.read_results()["bn_mlp.tiny"]
    rest = statistics.fmean(row.values("validation_accuracy")[1:])
    text = said("bn_mlp.tiny", (best, 0))
    assert f" Its settings are those of `{best}`. Its training with seed 0 is the one that" in text
    assert f"{others}{100 * rest:.2f} ± " in text
    assert text.endswith(f" with {len(row.rows) - 1} seeds.")
    assert said("bn_mlp.tiny", (best, 99)).endswith(f" Its settings are those of `{best}`.")
    every = [(best, seed) for seed in row.values("seed")]
    assert said("bn_mlp.tiny", *every).endswith("is the one that chose them.")
    text = said("bn_mlp.quick", (best, 0))
    assert text.endswith(". No row of the table above has all its settings.")
    seconds = fashion_zoo.read_results()["bn_mlp.quick"].values("seconds")
    assert f" took {min(seconds):.0f} to {max(seconds):.0f} seconds, median " in text
