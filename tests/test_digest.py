"""The digest of a config, and what else must not notice a new field that changes nothing."""

import dataclasses
import json
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import MLPConfig, RunConfig, recipe, runs
from fashion_zoo.config import digest
from fashion_zoo.errors import StudyError
from fashion_zoo.models.conv_start import ConvStartConfig
from fashion_zoo.training import recorder

STORED = Path(__file__).parent / "data" / "defaults.json"


def test_no_default_that_exists_was_changed():
    """Digests are of what differs from the defaults, so a changed one would give them a new sense.

    A new field is added to the stored text; a changed default raises ``digest.FORMAT`` as well,
    unless ``digested()`` of the config keeps the old sense of digests.
    """
    config = RunConfig(model=MLPConfig())
    now = {"format": digest.FORMAT, "MLPConfig": config.model, "RunConfig": config}
    now["ConvStartConfig"] = ConvStartConfig()
    now = {name: one if name == "format" else runs.as_stored(one) for name, one in now.items()}
    del now["RunConfig"]["model"]
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert now == stored, (
        "A default of a config is another than in tests/data/defaults.json. A new field: add it "
        "there. A changed default: raise FORMAT in fashion_zoo/config/digest.py, write the new one "
        "there, and write results.csv with the new digests."
    )


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    words: tuple[str, ...] = ("a",)


def before_and_after():
    """The same config, before and after a field was added to it and to its section."""

    @dataclasses.dataclass(frozen=True)
    class Config:
        units: int
        inner: Inner = Inner()

    old = Config
    old.__name__ = "Config"

    @dataclasses.dataclass(frozen=True)
    class Config:  # the name is part of the digest
        units: int
        inner: Inner = Inner()
        smoothing: float = 0.0

    return old, Config


def test_a_new_field_that_changes_nothing_changes_no_digest():
    old, new = before_and_after()
    assert digest.of(old(3)) == digest.of(new(3))
    assert digest.of(new(3)) != digest.of(new(3, smoothing=0.1))
    assert digest.of(new(3)) != digest.of(new(4))
    assert digest.of(new(3)) != digest.of(new(3, Inner(words=("a", "b"))))
    assert digest.of(new(3)).startswith(f"{digest.FORMAT}-")


def test_only_what_differs_from_the_defaults_is_in_a_digest():
    config = recipe("bn_mlp").config
    assert digest.changed(config) == {
        "model": {"class": "MLPConfig", "normalization": "batch", "dropout": (0.2,)},
        "training": {"learning_rate": 0.003},
    }
    assert digest.of(config) == "1-81990b1781bf"


@pytest.mark.parametrize(
    ("model", "then"),
    [
        ({}, {}),
        ({"activation": "gelu"}, {}),
        ({"activation": "selu"}, {"kernel_initializer": "lecun_normal"}),
        ({"activation": "selu", "kernel_initializer": "he_normal"}, {}),
        ({"kernel_initializer": "lecun_normal"}, {"kernel_initializer": "lecun_normal"}),
    ],
)
def test_a_digest_has_the_sense_of_when_every_activation_had_hes_initializer(model, then):
    usual = {name: one for name, one in model.items() if name == "activation"}
    assert digest.changed(MLPConfig(**model)) == {**usual, **then}


def test_what_a_stored_config_does_not_know_has_the_default_of_its_dataclass():
    _, new = before_and_after()
    stored = {"units": 3, "inner": {"rate": 0.5}, "gone": 1}
    assert digest.completed(new(4, smoothing=0.3), stored) == {
        "units": 3, "inner": {"rate": 0.5, "words": ["a"]}, "gone": 1, "smoothing": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_config_file_does_not_know_is_not_what_the_recipe_sets(number, tmp_path):
    config = recipe("bn_mlp").config
    stored = {"format": number, "recipe": "bn_mlp", "config": runs.as_stored(config)}
    del stored["config"]["training"]["learning_rate"], stored["config"]["model"]["dropout"]
    (tmp_path / "config.json").write_text(json.dumps(stored))
    found = fashion_zoo.read_config(tmp_path / "config.json", "bn_mlp")
    assert (config.training.learning_rate, config.model.dropout) == (0.003, (0.2,))
    assert (found.training.learning_rate, found.model.dropout) == (0.001, MLPConfig().dropout)


def test_a_study_goes_on_where_a_field_that_changes_nothing_is_new(opened):
    old, new = before_and_after()
    opened(fingerprint={"config": old(3)})
    opened(fingerprint={"config": new(3)})
    with pytest.raises(StudyError, match=r"is another search\. config\.smoothing: 0\.0, now 0\.1"):
        opened(fingerprint={"config": new(3, smoothing=0.1)})


def test_a_search_space_without_a_parameter_is_another_search(opened):
    old, new = before_and_after()
    opened(fingerprint={"space": old(3)})
    with pytest.raises(StudyError, match=r"is another search\. space\.smoothing: None, now 0\.0"):
        opened(fingerprint={"space": new(3)})


def test_a_checkpoint_and_a_run_that_do_not_know_a_field_are_read(trained, tmp_path):
    run = trained.run
    stored = runs.as_stored(run.config)
    del stored["training"]["label_smoothing"]
    recorder._check_belongs(run, 2, {"recipe": run.recipe, "config": stored}, {"recipe": "bn_mlp"})
    written = json.loads((run.path / "config.json").read_text())
    del written["config"]["training"]["label_smoothing"]
    (tmp_path / "config.json").write_text(json.dumps(written))
    assert fashion_zoo.open_run(tmp_path).config == run.config
