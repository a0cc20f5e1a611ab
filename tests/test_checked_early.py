"""Whatever can be checked without a framework is answered before one is loaded."""

import gzip
import json
import subprocess
import sys

import pytest

from fashion_zoo.data.sources.fashion_mnist import EMBEDDED

# A program that answers each of its command lines with keras and all that loads it blocked.
PROGRAM = """
import contextlib, io, json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in ("keras", "tensorflow", "jax", "torch", "keras_tuner", "optuna"):
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, Blocked())
from recipes.__main__ import main

answers = []
for argv in json.loads(sys.argv[1]):
    said, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        try:
            code = main(argv)
        except AssertionError as error:
            code = str(error)
    answers.append([code, " ".join(said.getvalue().replace("│", "").split())])
print(json.dumps(answers))
"""


@pytest.fixture
def other_files(tmp_path):
    """A data folder whose labels are not the published ones."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file in EMBEDDED.glob("train-images*.gz"):
        (folder / file.name).symlink_to(file)
    (name,) = (file.name for file in EMBEDDED.glob("train-labels*.gz"))
    header = gzip.decompress((EMBEDDED / name).read_bytes())[:8]
    (folder / name).write_bytes(gzip.compress(header + bytes(60_000)))
    return str(folder)


def wrong_command_lines(run, other_files, folder):
    """Command lines with the exit code and a part of the answer."""
    big, no_model = str(folder / "big"), str(folder / "no_model")
    yield from [
        # names
        (["trian"], 2, "Did you mean 'train'?"),
        (["train", "BN_MLP"], 3, "Did you mean 'bn_mlp'?"),
        (["tune", "bn_mpl"], 3, "Did you mean 'bn_mlp'?"),
        (["find_lr", "bn_mpl"], 3, "Did you mean 'bn_mlp'?"),
        (["info", "bn_mpl"], 3, "Did you mean 'bn_mlp'?"),
        (["train", "bn_mlp", "--import", "nothing.py"], 3, "there is no such file"),
        # settings
        (["train", "bn_mlp", "--epochs", "0"], 2, "epochs must be a whole number"),
        (["train", "bn_mlp", "--epoch", "3"], 2, "Unknown option --epoch. Did you mean --epochs?"),
        (["train", "bn_mlp", "--devices", "al"], 2, "Did you mean 'all'?"),
        (["train", "bn_mlp", "--precision", "flot32"], 2, "Did you mean 'float32'?"),
        (["ensemble", "--train", "bn_mlp", "--method", "baging"], 2, "Did you mean 'bagging'?"),
        (["tune", "bn_mlp", "--pruner", "ash"], 2, "Did you mean 'asha'?"),
        (["train", "bn_mlp", "--training.metrics", "worst_recal"], 2, "mean 'worst_recall'?"),
        (["tune", "bn_mlp", "--minimize", "latency,latency"], 3, "is minimized once"),
        (["tune", "bn_mlp", "--minimize", "latency,parameter"], 3, "Did you mean 'parameters'?"),
        (["train", "bn_mlp", "--model.num-classes", "3"], 3, "num_classes is 3"),
        (["train", "bn_mlp", "--model.input-shape", "5"], 3, "input_shape=(5,)"),
        (["train", "bn_mlp", "--training.schedules.learning-rate", "cosin"], 2, "'cosine'"),
        (["train", "bn_mlp", "--training.augmentation", "flipp"], 2, "Did you mean 'flip'?"),
        (["train", "bn_mlp", "--data.folder", "/nowhere"], 4, "is missing"),
        (["train", "bn_mlp", "--data.folder", other_files], 4, "is not the published file"),
        # run folders
        (["train", "bn_mlp", "--resume"], 3, "--run-dir"),
        (["train", "bn_mlp", "--run-dir", run], 5, "--resume"),
        (["train", "bn_mlp", "--run-dir", run, "--resume"], 0, "is finished: nothing is left"),
        (["train", "bn_mlp", "--run-dir", run, "--resume", "--seed", "5"], 5, "seed: 0, now 5"),
        (["train", "l2_mlp", "--run-dir", run, "--resume"], 5, "is a run of bn_mlp, not of l2_mlp"),
        (["train", "bn_mlp", "--fork", "nowhere"], 5, "no run folder nowhere"),
        (["train", "bn_mlp", "--config", "nowhere"], 5, "cannot be read"),
        # find_lr
        (["find_lr", "bn_mlp", "--low", "1", "--high", "0.1"], 3, "low must be below high"),
        (["find_lr", "bn_mlp", "--steps", "2"], 3, "steps must be"),
        (["find_lr", "bn_mlp", "--seeds", "0"], 3, "seeds must be"),
        (["find_lr", "bn_mlp", "--to", "a.txt"], 3, "The picture must end in"),
        (["find_lr", "bn_mlp", "--model.num-classes", "3"], 3, "num_classes is 3"),
        (["find_lr", "bn_mlp", "--data.folder", other_files], 4, "is not the published file"),
        # searches
        (
            ["train", "bn_mlp", "--training.plateau.monitor", "accuracy"],
            2,
            "Set --training.schedules.learning-rate constant or",
        ),
        (["tune", "bn_mlp", "--trials", "0"], 3, "trials must be"),
        (["tune", "bn_mlp", "--candidates", "-1"], 3, "candidates must be"),
        (["tune", "bn_mlp", "--seeds", "0"], 3, "seeds must be"),
        (["tune", "bn_mlp", "--seconds", "0"], 3, "seconds must be"),
        (["tune", "bn_mlp", "--patience", "0"], 3, "patience must be"),
        (["tune", "bn_mlp", "--lease", "0"], 3, "lease must be"),
        (["tune", "bn_mlp", "--executions", "0"], 3, "executions must be"),
        (["tune", "bn_mlp", "--folds", "1"], 3, "folds must be at least 2"),
        (["tune", "bn_mlp", "--folds", "21", "--data.limit", "200"], 3, "20 training images"),
        (["tune", "bn_mlp", "--workers", "0"], 3, "--workers must be"),
        (["tune", "bn_mlp", "--study-name", "../x"], 3, "The name of a study"),
        (["tune", "bn_mlp", "--fix", "depth=3,batch_size=64"], 3, "with spaces between them"),
        (["tune", "bn_mlp", "--fix", "optimizer"], 3, "--fix takes NAME=VALUE"),
        (["tune", "bn_mlp", "--fix", "optimiser=adam"], 3, "Did you mean 'optimizer'?"),
        (["tune", "bn_mlp", "--fix", "optimizer=adm"], 3, "does not fit the recipe"),
        (["tune", "bn_mlp", "--space.learning-rate", "log(1, 0)"], 2, "needs low below high"),
        (["tune", "bn_mlp", "--space.optimizer", "'adm'"], 3, "does not fit the recipe"),
        (["tune", "bn_mlp", "--minimize", "latency", "--pruner", "asha"], 3, "cannot be pruned"),
        (["tune", "bn_mlp", "--model.num-classes", "3"], 3, "num_classes is 3"),
        (["tune", "bn_mlp", "--data.folder", other_files], 4, "is not the published file"),
        (["tune", "bn_mlp", "--dashboard", "--port", "0"], 3, "port must be"),
        # what uses a run
        (["evaluate", "nowhere"], 5, "no run folder nowhere"),
        *(
            ([command, run[:-1], *more], 5, f"Did you mean '{run}'?")
            for command, *more in (
                ["evaluate"],
                ["export", "--to", "x"],
                ["predict", "x.png"],
                ["inspect"],
                ["publish"],
                ["ensemble", run, "--to", "x"],
                ["distill", "bn_mlp"],
            )
        ),
        (["train", "bn_mlp", "--fork", run[:-1]], 5, f"Did you mean '{run}'?"),
        (["train", "bn_mlp", "--training.distillation.teacher", run[:-1]], 2, f"mean '{run}'?"),
        (
            ["distill", run, "bn_mlp", "--data.source", "digits"],
            3,
            "was trained on classes T-shirt",
        ),
        (["evaluate", no_model], 5, "has no model.keras"),
        (["evaluate", run, "--suspects", "nowhere"], 4, "There is no audit and no file"),
        (["export", "nowhere", "--to", "x"], 5, "no run folder nowhere"),
        (["export", no_model, "--to", big], 5, "has no model.keras"),
        (["export", run, "--to", f"{run}/saved_model"], 5, "holds an export already"),
        (["export", run, "--to", "x", "--format", "onx"], 3, "Did you mean 'onnx'?"),
        (["export", run, "--to", "model.pb"], 3, "is named like a file"),
        (["predict", run], 3, "at least one picture"),
        (["predict", run, "nowhere.png"], 4, "nowhere.png"),
        (["predict", run, f"{run}/curves.png", "--top", "0"], 3, "top must be"),
        (["predict", no_model, f"{run}/curves.png"], 5, "has no model.keras"),
        # audits
        (["audit", "digits", "--folds", "1"], 3, "folds must be at least 2"),
        (["audit", "digits", "--folds", "200"], 3, "--folds 0"),
        (["audit", "digits", "--data.limit", "100"], 3, "Leave out --data.limit"),
        (["audit", "digits", "--to", run], 5, "is not an audit"),
        (["audit", "digits", "--data.source", "x"], 3, "Leave out --data.source"),
        (["audit", "digit"], 2, "Did you mean 'digits'?"),
        # pictures and benchmarks
        (["schedules", "cosin"], 3, "Did you mean 'cosine'?"),
        (["augment", "flipp"], 3, "Did you mean 'flip'?"),
        (["augment", "flip", "--images", "0"], 3, "images must be"),
        (["augment", "flip", "--to", "a.txt"], 3, "The picture must end in"),
        (["verify", "bn_mpl"], 3, "Did you mean 'bn_mlp'?"),
        (["verify", "bn_mlp", "--seeds", "0"], 3, "seeds must be"),
        (["experiment", "accuracy", "--seeds", "1"], 3, "seeds must be"),
        (
            ["benchmark", "accuracy"],
            3,
            "accuracy is an experiment. Run it with: python -m recipes.",
        ),
        (["benchmark", "--seeds", "3", "dropout"], 3, "python -m recipes.experiment dropout"),
        (["benchmark", "search", "--page", "nowhere.md"], 4, "nowhere.md"),
        (["benchmark", "speed", "--rounds", "1"], 3, "rounds must be"),
        (["benchmark", "speed", "--seeds", "3"], 3, "--seeds is not of benchmark speed"),
    ]


def test_no_wrong_command_line_waits_for_a_framework(trained, other_files, tmp_path):
    no_model = tmp_path / "no_model"
    no_model.mkdir()
    (no_model / "config.json").write_bytes((trained.run.path / "config.json").read_bytes())
    table = list(wrong_command_lines(str(trained.run.path), other_files, tmp_path))
    command = [sys.executable, "-P", "-c", PROGRAM, json.dumps([argv for argv, *_ in table])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    answers = json.loads(done.stdout)
    wrong = [
        (argv, answer)
        for (argv, code, part), answer in zip(table, answers, strict=True)
        if answer[0] != code or part not in answer[1]
    ]
    assert wrong == []
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "studies").exists()
