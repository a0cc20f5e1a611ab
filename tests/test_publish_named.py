"""Weights that were trained otherwise than by default have a name, and say what made them."""

import functools
import json
import shutil
import types

import pytest
import safetensors.numpy
from shipping import TAUGHT, WORD, registered, trained

import fashion_zoo
from fashion_zoo import ConfigError, RunError, registry
from fashion_zoo.config import digest
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.weights import manifest, publishing
from recipes import publish as command

NAME = "tiny_mlp"
BRIEF = {"epochs": 1, "batch_size": 50}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A teacher with settings of its own, and its student. Do not write into them."""
    folder = tmp_path_factory.mktemp("named")
    with registered(folder):
        teacher = trained(
            folder / "one", f"{NAME}.same", model={"hidden_units": (12,)}, training=BRIEF, seed=7,
            evaluate=False,
        )  # fmt: skip
        training = {**BRIEF, "learning_rate": 1 / 300, "distillation": {"teacher": teacher}}
        trained(folder / "student", training=training, seed=3, evaluate=False)
        yield folder


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """An empty folder, which is that of the package; no row needs the evaluation of its run."""
    monkeypatch.setattr(publishing, "evaluate_run", lambda run: None)
    monkeypatch.setattr(manifest, "FOLDER", tmp_path / "ours")
    return manifest.FOLDER


@pytest.fixture
def moved(runs, tmp_path):
    """Copies of the runs; the student names the copy of its teacher."""
    for name in ("one", "student"):
        shutil.copytree(runs / name, tmp_path / name)
    file = tmp_path / "student" / "config.json"
    file.write_text(file.read_text().replace(str(runs), str(tmp_path)))
    return tmp_path


COMMAND = """\
fashion_zoo.load_recipes("tiny.py")
fashion_zoo.train("tiny_mlp.same", model={"hidden_units": (12,)}, training={"batch_size": 50}, \
seed=7, run_dir="runs/teacher")
fashion_zoo.train("tiny_mlp", training={"epochs": 1, "batch_size": 50, \
"learning_rate": 0.0033333333333333335, "distillation": {"teacher": "runs/teacher"}}, seed=3)"""


def test_the_row_of_a_student_says_how_it_and_its_teacher_were_trained(runs, ours):
    row = fashion_zoo.publish(runs / "student", name="taught")
    assert (row.recipe, row.weights, row.seed) == (NAME, TAUGHT, 3)
    assert row.command == COMMAND
    defaults = fashion_zoo.recipe(NAME).config
    assert row.defaults == digest.of(defaults)
    made = {"teacher": runs / "one", "digest": digest_of(runs / "one")}
    training = {**BRIEF, "learning_rate": 1 / 300, "distillation": made}
    assert row.config == digest.of(fashion_zoo.override(defaults, {"training": training}))
    assert manifest.read_manifest(ours) == [row]


def again(lines, monkeypatch, folder):
    """Run the lines of a row in a folder, where the recipes are known."""
    monkeypatch.chdir(folder)
    train = functools.partial(fashion_zoo.train, export=False, evaluate=False, progress=False)
    names = {"load_recipes": lambda source: None, "ensemble": fashion_zoo.ensemble}
    exec(lines, {"fashion_zoo": types.SimpleNamespace(train=train, **names)})
    (run,) = (folder / "runs").glob(f"{NAME}-*")
    return run


def assert_same(*files):
    """All numbers are the same; digests of models have the name of an optimizer, which Keras counts
    in a process."""
    one, other = (safetensors.numpy.load(file.read_bytes()) for file in files)
    assert one.keys() == other.keys()
    assert all((one[path] == other[path]).all() for path in one)


@pytest.mark.slow
def test_the_command_makes_the_same_weights(runs, ours, tmp_path, monkeypatch):
    run = again(COMMAND, monkeypatch, tmp_path)
    row = fashion_zoo.publish(run, name="taught", to="again")
    first = fashion_zoo.publish(runs / "student", name="taught")
    assert row.command == first.command
    assert row.test == first.test
    assert_same(tmp_path / "again" / row.file, ours / first.file)


@pytest.mark.slow
def test_a_teacher_that_is_an_ensemble_is_made_of_its_members(runs, ours, tmp_path, monkeypatch):
    two = trained(tmp_path / "two", training=BRIEF, evaluate=False)
    made = fashion_zoo.ensemble(
        [runs / "one", two], "greedy(2)", to=tmp_path / "both", temperature=True, progress=False
    )
    training = {**BRIEF, "distillation": {"teacher": made}}
    run = trained(tmp_path / "run", training=training, evaluate=False)
    row = fashion_zoo.publish(run, name="taught")
    lines = row.command.splitlines()
    assert lines[:2] == COMMAND.replace("runs/teacher", "runs/teacher.1").splitlines()[:2]
    assert lines[2:] == [
        'fashion_zoo.train("tiny_mlp", training={"epochs": 1, "batch_size": 50}, '
        'run_dir="runs/teacher.2")',
        "fashion_zoo.ensemble(runs=['runs/teacher.1', 'runs/teacher.2'], method=\"greedy(2)\", "
        'to="runs/teacher", temperature=True)',
        'fashion_zoo.train("tiny_mlp", training={"epochs": 1, "batch_size": 50, "distillation": '
        '{"teacher": "runs/teacher"}})',
    ]
    run = again(row.command, monkeypatch, tmp_path)
    other = fashion_zoo.publish(run, name="taught", to="again")
    assert_same(tmp_path / "again" / other.file, ours / row.file)


@pytest.mark.slow
def test_weights_with_a_name_and_without_stand_beside_each_other(runs, ours, tmp_path):
    named = fashion_zoo.publish(runs / "student", name="taught")
    usual = fashion_zoo.publish(trained(tmp_path / "usual", evaluate=False))
    assert manifest.read_manifest(ours) == [usual, named]
    assert usual.config == usual.defaults == named.defaults
    again = fashion_zoo.publish(
        tmp_path / "usual", name="taught", force=True
    )  # of the defaults, too
    assert manifest.read_manifest(ours) == [usual, again]
    assert (again.weights, again.command) == (TAUGHT, usual.command)
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.get(NAME, weights=f"{WORD}.tought")
    assert str(refused.value).startswith(
        f"Unknown weights of tiny_mlp 'fashion_mnist.tought'. Did you mean {TAUGHT!r}? Known: "
        f"fashion_mnist, {TAUGHT}. Train them with"
    )


@pytest.mark.parametrize("name", ["", "a.b", "a b", "../a", "1", "idx", "digits", WORD])
def test_what_cannot_be_a_name_is_refused(runs, ours, name):
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.publish(runs / "student", name=name)
    assert str(refused.value) == (
        "The name of weights is an identifier, such as 'distilled', and no source of images, "
        f"received {name!r}."
    )


def test_another_model_has_no_name_and_another_training_needs_one(runs, ours):
    with pytest.raises(ConfigError) as refused:
        fashion_zoo.publish(runs / "one", name="wide")
    assert str(refused.value) == (
        f"{runs}/one was trained with other settings than the defaults of tiny_mlp.same "
        "(model.hidden_units: (8,), now (12,)). Publish a run with the defaults and any seed: "
        'fashion_zoo.train("tiny_mlp.same"), or with other settings than those of the model.'
    )
    with pytest.raises(ConfigError, match=r'_mlp"\), or these weights under a name of their own, '):
        fashion_zoo.publish(runs / "student")
    assert not ours.exists()


def test_a_teacher_that_is_gone_or_another_one_is_refused(moved, ours, monkeypatch):
    student, teacher = moved / "student", moved / "one"
    opened = fashion_zoo.open_run(teacher)
    opened.save_model(fashion_zoo.get(NAME, hidden_units=(12,), seed=1))
    with pytest.raises(RunError) as refused:
        fashion_zoo.publish(student, name="taught")
    note = f"{student} was made with {teacher}, whose training its row names, too."
    assert refused.value.__notes__ == [note]
    assert str(refused.value) == (
        f"{teacher} has another model than the one that {student} was made with. Put that one "
        "back, or make a new run with this one."
    )
    monkeypatch.delitem(registry._recipes, f"{NAME}.same")
    with pytest.raises(RunError, match=r"Unknown recipe 'tiny_mlp\.same'.* with load_recipes\."):
        fashion_zoo.publish(student, name="taught")
    shutil.rmtree(teacher)
    with pytest.raises(RunError, match="There is no run folder") as refused:
        fashion_zoo.publish(student, name="taught")
    assert refused.value.__notes__ == [note]
    assert not ours.exists()


def stored(file, **fields):
    """Change the content of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def test_what_the_settings_do_not_repeat_is_refused(moved, ours, tmp_path):
    stored(moved / "one" / "environment.json", callbacks=["Mine"])
    with pytest.raises(RunError) as refused:
        fashion_zoo.publish(moved / "student", name="taught")
    assert str(refused.value) == (
        f"{moved}/one was trained with callbacks of its own (Mine), which the command of a row "
        "does not repeat. Train it again by its settings alone: "
        'fashion_zoo.train("tiny_mlp.same", model={"hidden_units": (12,)}, '
        'training={"batch_size": 50}, seed=7).'
    )
    (tmp_path / "left.txt").write_text("3\n")
    less = {"exclude": tmp_path / "left.txt"}
    run = trained(tmp_path / "less", training=BRIEF, data=less, evaluate=False)
    with pytest.raises(RunError, match=f"was trained with data.exclude '{tmp_path}/left.txt', whi"):
        fashion_zoo.publish(run, name="less")
    assert not ours.exists()


def test_the_command_publishes_under_a_name(runs, ours, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [str(runs / "student"), "--name", "taught", "--to", "shipped"]
    assert command.main(given) == 0
    (row,) = manifest.read_manifest(tmp_path / "shipped")
    assert capsys.readouterr().out.startswith(f"weights     tiny_mlp, {TAUGHT}\n")
    assert row.weights == TAUGHT
    assert command.main([str(runs / "student")]) == 3
    assert "or these weights under a name of their own, with --name." in capsys.readouterr().err
