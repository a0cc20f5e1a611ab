"""A run is published whole or not at all, and with what its weights reach as they are stored."""

import dataclasses
import hashlib
import json
import shutil

import keras
import numpy as np
import pytest
import safetensors.numpy
from shipping import WORD, registered, trained

import fashion_zoo
from fashion_zoo import ConfigError, RunError, WeightsError
from fashion_zoo.config import digest
from fashion_zoo.evaluation import measure
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.runs import create
from fashion_zoo.training import session
from fashion_zoo.weights import manifest, publishing
from recipes import publish as command

NAME = "tiny_mlp"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of tiny recipes. Do not write into them."""
    folder = tmp_path_factory.mktemp("publishing")
    with registered(folder):
        trained(folder / "run", seed=3)
        yield folder


@pytest.fixture
def run(runs, tmp_path):
    """A copy of a run."""
    shutil.copytree(runs / "run", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """An empty folder, which is that of the package."""
    monkeypatch.setattr(manifest, "FOLDER", tmp_path / "ours")
    return manifest.FOLDER


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_row_binds_the_file_to_all_that_it_is_of(run, ours):
    row = fashion_zoo.publish(run)
    assert manifest.read_manifest(ours) == [row]
    assert names(ours) == ["manifest.json", row.file]
    stored = (ours / row.file).read_bytes()
    assert (row.size, row.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    data = fashion_zoo.data.load(limit=400)
    assert (row.data, row.test_data) == (data.digest, data.test_digest)
    assert row.config == row.defaults == digest.of(fashion_zoo.recipe(NAME).config)
    assert (row.recipe, row.weights, row.seed, row.dtype) == (NAME, WORD, 3, "float16")
    assert row.command == 'fashion_zoo.train("tiny_mlp", seed=3)'
    environment = json.loads((run / "environment.json").read_text())
    assert f"keras {environment['versions']['keras']}" in row.versions
    assert row.commit == (environment["commit"] or "")
    assert dataclasses.replace(row, digest="").signed() == row


def test_the_figures_are_those_of_the_weights_as_stored(run, ours):
    row = fashion_zoo.publish(run)
    data, model = fashion_zoo.data.load(), fashion_zoo.get(NAME, weights=WORD)
    for figures, (images, labels) in ((row.validation, data.validation), (row.test, data.test)):
        found = measure(logits_of(model, images), labels, data.class_names)
        assert figures.images == len(labels)
        assert figures.accuracy == found["accuracy"]["value"]
        assert figures.nll == found["nll"]


def test_a_run_is_published_twice_in_the_same_bytes(run, ours):
    first = fashion_zoo.publish(run)
    before = {name: (ours / name).read_bytes() for name in names(ours)}
    assert fashion_zoo.publish(run) == first
    assert {name: (ours / name).read_bytes() for name in names(ours)} == before


def test_a_run_that_is_not_evaluated_is(run, ours):
    (run / "evaluation.json").unlink()
    fashion_zoo.publish(run)
    assert fashion_zoo.open_run(run).result("evaluation")["images"] == 10_000


def other_row(folder, name="other"):
    """Publish something else beside."""
    (row,) = manifest.read_manifest(folder)
    (folder / f"{name}.safetensors").write_bytes(b"")
    added = dataclasses.replace(row, recipe=name, file=f"{name}.safetensors").signed()
    manifest.write_manifest(folder, [row, added])


def changed(run, factor):
    """Multiply the weights of the last layer of a run."""
    opened = fashion_zoo.open_run(run)
    model = opened.load_model()
    for variable in model.get_layer("logits").weights:
        variable.assign(variable * factor)
    opened.save_model(model)


def test_weights_are_replaced_and_others_stay(run, ours):
    old = fashion_zoo.publish(run)
    other_row(ours)
    changed(run, 0.5)
    with pytest.raises(ConfigError, match=f"has other weights fashion_mnist of {NAME}. Replace"):
        fashion_zoo.publish(run)
    assert old in manifest.read_manifest(ours)
    new = fashion_zoo.publish(run, force=True)
    assert new.file != old.file
    assert [row.recipe for row in manifest.read_manifest(ours)] == ["other", NAME]
    assert names(ours) == sorted(["manifest.json", new.file, "other.safetensors"])


def test_weights_whose_replacement_was_cut_off_are_the_old_ones(run, ours, monkeypatch):
    old = fashion_zoo.publish(run)
    changed(run, 0.5)

    def fails(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(manifest, "write_manifest", fails)
        with pytest.raises(KeyboardInterrupt):
            fashion_zoo.publish(run, force=True)
    fashion_zoo.get(NAME, weights=WORD)
    assert manifest.read_manifest(ours) == [old]


def test_float16_that_changes_decisions_is_not_taken(run, ours, monkeypatch):
    whole = publishing._in_half

    def rough(arrays):
        return {path: np.round(value, 1) for path, value in whole(arrays).items()}

    monkeypatch.setattr(publishing, "_in_half", rough)
    monkeypatch.setattr(publishing, "_CHANGED", 2)
    row = fashion_zoo.publish(run)
    stored = safetensors.numpy.load((ours / row.file).read_bytes())
    assert {str(value.dtype) for value in stored.values()} == {row.dtype} == {"float32"}
    monkeypatch.setattr(publishing, "_CHANGED", 5000)
    assert fashion_zoo.publish(run, force=True).dtype == "float16"


def test_a_weight_too_large_for_float16_is_not_halved():
    assert publishing._in_half({"a": np.array([7e4, 1], "float32")}) is None


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["spectral_normalization", "weight_standardization"])
def test_folded_kernels_are_unfolded(runs, tmp_path, ours, kernels):
    name = f"{NAME}.{kernels}"
    run = trained(tmp_path / "run", name)
    row = fashion_zoo.publish(run)
    found = run.evaluation
    assert row.test.accuracy == pytest.approx(found["accuracy"]["value"], abs=3e-4)
    assert row.test.nll == pytest.approx(found["nll"], abs=1e-3)
    assert fashion_zoo.evaluate(fashion_zoo.get(name, weights=WORD))["nll"] == row.test.nll


def test_a_layer_that_cannot_be_restored_is_one_sentence(run, ours, monkeypatch):
    monkeypatch.delattr(ScheduledDropout, "unfolded")
    with pytest.raises(WeightsError, match=r"cannot be restored: .* Give that layer a method unf"):
        fashion_zoo.publish(run)
    assert not ours.exists()


def test_weights_that_are_not_finite_are_not_published(run, ours):
    changed(run, np.nan)
    with pytest.raises(WeightsError, match="logits/kernel must be finite numbers of float32"):
        fashion_zoo.publish(run)
    assert not ours.exists()


def test_a_run_with_other_settings_or_without_its_end_is_refused(runs, run, ours, tmp_path):
    other = trained(tmp_path / "other", training={"epochs": 1})
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.publish(other)
    assert str(refused.value) == (
        f"{tmp_path}/other was trained with other settings than the defaults of tiny_mlp "
        "(training.epochs: 2, now 1). Publish a run with the defaults and any seed: "
        'fashion_zoo.train("tiny_mlp"), or these weights under a name of their own, with name.'
    )
    tested = dataclasses.replace(fashion_zoo.open_run(run).config, precision="mixed_bfloat16")
    with create(tmp_path / "tested", NAME, tested, {}) as tested:
        (tested.path / "training.json").write_text((run / "training.json").read_text())
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.publish(tested)
    assert (
        "(precision: 'float32', now 'mixed_bfloat16'; a run of verify has the precision of the row "
        "that it tests). Publish a run with the defaults"
    ) in str(refused.value)
    stored = json.loads((run / "training.json").read_text())
    (run / "training.json").write_text(json.dumps({**stored, "finished": False}))
    with pytest.raises(RunError, match=r"is not trained to its end\. Resume it with .*resume=True"):
        fashion_zoo.publish(run)
    assert not ours.exists()


@pytest.mark.slow
def test_a_run_that_the_command_of_its_row_does_not_repeat_is_refused(ours, runs, tmp_path):
    origin = trained(tmp_path / "origin", training={"epochs": 1}, evaluate=False)
    fork = trained(tmp_path / "fork", fork=origin, training={"epochs": 2}, evaluate=False)
    own = trained(tmp_path / "own", callbacks=[keras.callbacks.Callback()], evaluate=False)
    for run, other in (
        (fork, f"began as a fork of {tmp_path}/origin after 1 epoch"),
        (own, "was trained with callbacks of its own (Callback)"),
    ):
        with pytest.raises(RunError) as refused:
            fashion_zoo.publish(run)
        assert str(refused.value) == (
            f"{run.run.path} {other}, which the command of a row does not repeat. Train it again "
            'by its settings alone: fashion_zoo.train("tiny_mlp").'
        )
        assert session._same_run(run.run.path, NAME, run.run.config) is None
    assert not ours.exists()


@pytest.mark.slow
def test_the_row_of_a_run_that_was_resumed_elsewhere_names_both_places(run, ours):
    file = run / "environment.json"
    first = {**json.loads(file.read_text()), "commit": "a" * 40}
    moved = {**first, "commit": "b" * 40, "after_epoch": 1}
    file.write_text(json.dumps({**first, "resumed": [moved]}))
    row = fashion_zoo.publish(run)
    assert row.commit == f"{'a' * 40} then {'b' * 40}"
    assert " then " not in row.versions  # they are the same
    later = {**moved, "commit": None, "versions": {"keras": "9.0"}}
    file.write_text(json.dumps({**first, "resumed": [later]}))
    row = fashion_zoo.publish(run, force=True)
    assert row.commit == f"{'a' * 40} then unknown"
    assert row.versions.endswith(" then keras 9.0")


def test_nothing_is_lost_in_a_damaged_manifest(run, ours):
    fashion_zoo.publish(run)
    text = (ours / "manifest.json").read_text().replace('"seed": 3', '"seed": 4')
    (ours / "manifest.json").write_text(text)
    with pytest.raises(WeightsError, match="was edited"):
        fashion_zoo.publish(run)
    assert (ours / "manifest.json").read_text() == text


def test_the_command_publishes_into_a_folder_and_prints_the_figures(run, capsys, monkeypatch):
    monkeypatch.chdir(run.parent)
    assert command.main([str(run), "--to", "shipped"]) == 0
    (row,) = manifest.read_manifest(run.parent / "shipped")
    assert capsys.readouterr().out.splitlines() == [
        "weights     tiny_mlp, fashion_mnist",
        f"validation  accuracy {100 * row.validation.right / 5000:.2f} % "
        f"({row.validation.right:,} of 5,000 images), NLL {row.validation.nll:.4f}",
        f"test        accuracy {row.test.right / 100:.2f} % "
        f"({row.test.right:,} of 10,000 images), NLL {row.test.nll:.4f}",
        f"file        shipped/{row.file}, {row.size:,} bytes of float16",
    ]
    assert command.main([str(run), "--to", "shipped", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == dataclasses.asdict(row)
    (run.parent / "shipped" / "manifest.json").write_text("{")
    assert command.main([str(run), "--to", "shipped"]) == 10
    assert "error: shipped/manifest.json cannot be read" in capsys.readouterr().err
