"""One suite over every word of every vocabulary; that of the recipes is test_conformance.

A word is tried by itself, or as ``EXAMPLES`` writes it. What the words of a kind must hold is a
function in ``KINDS``: a vocabulary without one fails, and so does a word that cannot be tried.
"""

import builtins
import dis
import importlib
import inspect
import json
import re
import tempfile
from pathlib import Path

import forms
import keras
import numpy as np
import pytest
from ensembling import ensemble_method
from of_training import averaging, class_weight, clipping, loss

import fashion_zoo
from fashion_zoo import ConfigError, RunError, clippings
from fashion_zoo.augment import Augmenter, Strength, policies
from fashion_zoo.data import load
from fashion_zoo.evaluation.metrics import Predictions
from fashion_zoo.optimizers import TabulatedSchedule, build_optimizer, last_step
from fashion_zoo.runs.stored import check_shape
from fashion_zoo.schedules import tabulate

PACKAGE = Path(fashion_zoo.__file__).parent
PAGES = Path(__file__).parent.parent / "docs"

EXAMPLES = {
    "warmup": "warmup(0.25) >> cosine",
    "join": "join([cosine, constant(0.5)], [0.25])",
    "either": "either(mixup, cutmix)",
    "uniform": "uniform(0, 0.5)",
    "log": "log(1e-4, 1e-2)",
    "whole": "whole(2, 8, 2)",
    "choice": "choice('relu', 'gelu')",
}


def schedule(word, vocabulary, images):
    found = vocabulary.parse(EXAMPLES.get(word, word))
    values = [found(step / 100) for step in range(101)]
    assert np.isfinite(values).all()
    assert min(values) >= 0
    assert [found(step / 100) for step in range(101)] == values
    assert (found(-1), found(2)) == (values[0], values[-1])
    assert tabulate(found, 2.0, 101) == [2 * value for value in values]


def policy(word, vocabulary, images):
    made, labels = vocabulary.parse(EXAMPLES.get(word, word)), np.eye(10, dtype="float32")
    pixels = images.images[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]

    def run(strength, seed=1):
        strengths = Strength(strength, strength)
        return [*map(np.asarray, Augmenter(made, seed)(pixels, labels, 3, 4, strengths))]

    (changed, mixed), again, still = run(1.0), run(1.0), run(0.0)
    assert changed.shape == pixels.shape
    assert changed.dtype == np.float32
    assert -1e-3 <= changed.min() < changed.max() <= 255 + 1e-3
    assert np.array_equal(changed, again[0])
    assert np.array_equal(mixed, again[1])
    assert np.array_equal(changed, run(1.0, seed=2)[0]) == (made == ())
    assert mixed.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-6)
    assert policies.mixes(made) or np.array_equal(mixed, labels)
    assert np.abs(still[0] - pixels).max() <= 1e-3
    assert np.array_equal(still[1], labels)


def optimizer(word, vocabulary, images):
    chosen = vocabulary.parse(word)
    rates = np.array([0.1, 0.0, 0.05], "float32")
    decays = {"weight_decay": np.array([0.5, 0.5, 0.0], "float32")} if chosen.decays else {}
    made = build_optimizer(chosen, learning_rate=rates, clipping=clippings.norm(1), **decays)
    weight, bias = keras.Variable([3.0, -4.0], name="kernel"), keras.Variable([1.0], name="bias")
    made.build([weight, bias])
    seen = [weight.numpy()]
    for rate in rates:
        made.apply([weight - 1.0, keras.ops.zeros((1,))], [weight, bias])
        seen.append(weight.numpy())
        assert last_step(made)["learning_rate"] == rate
    assert np.abs(seen[1] - 1).sum() < np.abs(seen[0] - 1).sum()
    assert bias.numpy() == [1.0], "nothing is decayed but kernels"
    assert made.clipnorm == 1.0
    still = build_optimizer(chosen, learning_rate=0.1, **({"weight_decay": 0.5} if decays else {}))
    weight = keras.Variable([2.0], name="kernel")
    still.build([weight])
    still.apply([keras.ops.zeros((1,))], [weight])
    assert weight.numpy() == pytest.approx([1.9 if chosen.decays else 2.0])
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()
    assert isinstance(again._learning_rate, TabulatedSchedule)


