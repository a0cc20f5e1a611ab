"""The speed benchmark: who takes part, in turns, and what is written. Nothing here is timed."""

import csv
import subprocess
import sys

import keras
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, DataError, TrainingError
from fashion_zoo.augment.policies import OPERATIONS
from recipes import benchmark
from recipes.benchmark import augmenting, contender, gpu, speed, turns
from recipes.benchmark.turns import Entry, Epoch, take_turns

SMALL = {"data": {"limit": 600}, "model": {"hidden_units": (16, 8)}}
TABLES = ("training", "shares", "augmentation")


@pytest.fixture
def children(monkeypatch):
    """Every process that the benchmark starts."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(turns.subprocess, "Popen", Popen)
    return started


@pytest.mark.slow
def test_contenders_train_in_turns_and_are_gone_afterwards(children):
    changes = speed.merged(speed.SETTINGS["batch 128, float32"], SMALL)
    names = speed.contenders()
    done = take_turns({name: Entry(name, changes) for name in names}, 2)
    assert list(done) == names
    for epochs in done.values():
        assert len(epochs) == 2
        assert all(epoch.seconds > 0 and epoch.megabytes > 50 for epoch in epochs)
        assert all(0.1 < epoch.loss < 3 for epoch in epochs)
    assert len(children) == len(names)
    assert all(child.returncode is not None for child in children)


@pytest.mark.slow
def test_one_that_fails_is_named_and_takes_the_others_along(children):
    entries = {
        "fashion_zoo": Entry("fashion_zoo", SMALL),
        "broken": Entry("keras", {"training": {"epochs": 3, "batch_siz": 3}}),
    }
    with pytest.raises(TrainingError, match=r"The training of broken ended early: .*batch_siz"):
        take_turns(entries, 2)
    assert all(child.returncode is not None for child in children)


def fake(entries, rounds):
    """Epoch of 1, 2, ... seconds for the first entry, twice that for the second, and so on."""
    return {
        name: [Epoch((place + 1.0) * (number + 1), 0.5, 100.0) for number in range(rounds)]
        for place, name in enumerate(entries)
    }


def test_ratios_are_of_the_same_round(monkeypatch):
    monkeypatch.setattr(speed, "take_turns", fake)
    monkeypatch.setattr(speed, "contenders", lambda: ["fashion_zoo", "keras"])
    rows = list(speed.measure_training(3, SMALL))
    found = {(row["setting"], row["name"], row["measure"]): row for row in rows}
    ratio = found["batch 512, bfloat16", "keras", "time against fashion_zoo"]
    assert [ratio[one] for one in ("median", "low", "high")] == [2, 2, 2]
    fast = found["batch 128, float32", "fashion_zoo", "throughput"]
    assert [fast[one] for one in ("median", "low", "high")] == [
        256,
        512 / 3,
        512,
    ]  # 4 batches of 128
    lines = speed.TRAINING(rows).splitlines()
    assert len(lines) == 2 + 2 + 3
    assert lines[2].startswith("| batch 128, float32 | fashion_zoo | 256 (171 to 512) | 1.00 (")
    assert lines[-1].startswith("| batch 512, bfloat16 | fashion_zoo, standard | ")


def test_shares_are_of_the_whole(monkeypatch):
    monkeypatch.setattr(
        speed,
        "take_turns",
        lambda e, n: dict(zip(e, reversed(fake(e, n).values()), strict=True)),
    )
    rows = list(speed.measure_shares(3, SMALL))
    shares = [row["median"] for row in rows if row["measure"] == "share"]
    assert shares == pytest.approx([20, 40, 60, 80] * 2)
    lines = speed.SHARES(rows).splitlines()
    assert lines[2] == "| batch 128, float32 | nothing | 2500.00 ms |  |"
    assert lines[3].endswith("| 20 % (20 to 20) |")


@pytest.mark.slow
def test_every_part_can_be_left_out(children):
    changes = speed.merged(speed.SETTINGS["batch 128, float32"], SMALL)
    for part, (less, without) in speed.PARTS.items():
        entry = Entry("fashion_zoo", speed.merged(changes, less), without)
        assert len(take_turns({part: entry}, 1)[part]) == 1


def test_stock_keras_trains_the_same_net_on_as_many_images(monkeypatch):
    given, seeds = [], []
    monkeypatch.setattr(keras.Model, "fit", lambda *data, **options: given.append((data, options)))
    # With a global seed of TensorFlow, fit would shuffle every epoch into the same order.
    monkeypatch.setattr("tensorflow.random.set_seed", seeds.append)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # main keeps it for the answers
    changes = {"data": {"limit": 600}, "training": {"batch_size": 128}}
    contender.main({"contender": "keras", "changes": changes, "without": ""})
    ((model, images, labels), options) = given[0]
    trained = sum(weight.value.shape.num_elements() for weight in model.trainable_weights)
    assert trained == fashion_zoo.recipe("bn_mlp").parameters
    assert (len(images), len(labels), options["batch_size"]) == (512, 512, 128)
    assert seeds == []


def test_peak_memory_is_what_linux_says_of_this_process(tmp_path):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  99999 kB\nVmHWM:\t    2048 kB\n")
    assert contender.peak_megabytes(status) == 2
    assert contender.peak_megabytes(tmp_path / "none") > 50


def test_every_operation_has_a_layer_of_kerass():
    assert set(augmenting.STOCK) == set(OPERATIONS) - {"either"}


@pytest.mark.slow
def test_the_benchmark_writes_tables_and_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "take_turns", fake)
    monkeypatch.setattr(augmenting, "BATCH", 100)
    monkeypatch.setattr(augmenting, "POLICIES", {"none": "", "light": "flip | shift(1)"})
    page = tmp_path / "speed.md"
    places = [[f"<!-- {name}:{end} -->" for end in ("begin", "end")] for name in TABLES]
    page.write_text("\n".join(f"text\n{begin}\nold\n{end}" for begin, end in places))
    tables = speed.PROGRAM.run(page, rounds=2, **SMALL)
    text = page.read_text()
    assert "old" not in text
    for begin, end in places:
        assert text.split(begin)[1].split(end)[0].strip() in tables
    with page.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["table"] for row in rows} == set(TABLES)
    names = {row["name"] for row in rows if row["table"] == "augmentation"}
    assert names == {*augmenting.STOCK, "light"}
    assert all(float(row["low"]) <= float(row["median"]) <= float(row["high"]) for row in rows)
    assert all(row["machine"] and "commit" in row for row in rows)


def test_a_benchmark_that_cannot_end_well_does_not_begin(tmp_path):
    with pytest.raises(ConfigError, match="rounds must be at least 2, for a spread; received 1"):
        speed.PROGRAM.run(rounds=1)
    page = tmp_path / "speed.md"
    page.write_text("text")
    with pytest.raises(DataError, match="has no place for the table: expected <!-- training:b"):
        speed.PROGRAM.run(page)


@pytest.mark.parametrize("what", ["accuracy", "augmentation", "seconds", "speed"])
def test_a_benchmark_with_augmentation_needs_tensorflow(what, monkeypatch, capsys):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert benchmark.main([what]) == 3
    assert "augmentation is done by TensorFlow, and the backend is jax" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["speed", "--seeds", "3"], "--seeds is not of benchmark speed, which takes --rounds, --p"),
        (["seconds", "--json"], "--json is of benchmark accuracy; seconds writes a CSV file"),
        (["accuracy", "--rounds", "3"], "--rounds is not of benchmark accuracy, which takes --se"),
    ],
)
def test_an_option_of_another_benchmark_is_refused(arguments, reason, capsys):
    assert benchmark.main(arguments) == 3
    assert reason in capsys.readouterr().err


def test_two_trainings_of_one_seed_are_compared_with_and_without_the_flag(monkeypatch):
    flags, digests = [], iter("abcc")

    def train(training, changes, XLA_FLAGS):
        flags.append(XLA_FLAGS)
        return {"variables": next(digests)}

    monkeypatch.setattr(gpu, "_train", train)
    rows = list(gpu.measure_repeats({}))
    assert flags == ["", "", gpu.DETERMINISTIC, gpu.DETERMINISTIC]
    assert gpu.REPEATS(rows).splitlines()[2:] == [
        "| `not set` | differ |",
        f"| `{gpu.DETERMINISTIC}` | equal |",
    ]


def test_the_first_epoch_of_a_gpu_compiles_and_is_not_among_the_speeds(monkeypatch):
    found = {"first_epoch": 7.84, "images_per_second": [9_838, 268_094, 196_241, 202_271]}
    monkeypatch.setattr(gpu, "EPOCHS", {256: 4})
    monkeypatch.setattr(gpu, "_train", lambda training, changes: found)
    assert gpu.TRAINING(list(gpu.measure_training({}))).splitlines()[2:] == [
        "| batch 256 | 4 | 7.8 s | 200,000 | 270,000 |"
    ]


@pytest.mark.slow
def test_a_training_in_a_process_of_its_own_gives_its_figures_and_repeats_here():
    first, second = (gpu._train({"epochs": 2, "batch_size": 100}, SMALL) for _ in range(2))
    assert first["first_epoch"] > 0
    assert len(first["images_per_second"]) == 2
    assert first["variables"] == second["variables"]
    other = gpu._train({"epochs": 2, "batch_size": 100}, {**SMALL, "seed": 1})
    assert other["variables"] != first["variables"]


def test_the_gpu_benchmark_is_of_jax(tmp_path):
    page = tmp_path / "gpu.md"
    marks = [f"<!-- {name}:begin --><!-- {name}:end -->" for name in gpu.PROGRAM.tables]
    page.write_text("".join(marks))
    with pytest.raises(ConfigError, match=r"the backend is tensorflow\. Set KERAS_BACKEND=jax"):
        gpu.PROGRAM.run(page)
