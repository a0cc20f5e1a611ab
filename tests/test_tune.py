import json
import os
import re
import signal
import subprocess
import sys

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, StudyError, tuning
from fashion_zoo.data import Dataset
from recipes import train, tune

SMALL = {"data": {"limit": 200}, "training": {"epochs": 2, "batch_size": 100}}
FEW = {
    "depth": "whole(1, 2)",
    "units": "choice(8, 16, 512, 256)",
    "batch_size": "100",
    "augmentation": "'none'",
    "mixing": "'none'",
}
FLAGS = [
    "--data.limit", "200", "--epochs", "2", "--fix", "batch-size=100", "augmentation=none",
    "mixing=none", "depth=1", "units=16",
]  # fmt: skip


@pytest.fixture(scope="session")
def found(tmp_path_factory):
    """A small search. Do not write into it."""
    folder = tmp_path_factory.mktemp("search") / "s"
    return fashion_zoo.tune(
        "bn_mlp", trials=2, study_dir=folder, space=FEW, candidates=1, seeds=2, **SMALL
    )


def test_a_search_ends_with_what_was_trained_again(found):
    assert sum(found.counts[1:3]) == found.counts.planned == 2
    assert (found.counts.running, found.counts.failed) == (0, 0)
    rows = json.loads((found.folder / "report.json").read_text())
    assert rows == found.candidates
    assert {row["trial"] for row in rows} >= {0}
    assert [row["mean"] for row in rows] == sorted((row["mean"] for row in rows), reverse=True)
    for row in rows:
        assert len(row["again"]) == 2
        assert row["mean"] == pytest.approx(sum(row["again"]) / 2)
        assert row["low"] < row["mean"] < row["high"]
        assert row["optimism"] == pytest.approx(row["score"] - row["mean"])
        assert (row["gain"] is None) == row["defaults"]


def test_the_page_has_a_picture_and_every_trial(found):
    page = (found.folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h2>Optimization history</h2>" in page
    assert "defaults</td>" in page
    rows = re.findall(
        r"<tr[^>]*><td>(\d)</td><td>(\d+\.\d\d %)</td><td>complete</td><td>2</td>", page
    )
    assert rows[0][0] == "0"
    assert "<th>command</th><td>called from Python</td>" in page
    assert 'src="http' not in page  # it stands alone


def test_fresh_seeds_chose_nothing(found):
    seeds = {path.name.split("-")[-1] for path in (found.folder / "again").iterdir()}
    assert seeds == {"1", "2"}  # the search has seed 0


def test_the_best_config_is_that_of_a_run_and_the_model_is_its_first(found):
    first = found.candidates[0]
    run = fashion_zoo.open_run(found.folder / "again" / f"trial-{first['trial']}-1")
    config = fashion_zoo.read_config(found.best, "bn_mlp")
    assert run.config == fashion_zoo.override(config, {"seed": 1})
    assert (found.folder / "best.keras").read_bytes() == run.model_file.read_bytes()


def test_the_first_trial_is_the_recipe(found):
    own = fashion_zoo.open_run(found.folder / "again" / "trial-0-1").config
    expected = fashion_zoo.override(fashion_zoo.recipe("bn_mlp").config, {**SMALL, "seed": 1})
    assert own.training == expected.training
    # Of the four layers of the recipe the space has room for two.
    assert own.model.hidden_units == (512, 256)
    assert own.model.dropout_rates == (0.2, 0.2)


def test_the_score_of_a_trial_is_that_of_training_its_config(found, tmp_path):
    run = fashion_zoo.open_run(found.folder / "again" / "trial-0-1")
    again = fashion_zoo.train(
        "bn_mlp", config=run.config, seed=0, run_dir=tmp_path / "r", evaluate=False, export=False
    )
    own = next(row for row in found.candidates if row["defaults"])
    assert own["score"] == pytest.approx(again.training["validation_accuracy"], abs=1e-6)


@pytest.mark.slow
def test_the_test_images_are_never_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Dataset, "test", property(lambda self: pytest.fail("it was read")))
    fashion_zoo.tune(
        "bn_mlp", trials=1, study_dir=tmp_path, space=FEW, candidates=1, seeds=1, **SMALL
    )