def span(word, vocabulary, images):
    found = vocabulary.parse(EXAMPLES[word])
    for value in (-1.0, 0.0, 0.003, 1, 3, 1e6):
        nearest = found.nearest(value)
        inside = [one for one in (nearest, value) if _is_in(found, one)]
        assert inside == ([nearest, value] if nearest == value else [nearest])
        assert found.nearest(nearest) == nearest


def _is_in(found, value):
    known = getattr(found, "values", None)
    return found.low <= value <= found.high if known is None else value in known


def metric(word, vocabulary, images):
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(60, 3)), generator.integers(0, 3, 60)
    found = vocabulary[word](Predictions(logits, labels, "abc"))
    text = json.dumps(found, allow_nan=False)
    turned = vocabulary[word](Predictions(logits[::-1], labels[::-1], "abc"))
    numbers = r"-?\d+\.\d+(?:e-?\d+)?"
    assert re.sub(numbers, "", json.dumps(turned)) == re.sub(numbers, "", text)
    assert [float(one) for one in re.findall(numbers, json.dumps(turned))] == pytest.approx(
        [float(one) for one in re.findall(numbers, text)]
    )
    if isinstance(found, float):
        assert re.match(r"\w+: ", vocabulary.lines()[word]), "a number has a title"
        sure = vocabulary[word](Predictions(50 * np.eye(3)[labels], labels, "abc"))
        assert sure == pytest.approx(0, abs=1e-9), "who is always right and sure has no error"
        assert found > 0


def source(word, vocabulary, images):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        given = (images.images, images.labels) if word == "arrays" else word
        if word in forms.WRITTEN:
            given = forms.written(word, Path(folder), *images, patch)
        _check_source(given, vocabulary)


def _check_source(given, vocabulary):
    data, again = load(given), load(given)
    assert vocabulary.parse(data.origin.source) is not None
    if isinstance(given, str) and given not in vocabulary:
        assert load(data.origin).digest == data.digest
    for part in (data.train, data.validation, data.test):
        assert part.images.shape == (len(part.labels), *data.image_shape)
        assert part.images.dtype == np.uint8
        assert np.bincount(part.labels).all()
        assert len(np.bincount(part.labels)) == len(data.class_names)
        assert not part.images.flags.writeable
    assert data.count == len(data.train.labels)
    assert not set(data.positions.train) & set(data.positions.validation)
    assert all(map(np.array_equal, data.positions, again.positions))
    assert load(given, limit=50).digest == load(given, limit=50).digest
    assert len(load(given, limit=50).train.labels) == 50


def export_format(word, vocabulary, images):
    made = vocabulary.parse(word)
    code = [made.serve.__code__]
    for one in code:  # and the functions inside
        code += [inside for inside in one.co_consts if inspect.iscode(inside)]
    steps = [step for one in code for step in dis.get_instructions(one)]
    imported = {step.argval.partition(".")[0] for step in steps if step.opname == "IMPORT_NAME"}
    assert imported
    assert not imported & {"keras", "fashion_zoo"}
    known = {step.argval for step in steps if step.opname == "LOAD_GLOBAL"}
    assert known <= vars(builtins).keys(), "it runs as source, without the rest of its file"
    assert made.extra in ("", word)
    assert bool(made.extra) == bool(made.modules)
    made.check(Path("/tmp/plain"))


def result_of_a_run(word, vocabulary, images):
    kind = vocabulary[word]
    assert kind.file.partition("/")[0] in kind.files
    with pytest.raises(RunError, match=f"{word}.json is damaged: "):
        check_shape(Path(f"{word}.json"), {}, kind.shape)


def activation(word, vocabulary, images):
    made = vocabulary.parse(word)
    layer = made.make(name=f"{made.name}_1", dtype="float32")
    x = np.linspace(-8, 8, 132, dtype="float32").reshape(33, 4)
    y = keras.ops.convert_to_numpy(layer(x))
    assert (y.shape, y.dtype) == (x.shape, np.float32)
    assert np.isfinite(y).all()
    turned = keras.ops.convert_to_numpy(layer(x[::-1, ::-1]))[::-1, ::-1]
    assert turned == pytest.approx(y, abs=1e-6), "each unit by itself"
    assert {weight.name for weight in layer.trainable_weights} <= {"alpha"}, "which is not decayed"
    kernel = keras.ops.convert_to_numpy(made.initializer.make(3)((400, 100)))
    assert 0.9 / 400 < kernel.var() < 2.1 / 400
    assert np.array_equal(kernel, made.initializer.make(3)((400, 100)))


