"""How flags are read, shown and suggested, without anything being trained."""

import dataclasses
import functools
import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import RunConfig, TrainingConfig
from fashion_zoo.language.wording import counted, nearest
from recipes import (
    _common,
    _lines,
    augment,
    evaluate,
    experiment,
    export,
    find_lr,
    info,
    inspect as inspecting,
    list as listing,
    predict,
    schedules,
    train,
    tune,
)
from recipes.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("fashion_zoo/**/*.py"), *ROOT.glob("recipes/*.py")])
BN = fashion_zoo.recipe("bn_mlp")
METRICS = ("worst_recall", "gradient_norm")


def parsed(*words, config=BN.config):
    """What the flags of train make of the recipe's config."""
    return _common.parse_config(train.Train, words, "train bn_mlp", config, train._BRIEF)[1]


@pytest.mark.parametrize(
    ("words", "section", "name", "value"),
    [
        (["--epochs", "5"], "training", "epochs", 5),
        (["--epochs=5"], "training", "epochs", 5),
        (["--batch-size", "64"], "training", "batch_size", 64),
        (["--learning-rate", "1e-2"], "training", "learning_rate", 0.01),
        (["--training.clipping", "none"], "training", "clipping", "none"),
        (["--data.limit", "None"], "data", "limit", None),
        (["--data.limit", "none"], "data", "limit", None),
        (["--data.folder", "none"], "data", "folder", None),
        (["--model.hidden-units", "256,128"], "model", "hidden_units", (256, 128)),
        (["--model.hidden-units", "256", "128"], "model", "hidden_units", (256, 128)),
        (["--model.dropout", "0.3,0.1"], "model", "dropout", (0.3, 0.1)),
        (["--training.metrics", "worst_recall,gradient_norm"], "training", "metrics", METRICS),
        (["--training.metrics=worst_recall,gradient_norm"], "training", "metrics", METRICS),
        (["--training.metrics", "worst_recall", "gradient_norm"], "training", "metrics", METRICS),
        (["--training.metrics", "worst_recall,", "gradient_norm"], "training", "metrics", METRICS),
        (["--training.metrics"], "training", "metrics", ()),
    ],
)
def test_a_value_is_read_as_people_write_it(words, section, name, value):
    training = TrainingConfig(clipping="norm(1)")
    config = dataclasses.replace(BN.config, training=training)
    assert getattr(getattr(parsed(*words, config=config), section), name) == value


@pytest.mark.parametrize("name", fashion_zoo.list_recipes())
def test_numbers_may_be_separated_by_commas_whatever_the_defaults(name):
    config = fashion_zoo.recipe(name).config
    words = ["--model.hidden-units", "64,32,16", "--model.dropout", "0.3,0.1"]
    model = parsed(*words, config=config).model
    assert (model.hidden_units, model.dropout) == ((64, 32, 16), (0.3, 0.1))


