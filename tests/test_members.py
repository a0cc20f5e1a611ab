"""A new word, or a new family, is one function in one file: nothing else has to name it."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from examples import python_examples

import fashion_zoo
from fashion_zoo import (
    ConfigError,
    TrainingConfig,
    class_weights,
    exporting,
    losses,
    optimizers,
    registry,
    schedules,
)
from fashion_zoo.augment import Augmenter, policies
from fashion_zoo.data import sources
from fashion_zoo.evaluation import metrics
from fashion_zoo.evaluation.report import Evaluation
from fashion_zoo.spaces import TrainingSpace, complete, ranges
from recipes import _parsing

PAGES = Path(__file__).parent.parent / "docs"
PAGE = (PAGES / "words.md").read_text(encoding="utf-8")
VOCABULARIES = [
    optimizers.WORDS, schedules.WORDS, policies.WORDS, ranges.WORDS, metrics.WORDS, losses.WORDS,
    class_weights.WORDS,
]  # fmt: skip


@pytest.fixture(autouse=True)
def forgets(monkeypatch):
    """What a test registers is known in it alone."""
    for vocabulary in VOCABULARIES:
        monkeypatch.setattr(vocabulary, "_members", {**vocabulary})
    registry.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))


def test_the_example_of_the_page_adds_words_that_work():
    known = {}
    (example,) = python_examples(PAGE)
    exec(example, known)
    chosen = optimizers.WORDS.parse(known["config"].optimizer)
    built = optimizers.build_optimizer(chosen, learning_rate=0.5, weight_decay=0.01)
    assert type(built) is keras.optimizers.Lion
    assert (built.beta_1, built.weight_decay) == (pytest.approx(0.95), 0.01)
    assert schedules.get("warmup(0.5) >> half(2)")(1.0) == 1
    augmenter = Augmenter(policies.parse("invert(1) | flip(0)"), seed=0)
    images, _ = augmenter(np.zeros((2, 28, 28), "uint8"), None, 0, 0)
    assert np.unique(images) == [255]
    with pytest.raises(ConfigError, match="looks its decay up, received Lion"):
        optimizers.build_optimizer(chosen, learning_rate=0.5, weight_decay=np.ones(3, "float32"))


BUILT_IN = [
    *((vocabulary, word) for vocabulary in VOCABULARIES for word in vocabulary),
    *((exporting.WORDS, word) for word in exporting.WORDS),
    *((sources.WORDS, word) for word in sources.WORDS),
]


@pytest.mark.parametrize(
    ("vocabulary", "word"), BUILT_IN, ids=[f"{one.kind} {word}" for one, word in BUILT_IN]
)
def test_no_word_of_the_package_can_be_taken_before_it_is_used(monkeypatch, vocabulary, word):
    known = {**vocabulary}

    def other():
        """Another one."""

    monkeypatch.setattr(vocabulary, "_members", {})
    monkeypatch.setattr(vocabulary, "_load", lambda: vocabulary._members.update(known))
    with pytest.raises(ConfigError, match=f"{word!r} is registered already"):
        vocabulary.register(other, word)


TIGER = '''
from fashion_zoo.optimizers import WORDS, Optimizer


@WORDS.register
def tiger(beta_1: float = 0.9) -> Optimizer:
    """Signs of a running mean."""
    return Optimizer(dict, decays=True)
'''


def test_an_optimizer_is_one_file(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="Unknown optimizer 'tiger'"):
        TrainingConfig(optimizer="tiger")
    (tmp_path / "tiger.py").write_text(TIGER)
    monkeypatch.setattr(optimizers, "__path__", [*optimizers.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "fashion_zoo.optimizers.tiger", raising=False)

    config = TrainingConfig(optimizer="tiger(0.8)", weight_decay=0.1)
    assert optimizers.WORDS.lines()["tiger"] == "Signs of a running mean."
    assert _parsing.text_of(config, "optimizer").endswith("sgd, tiger.")
    with pytest.raises(ConfigError, match=r"'adamw' or .*'tiger', received 'sgd'"):
        TrainingConfig(optimizer="sgd", weight_decay=0.1)
    space = TrainingSpace(optimizer="choice('adam', 'tiger(0.8)', 'sgd')")
    base = fashion_zoo.recipe("baseline_mlp").config
    found = {one.name: one for one in space.parameters(base)}
    assert found["use_weight_decay"].when == (("optimizer", ("tiger(0.8)",)),)


FAMILY = '''
import dataclasses

from fashion_zoo.config import RunConfig
from fashion_zoo.models import blocks
from fashion_zoo.registry import register
from fashion_zoo.spaces import Questions, TrainingSpace


@dataclasses.dataclass(frozen=True)
class LinearConfig:
    """What a linear model is made of."""

    l2: float = 0.0
    """Strength of the penalty."""
    num_classes: int = 10
    """Number of classes."""
    input_shape: tuple[int, ...] = (28, 28)
    """Shape of one image."""


@dataclasses.dataclass(frozen=True)
class LinearSpace(TrainingSpace):
    """What may change in it."""

    l2: str = "log(1e-6, 1e-3)"
    """Strength of the penalty."""

    def parameters(self, config):
        asked = Questions(self, super().parameters(config))
        asked.add("l2", config.model.l2)
        return asked.parameters

    def changes(self, values, base):
        return {**super().changes(values, base), "model": {"l2": values["l2"]}}


@register(RunConfig(LinearConfig()), parameters=7850, space=LinearSpace())
def linear_model(config, *, seed=0, dtype="float32"):
    """One layer."""
    import keras

    inputs, x = blocks.flat_pixels(config.input_shape, dtype)
    logits = blocks.dense(config.num_classes, "logits", seed=seed, dtype="float32", l2=config.l2)
    return keras.Model(inputs, logits(x), name="linear_model")
'''


def test_a_family_is_one_file(tmp_path, monkeypatch):
    (tmp_path / "linear.py").write_text(FAMILY)
    spec = importlib.util.find_spec("fashion_zoo.models")
    spec.submodule_search_locations.append(str(tmp_path))
    package = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fashion_zoo.models", package)
    monkeypatch.setitem(sys.modules, "fashion_zoo.models.linear", None)  # taken out at the end
    del sys.modules["fashion_zoo.models.linear"]
    spec.loader.exec_module(package)  # as in a process that imports it for the first time

    entry = fashion_zoo.recipe("linear_model")
    assert fashion_zoo.get("linear_model", l2=0.1).count_params() == entry.parameters
    values = complete(entry.space.parameters(entry.config), {"l2": 1e-4})
    assert entry.space.config(values, entry.config).model.l2 == 1e-4


def test_a_range_is_one_function():
    @ranges.WORDS.register
    def powers(last: int):
        """Powers of two."""
        return ranges.Choice(tuple(2**n for n in range(last)))

    assert TrainingSpace(batch_size="powers(3)").batch_size == "powers(3)"
    assert ranges.values("powers(3)") == (1, 2, 4)


def test_a_metric_is_one_function():
    @metrics.WORDS.register
    def sureness(found: metrics.Predictions) -> float:
        """Sureness: mean probability of the predicted class."""
        return float(found.probabilities.max(axis=1).mean())

    found = Evaluation(metrics.measure(np.log([[0.75, 0.25], [0.5, 0.5]]), np.array([0, 1]), "ab"))
    assert found["sureness"] == 0.625
    assert list(found.scores) == ["Brier", "ECE", "NLL", "Sureness"]
    assert found.scores["Sureness"] == "0.6250"


def test_the_page_has_every_metric():
    page = (PAGES / "commands" / "evaluate.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.M)
    assert rows == list(metrics.WORDS)


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda one: one.kind)
def test_every_word_has_one_line_of_help(vocabulary):
    for word, line in vocabulary.lines().items():
        assert len(line) < 100, word


def test_the_page_has_every_optimizer_with_its_defaults_and_whether_it_decays_weights():
    rows = re.findall(r"^\| `(\w+)\((.*)\)` \| .* \| (yes|no) \|$", PAGE, re.M)
    assert rows == [
        (word, spelled(optimizers.WORDS[word]), "yes" if made.decays else "no")
        for word, made in optimizers.WORDS.bare().items()
    ]


def spelled(function):
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(f"{one.name}={one.default!r}" for one in parameters)
