"""Recipes that are compared at the prompt: what is trained, tested, kept and answered."""

import json
from pathlib import Path

import pytest
from arms import FakeRun

import fashion_zoo
from fashion_zoo import ConfigError
from fashion_zoo.experiments import Arm, page
from recipes import compare

REACHED = {0: [0.900, 0.902, 0.899], 0.4: [0.903, 0.906, 0.901], 0.5: [0.9, 0.901, 0.9]}


@pytest.fixture
def trained_runs(monkeypatch):
    """The name of the folder of each training; nothing is trained."""
    made = []

    def train_once(entry, config, path, display, data):
        made.append(path.name)
        return FakeRun(entry.name, config, "a" * 40)

    def result(run, word):
        reached = REACHED[max(run.config.model.dropout)][run.config.seed]
        return {"accuracy": {"value": reached}, "correct": "same:8:/w=="}

    monkeypatch.setattr("fashion_zoo.training.session.train_once", train_once)
    monkeypatch.setattr("fashion_zoo.machine.devices.gc.collect", lambda: None)
    monkeypatch.setattr("recipes._common.start_keras", lambda: None)
    monkeypatch.setattr(FakeRun, "result", result)
    return made


PLAIN, MORE = "bn_mlp --model.dropout 0", "bn_mlp --model.dropout 0.4"


def test_a_question_at_the_prompt_is_answered_in_a_sentence_and_a_table(
    tmp_path, monkeypatch, trained_runs, capsys
):
    monkeypatch.chdir(tmp_path)
    assert compare.main([PLAIN, MORE, "--seeds", "3"]) == 0
    printed = capsys.readouterr().out
    # by hand: differences 0.3, 0.4 and 0.2 points, t(0.975, 2) = 4.3027, half width 0.248
    assert printed.startswith(
        f"- The test accuracy of `{MORE}` is higher than that of `{PLAIN}`. "
        f"Holds here: test accuracy of `{MORE}` is 0.30 points higher than that of `{PLAIN}` "
        "(95 % interval +0.05 to +0.55, 3 seeds)."
    )
    assert f"\n| `{MORE}` | 100.00 % (100.00 to 100.00) | 90.33 % (" in printed
    assert " | +0.30 (+0.05 to +0.55) | +3.00 |\n" in printed, "their standard deviation is 0.1"
    assert f"`python -m recipes.compare '{PLAIN}' '{MORE}' --seeds 3` reproduces" in printed
    places = [name.rpartition("-") for name in trained_runs]
    assert [seed for *_, seed in places] == ["0", "0", "1", "1", "2", "2"]
    assert len({name for name, *_ in places}) == 2
    (rows,) = Path("runs/compare").glob("compare-*.csv")
    assert [row["arm"] for row in page.read_rows(rows)] == [PLAIN] * 3 + [MORE] * 3


def test_another_comparison_takes_the_same_run_of_the_same_recipe(
    tmp_path, monkeypatch, trained_runs, capsys
):
    monkeypatch.chdir(tmp_path)
    assert compare.main([PLAIN, MORE, "--seeds", "2"]) == 0
    first, again = set(trained_runs), "bn_mlp --model.dropout=0.0"
    trained_runs.clear()
    more = "bn_mlp --model.dropout 0.5"
    assert compare.main([again, more, MORE, "--seeds", "2", "--least", "0.001"]) == 0
    assert first < set(trained_runs)
    assert len(list(Path("runs/compare").glob("compare-*.csv"))) == 2
    printed = capsys.readouterr().out
    assert "The claim was a difference above +0.10 points." in printed
    assert "for all claims together, by Holm's procedure" in printed


def test_the_verdicts_are_data(tmp_path, monkeypatch, trained_runs, capsys):
    monkeypatch.chdir(tmp_path)
    assert compare.main([PLAIN, MORE, "--seeds", "3", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["arm"], found["against"], found["word"]) == (MORE, PLAIN, "holds here")
    assert found["difference"] == pytest.approx(0.003)
    assert found["effect"] == pytest.approx(3)
    more = Arm("more", changes={"model": {"dropout": 0.4}})
    same = fashion_zoo.compare(["bn_mlp", more], seeds=3, model={"dropout": 0.0}, folder="own")
    assert same.verdicts[0].interval == pytest.approx(found["interval"])
    assert "reproduces" not in str(same)
    assert list(Path("own").glob("compare-*.csv"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bn_mlp"], 3, "compare takes a list of at least two recipes, received 1."),
        (["bn_mlp", "bn_mpl"], 3, "Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'?"),
        (["bn_mlp", "bn_mlp --seeds 3"], 2, "Unknown option --seeds. Did you mean --seed?"),
        (["bn_mlp", "bn_mlp --dropuot 1"], 2, "python -m recipes.train bn_mlp --help lists the"),
        (["bn_mlp", "bn_mlp --seed 3"], 3, "have the same seeds, 0, 1 and so on, and"),
        (["bn_mlp", "bn_mlp --model.dropout 0.2"], 3, "are the same training: there is nothing"),
        (["bn_mlp", "bn_mlp --model.dropout '0.2"], 3, "cannot be read: No closing quotation"),
        (["bn_mlp", ""], 3, "has no name"),
        (["bn_mlp", "l2_mlp", "--seeds", "1"], 3, "seeds must be at least 2, for an interval"),
    ],
)
def test_what_cannot_be_compared_is_answered(
    tmp_path, monkeypatch, trained_runs, capsys, words, code, said
):
    monkeypatch.chdir(tmp_path)
    assert compare.main(words) == code
    assert said in capsys.readouterr().err
    assert trained_runs == []


@pytest.mark.parametrize(
    ("own", "what"),
    [({"program": lambda seed, data: {}}, "a program"), ({"teacher": "bn_mlp"}, "a teacher")],
)
def test_an_arm_whose_parts_would_be_left_out_is_refused(own, what):
    with pytest.raises(ConfigError, match=f"and 'mine' has {what}. Write an experiment"):
        fashion_zoo.compare(["bn_mlp", Arm("mine", **own)])


def test_an_arm_is_a_name_or_an_arm():
    with pytest.raises(ConfigError, match="names of recipes and Arms, received 3"):
        fashion_zoo.compare(["bn_mlp", 3])
    with pytest.raises(ConfigError, match="at least two recipes, received 'bn_mlp'"):
        fashion_zoo.compare("bn_mlp")