@pytest.mark.parametrize(
    ("module", "words", "answer"),
    [
        (train, ["bn_mlp", "--out", "x"], "Unknown option --out. Did you mean --run-dir?"),
        (train, ["bn_mlp", "--output=x"], "Unknown option --output. Did you mean --run-dir?"),
        (train, ["bn_mlp", "--folder", "x"], "Unknown option --folder. Did you mean --run-dir?"),
        (train, ["bn_mlp", "--run_dirr", "x"], "--run_dirr. Did you mean --run-dir?"),
        (tune, ["bn_mlp", "--out-dir", "x"], "--out-dir. Did you mean --study-dir?"),
        (inspecting, ["run", "--outdir", "x"], "--outdir. Did you mean --to?"),
        (train, ["bn_mlp", "--dropout", "0.2"], "--dropout. Did you mean --model.dropout?"),
        (train, ["bn_mlp", "--lr", "1"], "--lr. Did you mean --learning-rate?"),
        (train, ["bn_mlp", "--epoch", "3"], "--epoch. Did you mean --epochs?"),
        (train, ["bn_mlp", "--xyzzy"], "Unknown option --xyzzy. python -m recipes.train bn_mlp"),
        (train, ["bn_mlp", "3"], "Unexpected argument '3'. python -m recipes.train bn_mlp --help"),
        (evaluate, ["run", "--run", "x"], "Unknown option --run. python -m recipes.evaluate"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest_one(module, words, answer, capsys):
    assert module.main(words) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert answer in said
    assert said.endswith("--help lists the options.")


COMMANDS_OF_ONE = [evaluate, export, predict, augment, listing, schedules, info, experiment]


@pytest.mark.parametrize("module", COMMANDS_OF_ONE)
def test_the_usage_names_what_a_command_takes(module, capsys):
    assert module.main(["--help"]) == 0
    paragraphs = capsys.readouterr().out.split("\n\n")
    (usage,) = (one for one in paragraphs if one.startswith("usage: "))
    assert re.search(r"\b(RUN|POLICY|PATTERN|SCHEDULE|NAME|EXPERIMENT)\b", usage)
    assert "TEXT" not in re.sub(r"--[\w.]+ (none\|)?TEXT", "", usage)


@pytest.mark.parametrize("module", [train, tune, find_lr])
def test_a_short_help_fits_a_narrow_terminal(module, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert module.main(["bn_mlp", "--help"]) == 0
    prose = capsys.readouterr().out.split("Examples:")[0]
    assert max(map(len, prose.splitlines())) <= 60


def test_the_word_none_is_a_pruner_of_tune():
    kind = functools.partial(tune.Tune, space=BN.space)
    words = ["--pruner", "none", "--epochs", "3", "--seconds", "none"]
    options, config = _common.parse_config(kind, words, "tune bn_mlp", BN.config, tune._BRIEF)
    assert (options.pruner, options.seconds, config.training.epochs) == ("none", None, 3)


def test_list_and_info_show_the_published_weights(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = fashion_zoo.weights.list_weights()
    distilled = [row for row in rows if row.weights == "fashion_mnist.distilled"]
    assert listing.main([]) == 0
    printed = capsys.readouterr().out
    assert "\n recipe                 idea " in printed, "it is a table at 80 columns"
    _, shown = printed.split("Published weights, and the recipes that have them:\n  fashion_mnist ")
    names = ", ".join(row.recipe for row in distilled)
    assert shown.splitlines()[-1] == f"  fashion_mnist.distilled  {names}"
    assert max(map(len, printed.splitlines())) <= 80
    (row,) = (row for row in distilled if row.recipe == "bn_mlp")
    assert info.main([row.recipe]) == 0
    reached = f"{100 * row.test.right / row.test.images:.2f} % on test"
    assert f"\nweights     fashion_mnist.distilled: {reached}, " in capsys.readouterr().out
    for command in (info, listing):
        assert command.main([row.recipe, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        (found,) = found if isinstance(found, list) else [found]
        assert found["weights"][1]["weights"] == row.weights
        assert found["weights"][1]["test"] == dataclasses.asdict(row.test)
    monkeypatch.setattr(fashion_zoo.weights, "list_weights", list)
    assert listing.main([row.recipe]) == 0
    assert "Published" not in capsys.readouterr().out
    assert info.main([row.recipe]) == 0
    assert "\nweights     none published\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", fashion_zoo.list_recipes())
def test_a_shell_takes_every_default_that_info_prints(name, capsys):
    assert info.main([name]) == 0
    words = shlex.split(capsys.readouterr().out.split("defaults\n")[1], comments=True)
    config = fashion_zoo.recipe(name).config
    other = RunConfig(
        model=type(config.model)(hidden_units=(8,), dropout=(0.5,)),
        training=TrainingConfig(epochs=1, clipping="norm", augmentation="flip"),
    )
    assert parsed(*words, config=other) == config


def test_settings_with_pipes_brackets_and_quotes_survive_a_shell():
    training = {
        "augmentation": "flip | mixup(0.2)",
        "schedules": {"mixing": "step(0, at=[0.8])", "learning_rate": "warmup(0.05) >> cosine"},
        "early_stopping": {"monitor": "accuracy", "significant": True},
    }
    data = {"folder": "a 'b' $c"}
    config = fashion_zoo.override(BN.config, {"training": training, "data": data})
    line = " ".join(shlex.join(words) for words in _lines.flags(dataclasses.asdict(config)))
    assert parsed(*shlex.split(line)) == config


@pytest.mark.parametrize(("module", "lines"), [(train, 45), (tune, 50), (find_lr, 45)])
def test_help_is_short_and_help_all_is_whole(module, lines, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert module.main(["bn_mlp", "--help"]) == 0
    short = capsys.readouterr().out
    assert len(short.splitlines()) <= lines
    assert module.main(["bn_mlp", "--help-all"]) == 0
    whole = capsys.readouterr().out
    flags = re.findall(r"^  (--[a-z.-]+)", short, re.M)
    assert len(flags) == len(module._BRIEF.settings) == 10
    for flag, path in zip(flags, module._BRIEF.settings, strict=True):
        assert path.replace("_", "-").endswith(flag[2:])
        assert f"--{path.replace('_', '-')}" in whole
    assert re.search(r"--help-all shows all \d+ options", short)
    assert "--training.early-stopping.monitor" in whole
    sentences = " ".join(whole.replace("│", "").split())
    assert "Words: adabound, adadelta, " in sentences
    assert sentences.count("Words: constant, linear, ") == 1  # six flags are schedules


@pytest.mark.parametrize("module", [train, tune, find_lr])
def test_the_examples_of_a_help_can_be_parsed(module, capsys):
    assert module.main(["l2_mlp", "--help"]) == 0
    examples = re.findall(r"^  python -m recipes\.\w+ l2_mlp(.*)", capsys.readouterr().out, re.M)
    assert len(examples) == 2
    entry = fashion_zoo.recipe("l2_mlp")
    kinds = {
        train: train.Train,
        find_lr: find_lr.FindLR,
        tune: lambda **fields: tune.Tune(space=entry.space, **fields),
    }
    for line in examples:
        words = shlex.split(line)
        _common.parse_config(kinds[module], words, "x l2_mlp", entry.config, module._BRIEF)


def test_a_family_of_ones_own_has_help(capsys):
    @dataclasses.dataclass(frozen=True)
    class Own:
        width: int = 3

    with pytest.raises(SystemExit):
        parsed("--help", config=RunConfig(model=Own()))
    said = capsys.readouterr().out
    assert "--epochs 20" in said
    assert "--model.hidden-units" not in said


def test_the_ranges_in_the_help_of_tune_can_be_copied(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert tune.main(["bn_mlp", "--help-all"]) == 0
    said = capsys.readouterr().out
    assert """(default: "choice('adam', 'adamw', 'sgd')")""" in said
    assert "(default: '0 | log(1e-3, 1e-1)')" in said
    assert "(default: none)" in said
    assert "None" not in said


@pytest.mark.parametrize(
    ("received", "name"), [("BN_MLP", "bn_mlp"), ("bn_mpl", "bn_mlp"), ("zz", None), ("BN", "Bn")]
)
def test_a_suggestion_does_not_mind_capital_letters(received, name):
    assert nearest(received, ["bn_mlp", "l2_mlp", "Bn"]) == name


def test_a_pattern_that_matches_nothing_is_answered(capsys):
    assert listing.main(["*bnmlp"]) == 3
    said = capsys.readouterr()
    assert said.err.startswith("error: Unknown recipe '*bnmlp'. Did you mean 'bn_mlp'? Known: ")
    assert said.out == ""
    assert listing.main(["zz*", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


@pytest.mark.parametrize("columns", [30, 50, 72, 80, 120])
def test_no_name_and_no_number_of_a_table_is_broken(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert listing.main([]) == 0
    words = capsys.readouterr().out.split()
    assert {*fashion_zoo.list_recipes(), "576,010", "575,050", "2,916,362"} <= set(words)


def test_a_number_of_things_has_the_right_noun():
    assert counted(1, "epoch") == "1 epoch"
    assert counted(0, "epoch") == "0 epochs"
    assert counted(1_206_538, "parameter") == "1,206,538 parameters"


def test_no_number_of_things_is_written_by_hand():
    nouns = "epochs|seeds|trials|steps|cores|rounds|folds|workers|processes"
    for path in SOURCES:
        text = path.read_text("utf-8")
        assert not re.search(rf"\}} (?:whole |fresh )?(?:{nouns})\b", text), path


def test_the_default_pictures_of_commands_are_no_business_of_git():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    pictures = []
    for name in COMMANDS:
        module = importlib.import_module(f"recipes.{name}")
        for kind in vars(module).values():
            if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__:
                pictures += [field.default for field in dataclasses.fields(kind)]
    pictures = [one for one in pictures if isinstance(one, str) and one.endswith(".png")]
    assert sorted(pictures) == ["augment.png", "find_lr.png", "schedules.png"]
    assert {f"/{picture}" for picture in pictures} <= set(ignored)


def test_nothing_is_said_to_be_on_an_index():
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *SOURCES]
    for path in pages:
        assert not re.search(r"install ['\"]?fashion[_-]zoo", path.read_text("utf-8")), path