def test_a_search_goes_on_where_it_ended(found, monkeypatch):
    asked = []
    create = tuning.StudyOracle.create_trial
    monkeypatch.setattr(
        tuning.StudyOracle,
        "create_trial",
        lambda self, tuner: asked.append(create(self, tuner)) or asked[-1],
    )
    again = fashion_zoo.tune(
        "bn_mlp", trials=2, study_dir=found.folder, space=FEW, candidates=1, seeds=2, **SMALL
    )
    assert [trial.status for trial in asked] == ["STOPPED"]
    assert again.candidates == found.candidates


def test_another_search_in_the_same_folder_is_refused(found):
    with pytest.raises(StudyError, match=r"another search. config.data.limit: 200, now 600; "):
        fashion_zoo.tune("bn_mlp", study_dir=found.folder, space=FEW, data={"limit": 600})
    with pytest.raises(
        StudyError, match=r"space.depth: 'whole\(1, 2\)', now 'whole\(1, 5\)'. Repeat the"
    ):
        fashion_zoo.tune(
            "bn_mlp", study_dir=found.folder, space={**FEW, "depth": "whole(1, 5)"}, **SMALL
        )


@pytest.mark.slow
def test_a_trial_that_diverges_is_finished_with_a_mark(tmp_path):
    space = {**FEW, "optimizer": "'sgd'", "learning_rate": "1e30"}
    found = fashion_zoo.tune(
        "bn_mlp", trials=2, study_dir=tmp_path, space=space, candidates=2, **SMALL
    )
    assert found.counts.failed == 2
    assert found.candidates == []
    assert found.best is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials must be a whole number of at least 1"),
        ({"study_name": "../x"}, "The name of a study has letters, digits"),
        ({"seconds": 0}, "seconds must be a number above 0"),
        ({"sampler": "tpo"}, "Unknown sampler 'tpo'. Did you mean 'tpe'?"),
        ({"pruner": "hyperband"}, "Unknown pruner 'hyperband'"),
        ({"space": {"learning-rate": "1"}}, "Unknown option of the space 'learning-rate'. Did"),
        (
            {"training": {"profile": True}},
            "training.profile is for a single training; a search has",
        ),
        ({"training": {"tensorboard": True}}, 'Set training={"tensorboard": False}.'),
        ({"epochs": 3}, "Unknown option 'epochs'. Known: candidates, data"),
    ],
)
def test_bad_input_is_one_sentence(options, message, tmp_path):
    with pytest.raises(ConfigError, match=re.escape(message)):
        fashion_zoo.tune("bn_mlp", study_dir=tmp_path, **options)


def test_a_budget_of_no_time_begins_nothing(tmp_path):
    found = fashion_zoo.tune("bn_mlp", study_dir=tmp_path, space=FEW, seconds=1e-9, **SMALL)
    assert found.counts == (40, 0, 0, 0, 0)
    assert found.candidates == []


@pytest.mark.slow
def test_the_command_searches_and_train_takes_its_config(tmp_path, capsys):
    folder = tmp_path / "s"
    flags = ["--trials", "2", "--seeds", "2", "--candidates", "1", "--study-dir", str(folder)]
    assert tune.main(["bn_mlp", *FLAGS, *flags]) == 0
    captured = capsys.readouterr()
    assert re.search(r"^trial 0: \d+\.\d\d % after 2 epochs$", captured.err, re.M)
    assert re.search(r"^trials +\d done, \d pruned, 0 failed, of 2$", captured.out, re.M)
    assert re.search(
        r"^defaults +score \d+\.\d\d %, trained again .* over 2 fresh", captured.out, re.M
    )
    next_line = captured.out.splitlines()[-1]
    assert next_line == f"Next: python -m recipes.train bn_mlp --config {folder}/best.json"
    run = tmp_path / "r"
    words = next_line.split("recipes.train ")[1].split()
    flags = ["--run-dir", str(run), "--no-evaluate", "--no-export", "--training.epochs", "1"]
    assert train.main([*words, *flags]) == 0
    config = fashion_zoo.open_run(run).config
    assert config.model.hidden_units == (16,)
    assert config.data.limit == 200
    assert config.training.epochs == 1


