"""A model starts from published weights or from a run, whole or under a new last layer."""

import importlib.metadata
import shutil
from pathlib import Path

import numpy as np
import pytest
from shipping import WORD, registered, trained

import fashion_zoo
from fashion_zoo import ConfigError, RunError, WeightsError
from fashion_zoo.layers.values import as_array
from fashion_zoo.weights import manifest

NAME = "tiny_mlp"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A run, its weights, and a run with another model."""
    folder = tmp_path_factory.mktemp("starting")
    with registered(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "FOLDER", folder / "published")
        fashion_zoo.publish(trained(folder / "run", NAME), to=folder / "published")
        trained(folder / "wide", NAME, model={"hidden_units": (12,)}, training={"epochs": 1})
        yield folder


def weights(model):
    return {weight.path: as_array(weight) for weight in model.weights}


def test_a_new_last_layer_stands_on_the_stored_body(published):
    whole = weights(fashion_zoo.get(NAME, weights=WORD))
    fresh = weights(fashion_zoo.get(NAME, num_classes=3))
    model = fashion_zoo.get(NAME, weights=WORD, head="new", num_classes=3)
    assert model.output_shape == (None, 3)
    for path, value in weights(model).items():
        assert (value == (fresh if path.startswith("logits/") else whole)[path]).all(), path
    images = np.zeros((20, 28, 28), "uint8")
    model.fit(images, np.arange(20) % 3, verbose=0)  # compiled, and ready for Keras's fit


def test_a_new_last_layer_of_as_many_classes_is_new_too(published):
    fresh = weights(fashion_zoo.get(NAME, seed=5))
    found = weights(fashion_zoo.get(NAME, weights=WORD, head="new", seed=5))
    assert (found["logits/kernel"] == fresh["logits/kernel"]).all()
    assert (found["dense_1/kernel"] != fresh["dense_1/kernel"]).any()


OTHERS = {
    'logits/kernel is of shape (8, 10) there, and of shape (8, 3) here. Leave out the settings of '
    'the model that change its shapes, or keep all but the last layer with head="new".': {
        "num_classes": 3
    },
    "dense_1/kernel is of shape (784, 8) there, and of shape (784, 4) here. Leave out the "
    "settings of the model that change its shapes.": {"hidden_units": (4,)},
    "dense_1/bias is missing there, and of shape (8,) here": {"normalization": "layer"},
    "dense_1/kernel is of shape (784, 8) there, and of shape (4, 8) here": {
        "input_shape": (2, 2), "head": "new",
    },
}  # fmt: skip


@pytest.mark.parametrize("text", OTHERS)
def test_a_model_of_other_shapes_is_one_sentence(published, text):
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.get(NAME, weights=WORD, **OTHERS[text])
    assert text in str(refused.value)
    assert "do not fit these settings of tiny_mlp" in str(refused.value)


def test_settings_that_change_no_shape_are_free(published):
    model = fashion_zoo.get(NAME, weights=WORD, dropout=(0.5,), input_shape=(784,), l2=1e-4)
    assert as_array(model.get_layer("dropout_1").rate) == 0.5
    without = fashion_zoo.get(NAME, weights=WORD, dropout=(0,))
    assert weights(without).keys() == weights(model).keys() - {"dropout_1/rate"}


def test_a_run_gives_its_model_and_its_weights(published):
    for run in (published / "wide", fashion_zoo.open_run(published / "wide")):
        model = fashion_zoo.get(NAME, weights=run)
        kept = weights(fashion_zoo.open_run(run).load_model())
        found = weights(model)
        assert all((found[path] == value).all() for path, value in kept.items())
    assert model.get_layer("dense_1").units == 12
    assert fashion_zoo.get(NAME, weights=run, head="new", num_classes=2).output_shape[-1] == 2
    with pytest.raises(ConfigError, match=r"of shape \(784, 12\) there, and of shape \(784, 8\)"):
        fashion_zoo.get(NAME, weights=run, hidden_units=(8,))


def test_a_run_is_named_by_its_folder_and_a_word_comes_first(published, monkeypatch):
    monkeypatch.chdir(published)
    assert fashion_zoo.get(NAME, weights="wide").get_layer("dense_1").units == 12
    shutil.copytree("wide", WORD)
    assert fashion_zoo.get(NAME, weights=WORD).get_layer("dense_1").units == 8
    assert fashion_zoo.get(NAME, weights=f"./{WORD}").get_layer("dense_1").units == 12


def test_a_run_that_does_not_fit_is_refused(published, tmp_path):
    with pytest.raises(RunError, match="is a run of tiny_mlp, not of bn_mlp"):
        fashion_zoo.get("bn_mlp", weights=published / "run")
    with pytest.raises(RunError, match="There is no run folder"):
        fashion_zoo.get(NAME, weights=tmp_path / "none")
    shutil.copytree(published / "run", tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    with pytest.raises(RunError, match=r"has no model\.keras"):
        fashion_zoo.get(NAME, weights=tmp_path / "run")


def refused(name, weights):
    with pytest.raises(ConfigError) as caught:
        fashion_zoo.get(name, weights=weights)
    return str(caught.value)


def test_a_word_under_which_nothing_is_published_is_answered(published):
    assert refused(NAME, "fashion_mnits") == (
        "No published weights of tiny_mlp and no run folder are named 'fashion_mnits'. Did you "
        "mean 'fashion_mnist'? Published for tiny_mlp: fashion_mnist. Give one of these, or a run "
        'of fashion_zoo.train("tiny_mlp").'
    )
    assert refused("tiny_mlp.same", WORD) == (
        "No weights of tiny_mlp.same are published, and no run folder is named 'fashion_mnist'. "
        "Published for other recipes: tiny_mlp (fashion_mnist). Train this one with "
        'fashion_zoo.train("tiny_mlp.same") and give that run as weights.'
    )


def test_weights_of_other_recipes_are_said_to_be_theirs(monkeypatch):
    monkeypatch.setattr(manifest, "FOLDER", Path(manifest.__file__).parent / "published")
    assert refused("bn_mlp.tiny", "fashion_mnist.distilled") == (
        "The published weights 'fashion_mnist.distilled' are of bn_mlp and bn_mlp.strongest, not "
        "of bn_mlp.tiny. Published for bn_mlp.tiny: fashion_mnist. Give one of these, or a run of "
        'fashion_zoo.train("bn_mlp.tiny").'
    )


def test_a_mistyped_folder_of_a_run_is_answered_with_the_nearest_and_what_is_published(
    published, monkeypatch
):
    monkeypatch.chdir(published)
    for given, near in (("wied", "wide"), (f"{published}/wied", f"{published}/wide")):
        assert refused(NAME, given).startswith(
            f"No published weights of tiny_mlp and no run folder are named {given!r}. Did you mean "
            f"{near!r}? Published for tiny_mlp: fashion_mnist."
        )
    said = "no run folder is named 'no/such'. Published for other recipes: tiny_mlp"
    assert said in refused("tiny_mlp.same", "no/such")


def test_a_new_last_layer_of_nothing_and_other_arguments_are_refused():
    with pytest.raises(ConfigError, match='head="new" keeps weights under a new last layer'):
        fashion_zoo.get("bn_mlp", head="new")
    with pytest.raises(ConfigError, match="head"):
        fashion_zoo.get("bn_mlp", weights=WORD, head="old")
    meant = "get takes the word of published weights, a run or its folder or None as weights, rec"
    with pytest.raises(ConfigError, match=meant):
        fashion_zoo.get("bn_mlp", weights=True)


@pytest.fixture
def installed(published, tmp_path, monkeypatch):
    """Another package with weights, whose import fails. Returns ``name(value)`` of its entry."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "zoo_of_others").mkdir()
    (tmp_path / "zoo_of_others" / "__init__.py").write_text("raise SystemExit")
    shutil.copytree(published / "published", tmp_path / "zoo_of_others" / "weights")
    monkeypatch.setattr(manifest, "FOLDER", tmp_path / "ours")
    manifest.FOLDER.mkdir()
    manifest.write_manifest(manifest.FOLDER, [])

    def name(value):
        entry = importlib.metadata.EntryPoint("others", value, "fashion_zoo.weights")
        known = importlib.metadata.EntryPoints([entry])
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **by: known.select(**by))

    return name


def test_another_package_publishes_weights_and_is_not_imported(installed):
    with pytest.raises(ConfigError, match="for other recipes: none"):
        fashion_zoo.get(NAME, weights=WORD)
    installed("zoo_of_others.weights")
    assert [row.recipe for row in fashion_zoo.weights.list_weights()] == [NAME]
    row = fashion_zoo.weights.list_weights()[0]
    found = fashion_zoo.evaluate(fashion_zoo.get(NAME, weights=WORD))
    assert round(found["accuracy"]["value"] * found["images"]) == row.test.right


@pytest.mark.parametrize("value", ["zoo_of_others", "no_such_package.weights", "a b", "sys:path"])
def test_an_entry_point_without_a_manifest_is_one_sentence(installed, value):
    installed(value)
    with pytest.raises(WeightsError, match=r"names .*, which is no package with a manifest\.json"):
        fashion_zoo.get(NAME, weights=WORD)
