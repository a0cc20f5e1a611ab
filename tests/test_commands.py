import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import fashion_zoo
from recipes import evaluate, info, list as listing, predict, schedules, train

QUICK = [
    "--data.limit", "500", "--training.epochs", "1", "--training.batch-size", "50",
    "--model.hidden-units", "16", "8",
]  # fmt: skip


def test_train_takes_every_field_and_reports(trained, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        fashion_zoo, "train", lambda name, **options: asked.append(options) or trained
    )
    flags = ["--run-dir", str(tmp_path), "--seed", "3", "--training.learning-rate", "0.002"]
    assert train.main(["bn_mlp", *QUICK, *flags]) == 0
    assert asked[0]["run_dir"] == str(tmp_path)
    assert asked[0]["evaluate"] is asked[0]["export"] is True
    assert asked[0]["config"] == fashion_zoo.override(
        fashion_zoo.recipe("bn_mlp").config,
        {
            "seed": 3,
            "model": {"hidden_units": (16, 8)},
            "data": {"limit": 500},
            "training": {"epochs": 1, "batch_size": 50, "learning_rate": 0.002},
        },
    )
    out = capsys.readouterr().out
    for word in (
        "validation  accuracy",
        "95 % interval",
        "same class on 100.00 % of 10,000 images",
    ):
        assert word in out
    assert f"Next: python -m recipes.predict {trained.run.path} PICTURE" in out