def test_json_is_only_json(found, capsys):
    flags = [
        word for name, text in FEW.items() for word in (f"--space.{name.replace('_', '-')}", text)
    ]
    more = ["--trials", "2", "--candidates", "1", "--seeds", "2", "--json"]
    small = ["--data.limit", "200", "--training.epochs", "2", "--training.batch-size", "100"]
    assert tune.main(["bn_mlp", *small, *flags, *more, "--study-dir", str(found.folder)]) == 0
    assert json.loads(capsys.readouterr().out)["candidates"] == found.candidates


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1, received 0."),
        (["--fix", "optimizer"], "--fix takes NAME=VALUE, such as optimizer=adamw"),
        (
            ["--fix", "optimiser=adam"],
            "Unknown option of the space 'optimiser'. Did you mean 'optimizer'?",
        ),
        (["--fix", "optimizer=adm"], "does not fit the recipe. optimizer: Cannot read 'adm'"),
        (["--space.learning-rate", "log(1, 0)"], "space.learning_rate: Cannot read 'log(1, 0)'"),
    ],
)
def test_a_typo_is_answered(words, message, capsys):
    code = 2 if words[0].startswith("--space") else ConfigError.exit_code  # the parser's
    assert tune.main(["bn_mlp", *words]) == code
    assert message in " ".join(capsys.readouterr().err.replace("│", "").split())


@pytest.mark.slow
def test_several_workers_share_the_trials(tmp_path, capfd):
    folder = tmp_path / "s"
    flags = ["--trials", "4", "--workers", "2", "--seeds", "1", "--study-dir", str(folder)]
    assert tune.main(["bn_mlp", *FLAGS, "--pruner", "none", *flags]) == 0
    said = capfd.readouterr()
    assert sorted(re.findall(r"^trial (\d): \d+\.\d\d % after 2 epochs$", said.err, re.M)) == list(
        "0123"
    )
    assert re.search(r"^trials +4 done, 0 pruned, 0 failed, of 4$", said.out, re.M)
    opened = tuning.Study(
        f"sqlite:///{folder}/study.db", "bn_mlp", fingerprint=fingerprint(folder), trials=4
    )
    workers = {plan.outcome.user_attrs["worker"] for plan in opened.plans()}
    opened.close()
    assert len(workers) == 2


@pytest.mark.slow
def test_ctrl_c_gives_the_trial_back_and_the_next_call_goes_on(tmp_path):
    folder = tmp_path / "s"
    command = [
        sys.executable, "-P", "-m", "recipes.tune", "bn_mlp", "--trials", "2", "--candidates", "0",
        "--study-dir", str(folder), *FLAGS, "--epochs", "3000",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    study = None
    while process.poll() is None and not study:
        study = reported(folder)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "the next call runs this trial again" in said
    assert "No trial is lost. Run the same search again to resume it." in said
    opened = tuning.Study(
        f"sqlite:///{folder}/study.db", "bn_mlp", fingerprint=fingerprint(folder), trials=2
    )
    attempt = opened.claim()
    opened.close()
    assert attempt.index == 0
    assert attempt.values["units_1"] == 16


def reported(folder):
    """Whether an epoch has been reported."""
    import sqlite3

    file = folder / "study.db"
    if not file.is_file():
        return False
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            return database.execute("select count(*) from trial_intermediate_values").fetchone()[0]
    except sqlite3.OperationalError:  # its tables are being made
        return False


def fingerprint(folder):
    import optuna

    stored = optuna.load_study(study_name="bn_mlp", storage=f"sqlite:///{folder}/study.db")
    found = dict(stored.user_attrs["fingerprint"])
    del found["format"]
    return found
