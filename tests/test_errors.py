import ast
import dataclasses
import importlib
import inspect
import pickle
import re
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo.errors import (
    Call,
    ConfigError,
    FashionZooError,
    Hint,
    Message,
    TrainingError,
    advice,
)
from recipes import _spelling
from recipes.__main__ import COMMANDS

LIBRARY = Path(fashion_zoo.__file__).parent
TREES = {
    path.relative_to(LIBRARY).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(LIBRARY.rglob("*.py"))
}
# Words of other programs' command lines, nvidia-smi's and git's.
OTHERS = {"machine/devices.py", "machine/environment.py"}


@pytest.mark.parametrize(
    ("hint", "python", "flag"),
    [
        (Hint("run_dir"), "run_dir", "--run-dir"),
        (Hint("resume", True), "resume=True", "--resume"),
        (Hint("export", False), "export=False", "--no-export"),
        (Hint("fork", "my runs/a"), 'fork="my runs/a"', "--fork 'my runs/a'"),
        (
            Hint("training.learning_rate", 3e-05 / 10),
            'training={"learning_rate": 3e-06}',
            "--training.learning-rate 3e-06",
        ),
        (
            Hint("training.learning_rate", 1 / 300),
            'training={"learning_rate": 0.0033333333333333335}',
            "--training.learning-rate 0.0033333333333333335",
        ),
        (
            Hint("training.early_stopping.significant", False),
            'training={"early_stopping": {"significant": False}}',
            "--training.early-stopping.no-significant",
        ),
        (
            Hint("model.hidden_units", (64, 32)),
            'model={"hidden_units": (64, 32)}',
            "--model.hidden-units 64 32",
        ),
        (Hint("load_recipes"), "load_recipes", "--import"),
        (Hint("space", {"depth": "'x'"}), """space={"depth": "'x'"}""", "--fix depth=x"),
    ],
)
def test_a_hint_is_spelled_in_python_and_as_a_flag(hint, python, flag):
    error = TrainingError("Try ", hint, ".")
    assert str(error) == f"Try {python}."
    assert _spelling.message(error) == f"Try {flag}."


def test_others_who_print_the_arguments_of_an_error_print_all_of_it():
    """As the parser of a command line does, which then has flags."""
    parts = ("Set ", Hint("training.epochs", 3), " or less.")
    assert ConfigError(*parts).args == ('Set training={"epochs": 3} or less.',)
    with _spelling.in_flags():
        error = ConfigError(*parts)
    assert error.args == ("Set --training.epochs 3 or less.",)
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == str(ConfigError(*parts))


def test_a_call_is_spelled_in_python_and_as_a_command(monkeypatch):
    call = Call("train", ("own",), (Hint("run_dir", "a b"), Hint("resume", True)))
    assert str(call) == 'fashion_zoo.train("own", run_dir="a b", resume=True)'
    monkeypatch.setattr(_spelling, "imported", ["own.py"])
    assert _spelling.command(call) == (
        "python -m recipes.train own --run-dir 'a b' --resume --import own.py"
    )


def test_a_command_writes_paths_inside_its_folder_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "runs" / "a b", tmp_path.with_name(f"{tmp_path.name}-2") / "c"
    call = Call("train", (), (Hint("run_dir", str(inside)),))
    error = FashionZooError(f"{inside} and {outside} hold runs, x{tmp_path}/y. ", call)
    assert _spelling.message(error) == (
        f"runs/a b and {outside} hold runs, x{tmp_path}/y. "
        "python -m recipes.train --run-dir 'runs/a b'"
    )
    assert _spelling.message(f"In {tmp_path}/-x.") == f"In {tmp_path}/-x."
    monkeypatch.chdir("/")
    assert _spelling.message(f"In {inside}.") == f"In {inside}."


def test_hints_survive_notes_errors_inside_errors_and_pickle():
    with (
        pytest.raises(TrainingError) as caught,
        advice(lambda _: Message("Or ", Hint("force"), ".")),
    ):
        raise TrainingError("No: ", TrainingError("try ", Hint("low", 1e-9)))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), _spelling.message(again)) == ("No: try low=1e-09", "No: try --low 1e-09")
    assert [_spelling.message(note) for note in again.__notes__] == ["Or --force."]
    assert _spelling.message("plain") == "plain"


def test_no_text_of_the_library_names_a_flag_or_a_command():
    found = []
    for name, tree in TREES.items():
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(getattr(node, "body", None), list)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            text = node.value.replace("tensorboard --logdir", "")  # another program
            if id(node) in documented or (name in OTHERS and text.startswith("--")):
                continue
            if re.search(r"(?<![\w-])--(no-)?[a-z]|recipes\.[a-z_]+ ", text):
                found.append((name, node.lineno, text))
    assert found == []


def texts_of(node):
    """The text of a node, or each that an f-string of a section and a field can be."""
    if isinstance(node, ast.JoinedStr):
        if isinstance(node.values[0], ast.FormattedValue):  # what switches a part on
            parts = vars(fashion_zoo.TrainingConfig())
            return {
                f"training.{name}.{part.switch[0]}"
                for name, part in parts.items()
                if hasattr(part, "switch")
            }
        assert ast.literal_eval(node.values[0]) == "data."
        return {f"data.{field.name}" for field in dataclasses.fields(fashion_zoo.DataConfig)}
    return {ast.literal_eval(node)}


def test_every_hint_is_an_argument_of_a_public_function_and_a_flag_of_a_command():
    named = {"Hint": set(), "Call": set()}
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in named:
                named[node.func.id].update(texts_of(node.args[0]))
    hints, calls = named["Hint"], named["Call"]
    assert {"training.learning_rate", "resume", "space"} <= hints
    assert {"train", "evaluate"} <= calls <= set(COMMANDS) & set(fashion_zoo.__all__)
    flags = {"--import"}
    for command in COMMANDS:
        for value in vars(importlib.import_module(f"recipes.{command}")).values():
            if dataclasses.is_dataclass(value) and value.__module__ == f"recipes.{command}":
                flags.update(flags_of(value))
    architecture = dataclasses.fields(fashion_zoo.MLPConfig)
    flags.update(f"--model.{field.name.replace('_', '-')}" for field in architecture)
    for name in hints - {"space"}:
        assert _spelling.flag(name)[0] in flags, name
    assert "--fix" in flags
    arguments = {
        name
        for function in (
            *map(fashion_zoo.__getattr__, fashion_zoo.__all__),
            fashion_zoo.experiments.run,
        )
        if inspect.isfunction(function)
        for name in inspect.signature(function).parameters
    }
    fields = {field.name for field in dataclasses.fields(fashion_zoo.RunConfig)}
    for name in hints:
        first = name.split(".")[0]
        assert first in arguments | fields or hasattr(fashion_zoo, first), name


def flags_of(kind, prefix="--"):
    for field in dataclasses.fields(kind):
        name = f"{prefix}{field.name.replace('_', '-')}"
        yield name
        made = field.default_factory is not dataclasses.MISSING
        default = field.default_factory() if made else field.default
        if dataclasses.is_dataclass(default):
            yield from flags_of(default, f"{name}.")


def test_every_kind_of_error_takes_parts():
    for kind in FashionZooError.__subclasses__():
        assert str(kind("a ", Hint("force", True))) == "a force=True"