def test_a_run_goes_to_a_dated_folder_by_default_and_json_is_only_json(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    only = ["--no-evaluate", "--no-export"]
    assert train.main(["baseline_mlp", *QUICK, *only]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("baseline_mlp-20")
    captured = capsys.readouterr()
    assert "epoch 1/1" in captured.err
    assert f"Evaluate it with: python -m recipes.evaluate runs/{run.name}" in captured.out
    assert train.main(["baseline_mlp", "--run-dir", str(run), "--resume", *only, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["training"]["finished"] is True
    assert found["evaluation"] is None
    assert found["parity"] is None
    assert not (run / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["bn_mpl"], 3, "error: Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'?"),
        (["--seed", "3"], 2, "The name of the recipe comes first, received '--seed'"),
        (["bn_mlp", "--training.epoch", "5"], 2, "Did you mean --epochs?"),
        (["bn_mlp", "--training.epochs", "-5"], 2, "epochs must be a whole number of at least"),
        (["bn_mlp", "--training.epochs", "many"], 2, "many"),
        (["bn_mlp", "--model.dropout", "1.0"], 2, "below 1, received 1.0"),
        (["bn_mlp", "--data.folder", "/nowhere"], 4, "train-images-idx3-ubyte.gz is missing"),
        (["bn_mlp", "--run-dir", "/proc/r", *QUICK], 6, "error: Cannot write /proc/r: "),
        (["bn_mlp", "--import", "missing.py"], 3, "there is no such file"),
        (["bn_mlp", "--import"], 3, "--import needs a file or a module, received nothing"),
    ],
)
def test_train_answers_what_is_wrong(argv, code, message, capsys):
    assert train.main(argv) == code
    captured = capsys.readouterr()
    assert message in " ".join(captured.err.split())  # the parser wraps its text
    assert captured.out == ""
    assert code == 2 or len(captured.err.splitlines()) == 1


def test_an_error_has_a_traceback_only_with_debug(capsys):
    assert evaluate.main(["missing"]) == 5
    assert capsys.readouterr().err == "error: There is no run folder missing.\n"
    assert evaluate.main(["missing", "--debug"]) == 5
    assert "Traceback" in capsys.readouterr().err


def test_exit_codes_are_distinct():
    family = fashion_zoo.FashionZooError.__subclasses__()
    codes = [error.exit_code for error in (fashion_zoo.FashionZooError, *family)]
    assert len(set(codes)) == len(codes) == 9
    assert not {0, 2, 130} & set(codes)


def test_evaluate_prints_classes_and_json(trained, capsys):
    assert evaluate.main([str(trained.run.path)]) == 0
    printed = capsys.readouterr().out
    assert "95 % interval" in printed
    assert "Ankle boot" in printed
    assert evaluate.main([str(trained.run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == trained.evaluation


def test_predict_names_the_top_classes_and_warns_of_light_backgrounds(
    trained, images, tmp_path, capsys
):
    dark, light = tmp_path / "dark.png", tmp_path / "light.png"
    Image.fromarray(images.images[0]).save(dark)
    Image.fromarray(np.kron(255 - images.images[0], np.ones((2, 2), np.uint8))).save(light)
    assert predict.main([str(trained.run.path), str(dark), str(light)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == str(dark)
    assert lines[4] == f"{light} (56x56 to 28x28)"
    assert len(lines) == 8
    assert captured.err.count("warning") == 1
    assert f"{light} looks inverted: light at the border where the" in captured.err
    assert predict.main([str(trained.run.path), str(light), "--invert", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    values = [probability for _, probability in found["classes"]]
    assert values == sorted(values, reverse=True)
    assert found["notes"] == ["56x56 to 28x28", "inverted"]


def test_predict_names_what_is_not_a_picture(trained, tmp_path, capsys):
    (tmp_path / "a.png").write_text("no")
    assert predict.main([str(trained.run.path), str(tmp_path / "a.png")]) == 4
    assert "cannot be read as a picture" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "predict needs at least one picture, received none"),
        (["a.png", "--top", "0"], "top must be a whole number in 1..10, received 0"),
    ],
)
def test_predict_answers_what_is_wrong(trained, capsys, flags, message):
    assert predict.main([str(trained.run.path), *flags]) == 3
    assert message in capsys.readouterr().err


def test_brackets_in_a_summary_are_text(capsys):
    from fashion_zoo.show.tables import print_table

    print_table(None, ["idea"], [["[own] and [/x]"]])
    assert "[own] and [/x]" in capsys.readouterr().out


def test_list_and_info_show_every_recipe(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert listing.main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in fashion_zoo.list_recipes())
    assert listing.main(["*dropout*", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["name"] == "adaptive_dropout_mlp"
    assert info.main(["bn_mlp"]) == 0
    printed = capsys.readouterr().out
    assert "--model.hidden-units 512 256 128 64" in printed
    assert "--training.schedules.learning-rate one_cycle" in printed
    assert "\nreached     90." in printed
    monkeypatch.setattr(fashion_zoo, "read_results", dict)
    assert info.main(["bn_mlp"]) == 0
    assert "\nreached     not measured\n" in capsys.readouterr().out
    assert info.main(["bn_mlp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 576_010
    assert info.main(["bn_mpl"]) == 3


def test_every_default_that_info_prints_is_a_flag_of_train(capsys, monkeypatch):
    entry, trained = fashion_zoo.recipe("adaptive_dropout_mlp"), []

    def keep(name, *, config, **options):
        trained.append(config)
        raise fashion_zoo.TrainingError("that is all")

    monkeypatch.setattr(fashion_zoo, "train", keep)
    info.main([entry.name])
    lines = capsys.readouterr().out.split("defaults\n")[1].splitlines()
    train.main([entry.name, *shlex.split(" ".join(lines))])
    assert trained == [entry.config], capsys.readouterr().err


@pytest.mark.slow
def test_a_recipe_of_the_users_own_works_in_every_command(tmp_path, images):
    own = tmp_path / "own.py"
    own.write_text(
        "from fashion_zoo import MLPConfig, RunConfig, register\n"
        "from fashion_zoo.models.mlp import mlp\n"
        "@register(RunConfig(model=MLPConfig(hidden_units=(8,))), parameters=6370)\n"
        "def own_mlp(config, *, seed=0, dtype='float32'):\n"
        "    '''My own.'''\n"
        "    return mlp(config, name='own_mlp', seed=seed, dtype=dtype)\n"
    )
    Image.fromarray(images.images[0]).save(tmp_path / "a.png")
    run, flags = str(tmp_path / "r"), [word for word in QUICK if word != "8"]

    calls = [
        ["list"],
        ["info", "own_mlp"],
        ["train", "own_mlp", *flags, "--run-dir", run, "--no-evaluate", "--no-export"],
        ["evaluate", run],
        ["export", run, "--to", str(tmp_path / "to")],
        ["predict", run, str(tmp_path / "a.png")],
    ]
    code = (
        "import sys, json\nfrom recipes.__main__ import main\n"
        "for call in json.loads(sys.argv[1]):\n"
        "    assert main([*call, '--import', sys.argv[2]]) == 0"
    )
    command = [sys.executable, "-P", "-c", code, json.dumps(calls), str(own)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for words in ("own_mlp", "6,370", "95 % interval", "same class on 100.00 %", "a.png"):
        assert words in printed


def test_an_unreadable_place_is_one_line(capsys):
    name = "x" * 300
    assert train.main(["bn_mlp", "--run-dir", name, *QUICK]) == 6
    assert evaluate.main([name]) == 5
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_backend_that_is_not_there_is_one_line(trained):
    command = [sys.executable, "-P", "-m", "recipes.evaluate", str(trained.run.path)]
    surroundings = {**os.environ, "KERAS_BACKEND": "mxnet"}
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings)
    assert done.returncode == fashion_zoo.ConfigError.exit_code
    assert done.stderr.startswith("error: KERAS_BACKEND is 'mxnet', and Keras cannot start")
    assert done.stderr.endswith("set KERAS_BACKEND=tensorflow.\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_tensorflow_says_nothing_of_its_own_start(trained):
    command = [sys.executable, "-P", "-m", "recipes.evaluate", str(trained.run.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.slow
def test_schedules_draws_all_or_those_named(tmp_path, capsys):
    to = tmp_path / "all.png"
    assert schedules.main(["--to", str(to)]) == 0
    assert capsys.readouterr().out == f"{to}\n"
    with Image.open(to) as picture:
        assert picture.size == (1332, 1296)  # eleven, three a row
    assert schedules.main(["warmup >> step(at=[0.5])", "--to", str(tmp_path / "one.png")]) == 0
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size == (444, 360)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["warmup >> cosin"], "column 11: Unknown schedule 'cosin'. Did you mean 'cosine'?"),
        (["--to", "a.txt"], "The picture must end in one of"),
    ],
)
def test_schedules_answers_what_is_wrong(argv, message, capsys):
    assert schedules.main(argv) == 3
    assert message in capsys.readouterr().err


def test_resume_takes_the_stored_config_and_refuses_another(trained, tmp_path, capsys):
    run = str(trained.run.path)
    flags = ["--run-dir", run, "--no-evaluate", "--no-export"]
    assert train.main(["bn_mlp", *flags, "--resume"]) == 0
    assert "is finished: nothing is left to train." in capsys.readouterr().err
    assert train.main(["bn_mlp", *flags, "--resume", "--training.epochs", "3"]) == 5
    assert "training.epochs: 2, now 3. Leave these out, or begin" in capsys.readouterr().err
    assert train.main(["bn_mlp", *flags]) == 5
    assert "resume it with --resume" in capsys.readouterr().err
    fork = ["--fork", run, "--run-dir", str(tmp_path / "fork")]
    assert train.main(["bn_mlp", *fork, *flags[2:], "--training.epochs", "3"]) == 0
    assert "Resuming after epoch 2 of 3." in capsys.readouterr().err
    config = fashion_zoo.open_run(tmp_path / "fork").config
    assert (config.model.hidden_units, config.training.epochs) == ((32, 16), 3)
    assert train.main(["l2_mlp", *fork[:2], "--run-dir", str(tmp_path / "l2")]) == 5
    assert "is a run of bn_mlp, not of l2_mlp" in capsys.readouterr().err
