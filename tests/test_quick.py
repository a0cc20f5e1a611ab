"""A quick look at an experiment, and its verdicts where the command writes them."""

import sys
from pathlib import Path

import pytest
from arms import OWN, FakeRun

from fashion_zoo import experiments, load_recipes, registry
from fashion_zoo.data import load
from fashion_zoo.experiments import Experiment, page, training
from recipes import experiment

pytestmark = pytest.mark.usefixtures("no_memory_given_back")


@pytest.fixture
def own(tmp_path):
    (tmp_path / "width.py").write_text(OWN)
    return experiment.find(str(tmp_path / "width.py"))


def test_a_quick_look_has_its_own_changes_seeds_and_folder_and_writes_no_page(
    tmp_path, monkeypatch, trained_runs, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("own.md").write_text(marks := "<!-- results:begin -->\n<!-- results:end -->\n")
    text = OWN.replace("settings=", 'page="own.md",\n    settings=')
    Path("width.py").write_text(text)
    assert experiment.main(["width.py", "--quick", "--data.source", "fashion_mnist"]) == 0
    assert [path.relative_to(tmp_path).as_posix() for path, _ in trained_runs] == [
        f"runs/width-quick/{arm}-{seed}" for seed in (0, 1) for arm in ("as_it_is", "wide")
    ]
    config = trained_runs[-1][1]
    assert (config.data.limit, config.training.epochs, config.seed) == (2000, 2, 1)
    assert config.model.hidden_units == (32, 16), "the arms stay what they are"
    printed = capsys.readouterr().out
    assert "A quick look, which the whole experiment may contradict: 2 seeds. a CPU" in printed
    assert "reproduces" not in printed
    assert Path("own.md").read_text() == marks
    assert [path.as_posix() for path in Path().rglob("*.csv")] == [
        "runs/width-quick/width-quick.csv"
    ]
    assert experiment.main(["width.py", "--quick", "--page", "own.md"]) == 3
    assert "A quick look writes no page. Leave out --page or --quick." in capsys.readouterr().err
    own = Experiment(**{**vars(experiment.find("width.py")), "quick": experiments.Quick({}, 3)})
    experiments.run(own, quick=True, folder="other")
    assert len(list(page.read_rows(Path("other/width-quick.csv")))) == 6


def test_claims_on_arms_that_a_quick_look_leaves_out_are_left_out():
    arms = [experiments.Arm(name, "bn_mlp") for name in ("a", "b", "c")]
    claims = [
        experiments.Claim("a", "b"),
        experiments.Claim("a", "c"),
        experiments.Claim("b", lambda measured: "a"),
        experiments.Contrast("c", weights={"a": 1, "c": -1}),
    ]
    given = {"columns": [experiments.columns.name("recipe")], "claims": claims}
    quick = experiments.Quick(arms=arms[:2])
    whole = Experiment("mine", "What?", arms, quick=quick, **given)
    assert whole.quickly().claims == [claims[0], claims[2]]
    assert [arm.name for arm in whole.quickly().all_arms()] == ["a", "b"]
    assert Experiment("mine", "What?", arms, **given).quickly().claims == claims


def test_verdicts_stand_above_the_table_and_on_the_page(tmp_path, own, trained_runs):
    place = tmp_path / "width.md"
    place.write_text("<!-- results:begin -->\n<!-- results:end -->\n")
    claims = [experiments.Claim("wide", "as it is", "seconds", unit="s", scale=1)]
    tested = Experiment(**{**vars(own), "claims": claims})
    text = experiments.run(tested, seeds=2, folder=tmp_path / "runs", page=place)
    assert text.startswith(
        "- The seconds of `wide` are higher than those of `as it is`. "
        "These seeds cannot tell: seconds of `wide` equal those of `as it is` "
    )
    assert "\n\n| bn_mlp | validation accuracy |" in text
    assert text.removesuffix(f"\n\nPage: {place}") in place.read_text()


def test_an_older_evaluation_is_done_again_where_it_lacks_what_a_claim_needs(
    tmp_path, own, trained_runs, monkeypatch
):
    known, again = {"accuracy": {"value": 0.9}}, []

    def evaluate_run(run, given, draw):
        again.append((run, draw))
        known["correct"] = "same:2:gA=="

    monkeypatch.setattr(FakeRun, "result", lambda run, word: known)
    monkeypatch.setattr("fashion_zoo.evaluation.evaluate_run", evaluate_run)
    tested = Experiment(**{**vars(own), "claims": [experiments.Claim("wide", "as it is")]})
    experiments.run(tested, seeds=2, folder=tmp_path)
    assert [draw for _, draw in again] == [False]
    assert [row["correct"] for row in page.read_rows(tmp_path / "width.csv")] == ["same:2:gA=="] * 4


@pytest.mark.parametrize("name", experiment.names())
def test_a_quick_look_has_images_for_every_arm(name, monkeypatch):
    registry.list_recipes()
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    found = experiment.find(name)
    if name in ("audit", "mislabelled"):  # an audit takes all images
        assert not found.quick.changes.get("data")
    for source in found.imports:
        monkeypatch.delitem(sys.modules, source, raising=False)  # so that it is registered here
        load_recipes(source)
    quick = found.quickly()
    configs = training.configs_of(quick, quick.all_arms(), [found.quick.changes])
    for data in {config.data for config in configs.values()} - {None}:
        if not str(data.source).startswith("mnist"):  # which needs another package
            assert len(load(data).train.labels) > 0
