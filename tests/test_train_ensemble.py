"""Ensembles that train their members: what is trained, resumed, combined and exported."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, RunError, open_run, override, recipe, runs
from fashion_zoo.data import load
from fashion_zoo.ensembles import boosting, training
from fashion_zoo.ensembles.choosing import predicted
from recipes import ensemble

SMALL = {
    "model": {"hidden_units": (16,)},
    "data": {"limit": 400},
    "training": {"epochs": 2, "batch_size": 40, "learning_rate": 0.01},
}
FLAGS = [
    "--model.hidden-units", "16", "--data.limit", "400", "--epochs", "2", "--batch-size", "40",
    "--learning-rate", "0.01",
]  # fmt: skip


@pytest.fixture(scope="module")
def boosted(shared):
    """The folder with an ensemble of three boosted members. Do not write into it."""

    def make(folder):
        fashion_zoo.train_ensemble("bn_mlp", "boosting", members=3, to=folder / "e", **SMALL)

    return shared("boosted", make)[1]


class Kept:
    """Stands for a training: keeps the configs that are trained."""

    def __init__(self, dataset):
        self.configs, self.dataset = {}, dataset

    def __call__(self, config, path):
        self.configs[path.name] = config
        return path


def kept(method, folder, members=3):
    dataset = load(limit=400)
    config = override(recipe("bn_mlp").config, {**SMALL, "seed": 7})
    train = Kept(dataset)
    found = training.train_members(method, config, members, folder, dataset, train)
    return found, train.configs, config


def test_seeds_and_bagging_train_one_config_with_a_seed_for_each_member(tmp_path):
    for method, sampling in (("seeds", "shuffle"), ("bagging", "bootstrap")):
        found, configs, config = kept(method, tmp_path)
        assert found == [tmp_path / name for name in configs] == [tmp_path / n for n in "123"]
        assert [one.seed for one in configs.values()] == [7, 8, 9]
        for one in configs.values():
            assert one.training == override(config.training, {"sampling": sampling})


def test_snapshots_train_once_in_as_many_cycles(tmp_path):
    with pytest.raises(ConfigError, match="3 snapshots are of 3 equal cycles of whole epochs"):
        kept("snapshots", tmp_path)
    found, configs, _ = kept("snapshots", tmp_path, members=2)
    assert found == [tmp_path / "1"]
    assert configs["1"].training.snapshots == 2
    assert configs["1"].training.schedules.learning_rate == "restarts(2, 1)"


def test_snapshots_keep_a_schedule_that_was_chosen_and_refuse_one_without_cycles():
    def wanted(schedule):
        settings = {"epochs": 4, "schedules": {"learning_rate": schedule}}
        config = override(recipe("bn_mlp").config, {"training": settings})
        return training._changed("snapshots", config, 2).training.schedules.learning_rate

    assert wanted("one_cycle") == "restarts(2, 1)"  # the default
    assert wanted("restarts(2, 1, 0.1)") == "restarts(2, 1, 0.1)"
    with pytest.raises(ConfigError, match="snapshots"):
        wanted("constant")


def test_snapshots_refuse_to_stop_before_their_last_cycle():
    stopping = {"training": {"epochs": 4, "early_stopping": {"monitor": "loss"}}}
    config = override(recipe("bn_mlp").config, stopping)
    with pytest.raises(ConfigError, match="may not stop before"):
        training.check("snapshots", config, 2)


def test_a_boosted_member_that_has_begun_keeps_the_weights_it_was_trained_with(
    tmp_path, monkeypatch
):
    """On another machine, an image may be predicted in another class."""
    right = np.arange(400) % 4 > 0
    monkeypatch.setattr(training, "correct_of", lambda run, _: right)
    monkeypatch.setattr(training, "is_run", lambda path: path.name == "2")
    kept("boosting", tmp_path)
    before = (tmp_path / "weights-2.npy").read_bytes()
    monkeypatch.setattr(training, "correct_of", lambda run, _: ~right)
    kept("boosting", tmp_path)
    assert (tmp_path / "weights-2.npy").read_bytes() == before


def test_boosting_gives_each_member_the_weights_that_those_before_it_leave(tmp_path, monkeypatch):
    wrong = {"1": np.arange(400) % 4 == 0, "2": np.arange(400) % 5 == 0}
    monkeypatch.setattr(training, "correct_of", lambda run, _: ~wrong[run.name])
    _, configs, _ = kept("boosting", tmp_path)
    assert [one.training.weighting.file for one in configs.values()] == [
        None, str(tmp_path / "weights-2.npy"), str(tmp_path / "weights-3.npy"),
    ]  # fmt: skip
    assert [one.seed for one in configs.values()] == [7, 8, 9]
    weights = np.ones(400)
    for name in "12":
        weights = boosting.reweighted(~wrong[name], weights, 10)
        chosen = configs[str(int(name) + 1)].training.weighting
        assert np.load(chosen.file) == pytest.approx(weights, rel=1e-12)
        assert chosen.read(400) == pytest.approx(weights, rel=1e-12)
    _, again, _ = kept("boosting", tmp_path)
    assert again == configs


def test_what_does_not_fit_a_method_is_refused_before_anything_is_trained(tmp_path):
    np.save(tmp_path / "w.npy", np.ones(400))
    refused = {
        "class_weight 'balanced'": ("boosting", {"class_weight": "balanced"}),
        "weights of the images that boosting makes": (
            "boosting", {"weighting": {"file": str(tmp_path / "w.npy")}},
        ),
        "received sampling 'balanced'": ("bagging", {"sampling": "balanced"}),
        "5 snapshots are of 5 equal cycles": ("snapshots", {"epochs": 7}),
    }  # fmt: skip
    to = tmp_path / "e"
    for message, (method, settings) in refused.items():
        with pytest.raises(ConfigError, match=message):
            fashion_zoo.train_ensemble("bn_mlp", method, to=to, training=settings)
    with pytest.raises(ConfigError, match="members must be a whole number in"):
        fashion_zoo.train_ensemble("bn_mlp", "seeds", members=1, to=to)
    with pytest.raises(ConfigError, match="Did you mean 'boosting'"):
        fashion_zoo.train_ensemble("bn_mlp", "boost", to=to)
    assert [one.name for one in tmp_path.iterdir()] == ["w.npy"]


def finished(to, config, members=3):
    """Write what a finished ensemble of boosted members leaves in its folder, without a model."""
    row = {"path": "r", "recipe": "bn_mlp", "digest": "d", "validation_accuracy": 0.5}
    part = runs.Ensemble(
        method="boost",
        members=[{**row, "seed": seed, "weight": 1 / members} for seed in range(members)],
        temperature=None, validation_accuracy=0.5, parameters=2, member_parameters=1,
    )  # fmt: skip
    data = load(limit=400).describe()
    with runs.create(to, "bn_mlp", config, {}, data=data, ensemble=part, force=True) as run:
        ended = {"finished": True, "epochs": 0, "seconds": 1.0, "validation_accuracy": 0.5}
        (run.path / "training.json").write_text(json.dumps(ended))


def test_a_finished_ensemble_is_printed_again_and_with_other_settings_refused(
    tmp_path, capsys, monkeypatch
):
    to, config = tmp_path / "e", override(recipe("bn_mlp").config, SMALL)
    finished(to, config)
    monkeypatch.setattr("fashion_zoo.ensembles.training.train_members", pytest.fail)
    words = ["--train", "bn_mlp", "--method", "boosting", "--members", "3", "--to", str(to), *FLAGS]
    assert ensemble.main(words) == 0
    printed = capsys.readouterr()
    assert f"{to} is finished: nothing is left to train." in printed.err
    assert f"Next: python -m recipes.evaluate {to}" in printed.out
    assert ensemble.main([*words, "--epochs", "3", "--temperature", "--members", "2"]) == 5
    assert (
        f"{to} holds an ensemble of other settings. temperature: False, now True; seeds: [0, 1, 2],"
        " now [0, 1]; training.epochs: 2, now 3. Choose another place, or replace it with --force."
    ) in capsys.readouterr().err
    with runs.create(to, "bn_mlp", config, {}, force=True):
        pass
    assert ensemble.main(words) == 5
    assert "holds a run already. Choose another place, or replace" in capsys.readouterr().err


def test_an_ensemble_whose_making_was_killed_is_made_again(tmp_path, monkeypatch):
    to = tmp_path / "e"
    finished(to, override(recipe("bn_mlp").config, SMALL))
    (to / "training.json").unlink()
    monkeypatch.setattr(training, "train_members", lambda *_: ["its members"])
    monkeypatch.setattr(training, "ensemble", lambda *given, **options: (*given, options["force"]))
    made = fashion_zoo.train_ensemble("bn_mlp", "boosting", members=3, to=to, **SMALL)
    assert made == (["its members"], "boost", True)


def test_the_command_needs_a_folder_and_a_recipe(capsys):
    assert ensemble.main(["--train", "bn_mlp"]) == 3
    assert "--train needs --to, the folder of the ensemble" in capsys.readouterr().err
    assert ensemble.main(["--train"]) == 2
    assert "usage: python -m recipes.ensemble --train NAME" in capsys.readouterr().err
    assert ensemble.main(["--train", "bn_mlp", "--help"]) == 0
    assert "--method" in capsys.readouterr().out


@pytest.mark.slow
def test_a_boosted_ensemble_has_the_votes_of_samme_and_is_the_mean_that_they_weigh(boosted):
    run, data = open_run(boosted / "e"), load(limit=400)
    rows = run.ensemble["members"]
    folder = boosted / "e-members"
    assert run.ensemble["method"] == "boost"
    # another worker may have trained them in a folder that has been renamed since
    assert [Path(row["path"]).parts[-2:] for row in rows] == [(folder.name, name) for name in "123"]
    members = [open_run(folder / name) for name in "123"]
    found = [predicted(one.load_model(), data.train.images).argmax(axis=1) for one in members]
    correct = np.array(found) == data.train.labels
    votes, weights = boosting.votes(correct, 10), np.ones(400)
    for place in range(2):
        weights = boosting.reweighted(correct[place], weights, 10)
        file = Path(members[place + 1].config.training.weighting.file)
        assert np.load(folder / file.name) == pytest.approx(weights)
    used = sum(row["weight"] > 0 for row in rows)
    expected = np.where(np.arange(3) < used, votes, 0) / votes[:used].sum()
    assert [row["weight"] for row in rows] == pytest.approx(expected)
    log_probabilities = [predicted(one.load_model(), data.validation.images) for one in members]
    mean = np.log(np.einsum("m,mic->ic", expected, np.exp(log_probabilities)))
    assert predicted(run.load_model(), data.validation.images) == pytest.approx(mean, abs=1e-4)


@pytest.mark.slow
def test_the_export_of_a_boosted_ensemble_is_proved_as_that_of_any_run(boosted, tmp_path):
    parity = fashion_zoo.export(boosted / "e", tmp_path / "x")
    assert parity["same_class"] == 1.0
    assert parity["largest_probability_difference"] <= parity["tolerance"]


@pytest.mark.slow
def test_after_a_kill_finished_members_are_not_trained_again(boosted, tmp_path):
    folder = shutil.copytree(boosted / "e-members", tmp_path / "e-members")
    shutil.rmtree(folder / "3")
    before = (folder / "2" / "model.keras").stat().st_mtime_ns
    first, third = open_run(boosted / "e-members" / "1"), boosted / "e-members" / "3"
    with pytest.raises(RunError, match="cannot be resumed with another config"):  # of the weights
        shutil.copytree(boosted / "e-members" / "1", tmp_path / "wrong" / "1")
        settings = {**SMALL, "training": {**SMALL["training"], "epochs": 3}}
        fashion_zoo.train_ensemble(
            "bn_mlp", "boosting", members=3, to=tmp_path / "w", members_dir=tmp_path / "wrong",
            **settings,
        )  # fmt: skip
    assert first.finished
    run = fashion_zoo.train_ensemble("bn_mlp", "boosting", members=3, to=tmp_path / "e", **SMALL)
    assert (folder / "2" / "model.keras").stat().st_mtime_ns == before
    pairs = zip(
        open_run(folder / "3").load_model().get_weights(),
        open_run(third).load_model().get_weights(),
        strict=True,
    )
    assert all(np.array_equal(one, other) for one, other in pairs)
    stated = open_run(boosted / "e").ensemble
    assert run.ensemble["validation_accuracy"] == stated["validation_accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "members"), [("bagging", 2), ("snapshots", 2)])
def test_the_command_trains_and_combines(method, members, tmp_path, capsys):
    to = tmp_path / "e"
    words = ["--method", method, "--members", str(members), "--to", str(to), *FLAGS]
    assert ensemble.main(["--train", "bn_mlp", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if re.match(r"member .*, weight 0\.500$", line)]) == members
    assert f"Next: python -m recipes.evaluate {to}" in lines
    made = open_run(to).ensemble
    assert made["method"] == "average"
    assert len({row["digest"] for row in made["members"]}) == members
