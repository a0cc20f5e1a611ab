"""A state that is whole, by its digest, and is not what it should be."""

import io
import json
import os
import types
import zipfile

import keras
import numpy as np
import pytest

import fashion_zoo.training.checkpoint as checkpoints
from fashion_zoo import RunError, open_run, override, recipe, runs, storage
from fashion_zoo.data import Dataset, Images, Positions
from fashion_zoo.training.recorder import Recorder, fork_checkpoint, identity, load_checkpoint

NAME = "bn_mlp"
CONFIG = override(recipe(NAME).config, {"training": {"epochs": 3}})
IMAGES = Images(np.repeat(np.uint8([1, 2]), 2 * 28 * 28).reshape(4, 28, 28), np.zeros(4, np.uint8))


def dataset(*places):
    return Dataset(CONFIG.data, ("a", "b"), (28, 28), Positions(*places, []), lambda _: IMAGES)


DATA = dataset([0, 1], [2, 3])


def captured(run, epochs, data=DATA):
    variables = [keras.Variable(np.full((2, 3), epochs, np.float32))]
    model = types.SimpleNamespace(
        variables=variables, optimizer=types.SimpleNamespace(variables=[]), stop_training=False
    )
    recorder = Recorder(run, 1)
    recorder.rows = [{"epoch": number + 1, "loss": 0.5} for number in range(epochs)]
    recorder.times = [{"epoch": number + 1, "seconds": 1.0} for number in range(epochs)]
    return checkpoints.capture(model, [recorder], epochs, identity(run, data))


@pytest.fixture
def run(tmp_path):
    """A run with two states, whose model nobody has to build."""
    with runs.create(tmp_path / "r", NAME, CONFIG, {}) as run:
        for epoch in (1, 2):
            run.save_checkpoint(epoch, captured(run, epoch))
    return open_run(run.path)


def load(run, data=DATA):
    return load_checkpoint(run, identity(run, data))


def changed(data, change):
    """Return the bytes of a state whose description, or arrays, a function has changed."""
    with np.load(io.BytesIO(data)) as stored:
        arrays = dict(stored)
    about = json.loads(arrays.pop("about").tobytes())
    returned = change(about, arrays)
    about = about if returned is None else returned
    stream = io.BytesIO()
    text = about if isinstance(about, str) else json.dumps(about)
    arrays.setdefault("about", np.frombuffer(text.encode(), np.uint8))
    np.savez(stream, **arrays)
    return stream.getvalue()


def put(*keys):
    *path, value = keys

    def change(about, arrays):
        inside = about
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value

    return change


def array(name, value):
    def change(about, arrays):
        arrays[name] = value

    return change


ROWS = ("callbacks", "Recorder", "rows")
VALUES = {
    ("epochs",): (0, -1, 1, 3, 4, "2", 2.0, True, None, 10**400, [2]),
    ("format",): (0, -1, "2", 2.0, True, None, []),
    ("stopped",): (0, "yes", None),
    ("callbacks",): (
        {}, [], None, {"Recorder": []}, {"Recorder": {}}, {"Recorder": {"rows": []}},
    ),
    ROWS: (
        [], None, {}, "rows", [1, 2], [{"epoch": 1}], [{"epoch": 2}, {"epoch": 1}],
        [{"epoch": 1}, {"epoch": 2, "loss": "x"}], [{"epoch": 1}, {"epoch": 2, "loss": [1]}],
    ),
}  # fmt: skip
BROKEN = {
    **{f"{path[-1]} {value!r:.99}": put(*path, value) for path in VALUES for value in VALUES[path]},
    "no seconds": put("callbacks", "Recorder", "times", [{"epoch": 1}, {"epoch": 2}]),
    "a list": lambda about, arrays: [about],
    "no JSON": lambda about, arrays: "{",
    "deep": lambda about, arrays: "[" * 100_000,
    "empty": lambda about, arrays: {},
    "no config": put("run", "config", {}),
    "a run of text": put("run", "me"),
    "another array": array("thing/000000", np.zeros(3)),
    "another callback's array": array("callback/Other/x/000000", np.zeros(3)),
    "a gap": array("variable/000002", np.zeros(3)),
    "an array over a value": array("callback/Recorder/rows/000000", np.zeros(3)),
    "objects": array("variable/000001", np.array([{}, []], dtype=object)),
    "a description of objects": array("about", np.array([{}], dtype=object)),
}  # fmt: skip


@pytest.mark.parametrize("change", BROKEN)
def test_a_state_with_a_right_digest_and_a_wrong_content_gives_way(run, change):
    file = run.checkpoint_file(2)
    storage.write_verified(file, changed(captured(run, 2), BROKEN[change]))
    assert load(run).epochs == 1
    run.checkpoint_file(1).unlink()
    with pytest.raises(RunError, match=r"its checkpoints are damaged \(epoch-000002\)"):
        load(run)