def normalization(word, vocabulary, images):
    if word == "instance":
        with pytest.raises(ConfigError, match="a vector has one place"):
            vocabulary.parse(word)
        return
    made = vocabulary.parse(word)
    assert (made.make is None) == (word == "none")
    if made.make is None:
        return
    layer = made.make(name="norm_1", dtype="float32")
    generator = np.random.default_rng(0)
    x = generator.normal(2.0, 3.0, (64, 2 * made.divisor)).astype("float32")
    bias = generator.normal(0.0, 9.0, 2 * made.divisor).astype("float32")
    first, second = (keras.ops.convert_to_numpy(layer(one, training=True)) for one in (x, x + bias))
    assert np.square(first).mean() == pytest.approx(1, abs=0.01)
    assert (np.abs(first - second).max() < 1e-3) == made.centers
    kept = {"gamma", "beta", "scale"}
    assert {weight.name for weight in layer.trainable_weights} <= kept, "which are not decayed"
    assert layer.weights, "its statistics or its scale"


KINDS = {
    "activation": (activation, "normalization.md"),
    "averaging": (averaging, "averaging.md"),
    "normalization": (normalization, "normalization.md"),
    "schedule": (schedule, "commands/schedules.md"),
    "policy": (policy, "augmentation.md"),
    "optimizer": (optimizer, "words.md"),
    "loss": (loss, "imbalance.md"),
    "clipping": (clipping, "gradients.md"),
    "class weight": (class_weight, "imbalance.md"),
    "range": (span, "commands/tune.md"),
    "metric": (metric, "commands/evaluate.md"),
    "source": (source, "data.md"),
    "ensemble method": (ensemble_method, "ensembles.md"),
    "export format": (export_format, "commands/export.md"),
    "result of a run": (result_of_a_run, ""),
}


def vocabularies():
    """Every vocabulary that a module of the package makes, by its kind."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in re.findall(r"^(\w+): .*= Vocabulary\(", path.read_text("utf-8"), re.M):
            dotted = path.relative_to(PACKAGE.parent).with_suffix("").parts
            module = importlib.import_module(".".join(dotted).removesuffix(".__init__"))
            found = getattr(module, name)
            yield found.kind, found


VOCABULARIES = dict(vocabularies())
WORDS = [
    (kind, word)
    for kind, vocabulary in VOCABULARIES.items()
    for word in vocabulary
    if not str(getattr(vocabulary[word], "__module__", "")).startswith("recipes.")  # experiments'
]


def test_every_vocabulary_has_its_suite():
    assert VOCABULARIES.keys() == KINDS.keys()
    assert EXAMPLES.keys() <= {word for _, word in WORDS}


@pytest.mark.parametrize(("kind", "word"), WORDS, ids=[" ".join(one) for one in WORDS])
def test_every_word_holds_what_its_kind_promises(kind, word, images):
    KINDS[kind][0](word, VOCABULARIES[kind], images)


SPELLED = [one for one in WORDS if one[0] != "result of a run"]


@pytest.mark.parametrize(("kind", "word"), SPELLED, ids=[" ".join(one) for one in SPELLED])
def test_every_word_stands_on_the_page_of_its_kind(kind, word):
    page = (PAGES / KINDS[kind][1]).read_text(encoding="utf-8")
    assert re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", page), f"{word} is not on {KINDS[kind][1]}"


PARSED = [one for one in SPELLED if one[0] != "metric"]


@pytest.mark.parametrize(("kind", "word"), PARSED, ids=[" ".join(one) for one in PARSED])
def test_an_unknown_argument_of_every_word_is_answered(kind, word):
    with pytest.raises(ConfigError, match=f"no_such|{word} takes") as caught:
        VOCABULARIES[kind].parse(f"{word}(no_such=1)")
    assert word in str(caught.value)
