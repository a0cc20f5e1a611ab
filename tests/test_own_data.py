"""Data of a caller's own: arrays, and sources that somebody else registers."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from forms import three_classes

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, DataError, RunError, override, recipe, runs
from fashion_zoo.data import Dataset, assembly, load, load_for
from fashion_zoo.data.sources import WORDS, Given, Raw, Source

NAMES = ("dark", "grey", "light")


def test_arrays_are_split_by_class_and_by_a_seed_of_their_own():
    x, y = three_classes()
    data = load((x, y), class_names=NAMES, test=0.2)
    train, validation, test = data.positions
    assert np.array_equal(np.sort(np.concatenate(data.positions)), np.arange(120))
    assert [np.bincount(y[part]).tolist() for part in (train, validation, test)] == [
        [28] * 3, [4] * 3, [8] * 3,
    ]  # fmt: skip
    assert np.array_equal(data.test.images, x[test])
    assert data.image_shape == (8, 8)
    assert data.class_names == NAMES
    assert load((x.astype("float64"), y), test=0.2).digest == data.digest
    other = load((x, y), test=0.2, seed=1)
    assert other.digest != data.digest
    assert other.origin == DataConfig("arrays", test=0.2, seed=1)
    assert load((x, y), like=other.origin).digest == other.digest
    assert load(other) is other  # what it has read is not read again
    assert load(other, limit=9).count == 9


def test_what_is_held_out_of_arrays_is_the_same_in_every_version():
    data = load(three_classes(), test=0.2)
    assert data.positions.validation.tolist() == [
        2, 18, 19, 22, 24, 35, 57, 70, 95, 98, 109, 117,
    ]  # fmt: skip
    assert data.positions.test[:6].tolist() == [5, 6, 7, 9, 10, 11]


def test_test_images_of_ones_own_are_all_of_the_test():
    x, y = three_classes()
    data = load((x, y, *three_classes(30, seed=1)), limit=30, validation=0.5)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [30, 60, 30]
    assert data.origin == DataConfig("arrays", validation=0.5, limit=30)
    assert data.describe().test_digest != load((x, y)).describe().test_digest


def test_labels_may_be_names():
    x, y = three_classes()
    data = load((x, np.array(NAMES)[y]))
    assert data.class_names == tuple(sorted(NAMES))
    assert data.digest == load((x, y)).digest


X, Y = three_classes()


def test_pairs_as_keras_loads_them_are_taken():
    test = three_classes(30, seed=1)
    pairs, four = load(((X, Y[:, None]), test)), load((X, Y, *test))
    assert (pairs.digest, pairs.describe()) == (four.digest, four.describe())


def test_of_a_data_set_only_the_limit_the_tail_and_the_names_change():
    data = load((X, Y))
    changed = load(data, limit=9, class_names=NAMES)
    assert (changed.origin, changed.class_names) == (DataConfig("arrays", limit=9), NAMES)
    assert load(data, class_names=["0", "1", "2"]) is data
    for settings in ({"folder": "/x"}, {"source": "fashion_mnist"}, {"seed": 3}):
        (name,) = settings
        with pytest.raises(ConfigError, match=f"class_names can be set, received {name}"):
            load(data, **settings)
    with pytest.raises(ConfigError, match="class_names must be 3, one of each class"):
        load(data, class_names=["a"])


@pytest.mark.parametrize(
    ("given", "settings", "message"),
    [
        ((X,), {}, r"given as \(x, y\), \(x, y, x_test, y_test\) or .*, received 1"),
        ((X / 255, Y), {}, "divided by 255, multiply them by it, and round"),
        ((X.astype(int) - 1, Y), {}, "in 0..255, received values from -1"),
        ((X[:, :, :, None].repeat(2, axis=3), Y), {}, r"received \(120, 8, 8, 2\)"),
        ((X, Y[:5]), {}, r"each of the 120 images of x, received \(5,\) of int64"),
        ((X, np.eye(3)[Y]), {}, r"y must hold a whole number or a name for each"),
        ((X, Y), {"class_names": ["a", "b"]}, "y must be in 0..1, positions of the 2 class names"),
        ((X, np.where(Y == 2, 3, Y)), {}, "Class '2' has 0 images"),
        ((X, Y, X[:, :4], Y), {}, r"x has images of \(8, 8\), and x_test of \(4, 8\)"),
        ((X, Y, X, np.full(120, "d")), {"class_names": ["a", "b", "c"]}, "y_test: Unknown cl"),
        ((X, [200_000_000, *Y[1:]]), {}, "y has 120 labels and the highest is 200000000: classes"),
        (([[[1, 2]], [[3]]], [0, 1]), {}, "x must be an array, or lists of the same length"),
        ((X, [[0], [1, 2]]), {}, "y must be an array, or lists of the same length"),
        ((X, Y, X, [[0], [1, 2]]), {}, "y_test must be an array, or lists of the same length"),
        (((X, Y), (X, Y), (X, Y)), {}, r"or \(\(x, y\), \(x_test, y_test\)\), received 3"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_data_set_are_answered_in_a_sentence(given, settings, message):
    with pytest.raises(DataError, match=message):
        load(given, **settings)


def test_settings_of_arrays_are_checked():
    for settings in ({"validation": 1.0}, {"seed": -1}, {"split": 3}, {"limit": 1}):
        with pytest.raises(ConfigError, match=next(iter(settings))):
            load((X, Y), **settings)
    for names in (5, "abc", set(NAMES), [], ["a", "a", "b"], [0, 1, 2]):
        with pytest.raises(ConfigError, match="class_names must be different texts, received"):
            load((X, Y), class_names=names)
    with pytest.raises(ConfigError, match=r"of arrays 'limitt'\. Did you mean 'limit'\? Known: "):
        load((X, Y), limitt=3)
    for settings in ({"label": "a"}, {"folder": "/x"}, {"skip_broken": True}):
        with pytest.raises(ConfigError, match=f"data.{next(iter(settings))} has no effect on arr"):
            load((X, Y), **settings)
    with pytest.raises(ConfigError, match="data are arrays, and source names others"):
        load((X, Y), source="digits")
    with pytest.raises(ConfigError, match=r"were arrays in memory.*data=\(x, y\)"):
        load("arrays")


def test_a_model_follows_the_data_where_it_is_not_set():
    config, data = recipe("bn_mlp").config, load((X, Y))
    own = config.model
    found, _ = load_for(override(config, {"training": {"batch_size": 8}}), own, data)
    assert (found.model.num_classes, found.model.input_shape) == (3, (8, 8))
    assert found.data == data.origin
    flat = override(found, {"model": {"input_shape": (64,)}})
    assert load_for(flat, own, data)[0].model == flat.model
    assert load_for(config, own)[0] == config
    for chosen, message in (({"num_classes": 10}, "3 classes"), ({"input_shape": (28, 28)}, "784")):
        with pytest.raises(ConfigError, match=message):
            load_for(override(found, {"model": chosen}), own, data, overrides={"model": chosen})


@pytest.mark.parametrize("policy", ["shift(9)", "flip | translate(8.5)", "elastic(34, 10)"])
def test_augmentation_moves_no_further_than_an_image(policy):
    config = recipe("bn_mlp").config
    config = override(config, {"training": {"augmentation": policy, "batch_size": 8}})
    with pytest.raises(ConfigError, match=r"must be at most 8, the longer side of an image, rec"):
        load_for(config, config.model, (X, Y))
    assert load_for(config, config.model)[0] == config


def test_every_source_has_a_row_on_the_page():
    page = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|(.*)\|.*\|$", page, re.M)
    for word in WORDS:
        if not WORDS[word].__module__.startswith("fashion_zoo."):  # of an experiment
            continue
        assert any(re.search(rf"`{word}\b", row) for row in rows), word


def stripes(count: int | str = 40) -> Source:
    """Images of two rows."""
    count = int(str(count).rstrip("!"))

    def read(config):
        pixels = np.random.default_rng(0).integers(0, 256, (count, 2, 3))
        return Raw(Given(pixels, np.arange(count) % 2), class_names=("a", "b"))

    return Source(read)


def test_a_source_is_one_registered_function(monkeypatch):
    monkeypatch.setattr(WORDS, "_members", dict(WORDS._members))
    monkeypatch.setattr(WORDS, "_forms", dict(WORDS._forms))
    WORDS.form(lambda text: text.endswith("!"), "COUNT!")(WORDS.register(stripes))
    changes = {"data": {"source": "stripes(20)", "limit": 4, "test": 0.4}}
    data = load(override(recipe("bn_mlp").config, changes).data)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [4, 2, 8]
    assert (data.class_names, data.image_shape) == (("a", "b"), (2, 3))
    assert load("20!", limit=4, test=0.4).digest == data.digest
    with pytest.raises(
        ConfigError, match=r"Unknown source 'stripe'\. Did you mean 'stripes'.* COUNT"
    ):
        dataclasses.replace(data.origin, source="stripe")


SMALL = {"model": {"hidden_units": (8,)}, "training": {"epochs": 1, "batch_size": 8}}


@pytest.fixture(scope="module")
def own(shared):
    """A run on arrays, trained and evaluated."""

    def make(folder):
        settings = {"class_names": NAMES, "seed": 2}
        given = {"data": (X, Y), "data_settings": settings, "run_dir": folder / "r"}
        fashion_zoo.train("bn_mlp", export=False, **given, **SMALL)

    _, folder = shared("own", make)
    return fashion_zoo.train("bn_mlp", run_dir=folder / "r", resume=True, export=False)


def test_a_run_on_arrays_is_trained_evaluated_and_predicts_with_its_own_names(own):
    data = load((X, Y), class_names=NAMES, seed=2)
    assert (own.run.config.model.num_classes, own.run.config.model.input_shape) == (3, (8, 8))
    assert own.evaluation["images"] == 18
    assert [row["name"] for row in own.evaluation["classes"]] == list(NAMES)
    opened = fashion_zoo.open_run(own)
    assert opened.data == data.describe()
    assert fashion_zoo.evaluate(own.model, data=data) == own.evaluation
    (said,) = fashion_zoo.predict(own, data.test.images[:1])
    assert {name for name, _ in said.classes} == set(NAMES)


def test_a_run_on_arrays_needs_them_again_and_no_others(own):
    with pytest.raises(ConfigError, match=r"Give them in Python: data=\(x, y\)"):
        fashion_zoo.evaluate(own)
    for given in (three_classes(seed=1), (X, Y, X[:9], Y[:9])):
        with pytest.raises(DataError, match="was trained on other images than these"):
            fashion_zoo.evaluate(own, data=given)
    again = {"run_dir": own.run.path, "resume": True, "export": False, **SMALL}
    assert fashion_zoo.train("bn_mlp", **again).evaluation == own.evaluation  # it lacks nothing
    with pytest.raises(RunError, match=r"data\.seed: 2, now 3"):
        fashion_zoo.train("bn_mlp", data=(X, Y), data_settings={"seed": 3}, **again)


def test_a_model_beside_what_is_said_of_other_images_is_refused(own, tmp_path):
    shutil.copytree(own.run.path, tmp_path / "r")
    file = tmp_path / "r" / "config.json"
    file.write_text(file.read_text().replace('"dark",', ""))
    with pytest.raises(RunError, match=r"3 classes and images of \(8, 8\), and .* is of 2 and \("):
        fashion_zoo.predict(tmp_path / "r", X[:1])


@pytest.mark.slow
def test_the_proof_of_an_export_is_made_on_the_test_images_or_else_on_noise(own, tmp_path):
    images = fashion_zoo.export(own, tmp_path / "images", data=(X, Y))
    assert (images["proved_on"], images["images"]) == ("test images", 18)
    noise = fashion_zoo.export(own, tmp_path / "noise")
    assert (noise["proved_on"], noise["images"]) == ("noise of seed 0", 1000)


@pytest.mark.slow
def test_a_search_and_a_range_test_are_made_on_arrays(tmp_path):
    space = {"depth": "1", "units": "8", "batch_size": "8", "augmentation": "'none'"}
    asked = {"trials": 1, "candidates": 1, "seeds": 1, "study_dir": tmp_path, "space": space}
    found = fashion_zoo.tune("bn_mlp", data=(X, Y), training={"epochs": 1}, **asked)
    best = fashion_zoo.read_config(found.best, "bn_mlp")
    assert (best.data.source, best.model.num_classes) == ("arrays", 3)
    rates = fashion_zoo.find_lr("bn_mlp", data=(X, Y), seeds=1, steps=20, **SMALL).rates
    assert len(rates) == 20


def test_a_run_that_says_nothing_of_its_images_had_those_of_its_config(tmp_path, monkeypatch):
    file, known = tmp_path / "r" / "config.json", load().describe()
    with runs.create(tmp_path / "r", "bn_mlp", recipe("bn_mlp").config, {}, data=known):
        stored = json.loads(file.read_text())
        assert fashion_zoo.open_run(tmp_path / "r").data == known
        file.write_text(json.dumps({**stored, "data": {**stored["data"], "class_names": 3}}))
        with pytest.raises(RunError, match=r"is damaged: data\.class_names must be a list"):
            fashion_zoo.open_run(tmp_path / "r")
        del stored["data"]  # as an older version wrote it
        file.write_text(json.dumps(stored))
        older = fashion_zoo.open_run(tmp_path / "r")
        assert older.data == load().describe(read=False)
        assert runs.dataset_of(older).origin == older.config.data
        with pytest.raises(DataError, match="was trained on other images"):
            runs.dataset_of(older, (X, Y))
        again = load(older.config.data)
        monkeypatch.setattr(Dataset, "describe", None)  # which would read them all
        assert runs.check_images(older, again) is None


def test_a_model_is_evaluated_on_images_that_are_read_once(monkeypatch):
    import keras

    given, made = [], assembly.assemble
    layers = [keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(3)]
    monkeypatch.setattr(assembly, "assemble", lambda *its: given.append(its) or made(*its))
    found = fashion_zoo.evaluate(keras.Sequential(layers), data=(X, Y))
    assert (found["images"], len(given)) == (18, 1)