def claiming(shape, descr="'<f4'"):
    """Return a .npy file that claims what it does not hold."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)


@pytest.mark.parametrize(
    "shape", ["(10**12,)", "(1000000000000,)", "(-1, -2)", "(0, 9)", "('a',)", "5"]
)
def test_an_array_that_claims_more_than_there_is_costs_no_memory(run, shape):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("variable/000000.npy", claiming(shape))
    storage.write_verified(run.checkpoint_file(2), stream.getvalue())
    assert load(run).epochs == 1


def test_a_compressed_state_is_not_unpacked(run):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("about.npy", bytes(10_000_000))
    storage.write_verified(run.checkpoint_file(2), stream.getvalue())
    assert load(run).epochs == 1


@pytest.mark.parametrize("kind", ["fifo", "zero", "folder", "nothing", "socket"])
def test_what_is_no_file_gives_way_and_is_not_waited_for(run, kind):
    file = run.checkpoint_file(2)
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to({"zero": "/dev/zero", "nothing": "/nowhere", "socket": "/dev/log"}[kind])
    assert load(run).epochs == 1


OTHERS = {
    "seed: 7, now 0": {"seed": 7},
    "training.learning_rate: 0.5, now 0.003": {"training": {"learning_rate": 0.5}},
    "training.schedules.dropout: 'linear', now 'constant'": {
        "training": {"schedules": {"dropout": "linear"}}
    },
    "data.limit: 1000, now None": {"data": {"limit": 1000}},
    "data.long_tail: 10, now None": {"data": {"long_tail": 10}},
}  # fmt: skip


@pytest.mark.parametrize("difference", OTHERS)
def test_the_state_of_another_run_is_refused_with_what_differs(run, tmp_path, difference):
    with runs.create(tmp_path / "o", NAME, override(CONFIG, OTHERS[difference]), {}) as other:
        run.checkpoint_file(2).unlink()
        storage.write_verified(run.checkpoint_file(2), captured(other, 2))
    with pytest.raises(RunError, match="is of another run: ") as refused:
        load(run)
    assert difference in str(refused.value)
    assert "Remove it to resume from the checkpoint before it, or from the beginning" in str(
        refused.value
    )
    with pytest.raises(RunError, match="is of another run: "):
        fork_checkpoint(run.path, 5)
    assert run.checkpoint_file(2).exists()


def test_the_state_of_another_recipe_or_of_other_data_is_refused(run, tmp_path):
    swapped = dataset([2, 3], [0, 1])
    with pytest.raises(RunError, match="is of another run: data: "):
        load(run, swapped)
    with runs.create(tmp_path / "o", "baseline_mlp", CONFIG, {}) as other:
        storage.write_verified(run.checkpoint_file(2), captured(other, 2))
    with pytest.raises(RunError, match="recipe: 'baseline_mlp', now 'bn_mlp'"):
        load(run)


def test_settings_of_another_version_and_a_moved_data_folder_do_not_make_another_run(run):
    def change(about, arrays):
        del about["run"]["config"]["training"]["clipping"]
        about["run"]["config"]["training"]["unheard_of"] = 1
        about["run"]["config"]["data"]["folder"] = "/elsewhere"

    storage.write_verified(run.checkpoint_file(2), changed(captured(run, 2), change))
    assert load(run).epochs == 2


def test_a_state_of_the_first_format_is_read_and_said_to_be_taken_on_trust(run, capsys):
    def change(about, arrays):
        about["format"] = 1
        del about["run"]

    storage.write_verified(run.checkpoint_file(2), changed(captured(run, 2), change))
    assert load(run).epochs == 2
    said = capsys.readouterr().err
    assert "epoch-000002 was written by an older version and does not name its run" in said
    assert fork_checkpoint(run.path, 5).epochs == 2


def test_a_state_of_a_newer_package_is_not_passed_over(run):
    storage.write_verified(run.checkpoint_file(2), changed(captured(run, 2), put("format", 99)))
    with pytest.raises(RunError, match="has format 99; this package reads formats up to 2"):
        load(run)


def test_only_files_named_as_states_count_and_planted_ones_push_no_other_out(run):
    for name in ("epoch-999999", "epoch-999998", "epoch-x", "epoch-2", "epoch-000002~"):
        (run.path / "state" / name).write_bytes(b"planted")
    assert load(run).epochs == 2
    run.save_checkpoint(3, captured(run, 3))
    left = sorted(file.name for file in (run.path / "state").iterdir())
    assert left == ["epoch-000002", "epoch-000002~", "epoch-000003", "epoch-2", "epoch-x"]


@pytest.mark.parametrize(
    ("dtype", "array", "fits"),
    [
        ("float32", np.float32(0), True),
        ("float32", np.float64(0), True),
        ("float32", np.int64(0), False),
        ("bfloat16", np.void(b"12"), True),
        ("int32", np.uint32(0), True),
        ("uint16", np.int32(0), True),
        ("int64", np.float32(0), False),
        ("bool", np.bool_(True), True),
        ("float32", np.str_("0"), False),
    ],
)
def test_the_numbers_of_a_variable_are_of_its_kind_whatever_their_bits(dtype, array, fits):
    assigned = []
    variable = types.SimpleNamespace(shape=(), dtype=dtype, assign=assigned.append)
    optimizer = types.SimpleNamespace(variables=[], built=True)
    model = types.SimpleNamespace(
        variables=[variable], trainable_variables=[], optimizer=optimizer, name="m"
    )
    state = checkpoints.Checkpoint(1, False, [np.asarray(array)], {})
    if fits:
        checkpoints.restore_variables(model, state)
        assert [one.tobytes() for one in assigned] == [array.tobytes()]
    else:
        with pytest.raises(RunError, match="The checkpoint does not fit m"):
            checkpoints.restore_variables(model, state)
