"""The speed benchmark: who takes part, and what is written. Nothing here is timed."""

import csv
from multiprocessing.context import SpawnProcess
from types import SimpleNamespace

import keras
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, DataError, TrainingError
from fashion_zoo.augment.policies import OPERATIONS
from fashion_zoo.machine.precision import ChosenPrecision
from recipes import _processes, benchmark
from recipes.benchmark import contenders, gpu, speed
from recipes.benchmark.slices import Slice

SMALL = {"data": {"limit": 600}, "model": {"hidden_units": (16, 8)}}
TABLES = ("training", "shares", "augmentation")


@pytest.fixture
def children(monkeypatch):
    """Every process that the benchmark starts."""
    started = []

    def start(self, begin=SpawnProcess.start):
        begin(self)
        started.append(self)

    monkeypatch.setattr(SpawnProcess, "start", start)
    return started


@pytest.mark.slow
def test_contenders_train_in_slices_and_are_gone_afterwards(children):
    changes = (speed.settings()["batch 128, float32"], SMALL)
    names = speed.frameworks()
    timed, answers = speed.train({name: (name, changes, "") for name in names}, 5)
    assert list(timed) == list(answers) == names
    for name in names:
        assert len(timed[name]) == 5
        assert all(one.seconds > 0 for one in timed[name])
        assert answers[name]["mebibytes"] > 50
        assert len(answers[name]["losses"]) >= 2  # 4 steps per epoch, a slice each
        assert all(0.1 < loss < 3 for loss in answers[name]["losses"])
    assert len(children) == len(names)
    assert all(child.exitcode is not None for child in children)


@pytest.mark.slow
def test_one_that_fails_is_named_and_takes_the_others_along(children):
    entries = {
        "fashion_zoo": ("fashion_zoo", (SMALL,), ""),
        "broken": ("keras", ({"training": {"batch_siz": 3}},), ""),
    }
    with pytest.raises(TrainingError, match=r"The training of broken failed: .*batch_siz"):
        speed.train(entries, 2)
    assert all(child.exitcode is not None for child in children)


def fake(entries, rounds):
    """Slices of 1, 2, ... seconds per step for the first entry, twice that for the second, ..."""
    timed = {
        name: [Slice((place + 1.0) * (number + 1), number, number == 2) for number in range(rounds)]
        for place, name in enumerate(entries)
    }
    return timed, {name: {"losses": [0.7, 0.5], "mebibytes": 100.0} for name in entries}


def test_ratios_are_of_the_same_round(monkeypatch):
    monkeypatch.setattr(speed, "train", fake)
    monkeypatch.setattr(speed, "frameworks", lambda: ["fashion_zoo", "keras"])
    chosen = ChosenPrecision("auto", "mixed_bfloat16", "")
    monkeypatch.setattr(speed.precision, "choose", {"auto": chosen}.get)
    rows = [row for name in speed.settings() for row in speed.training_rows(name, 5, SMALL)]
    found = {(row["setting"], row["name"], row["measure"]): row for row in rows}
    ratio = found["batch 512, mixed_bfloat16", "keras", "time against fashion_zoo"]
    assert [ratio[one] for one in ("median", "low", "high")] == [2, 2, 2]
    fast = found["batch 128, float32", "fashion_zoo", "throughput"]
    assert [fast[one] for one in ("median", "low", "high")] == [128 / 3, 32, 64]
    assert (fast["rounds"], fast["repeated"], fast["stalled"]) == (5, 10, 1)
    lines = speed.TRAINING(rows).splitlines()
    assert len(lines) == 2 + 2 + 3
    assert lines[2] == (
        "| batch 128, float32 | fashion_zoo | 43 (32 to 64) | 1.00 (1.00 to 1.00) | 0.500 "
        "| 100 MiB |"
    )
    assert lines[-1].startswith("| batch 512, mixed_bfloat16 | fashion_zoo, standard | ")


def test_shares_are_of_the_whole(monkeypatch):
    monkeypatch.setattr(
        speed,
        "train",
        lambda e, n: (dict(zip(e, reversed(fake(e, n)[0].values()), strict=True)), {}),
    )
    rows = list(speed.share_rows("batch 128, float32", 3, SMALL))
    shares = [row["median"] for row in rows if row["measure"] == "share"]
    assert shares == pytest.approx([20, 40, 60, 80])
    lines = speed.SHARES(rows).splitlines()
    assert lines[2] == "| batch 128, float32 | nothing | 10000.00 ms |  |"
    assert lines[3].endswith("| 20 % (20 to 20) |")


def test_the_note_counts_what_was_repeated_and_names_what_is_uneven():
    def row(name, unit, *ends, **more):
        low, middle, high = ends
        own = {"median": middle, "low": low, "high": high, "unit": unit, "rounds": 40}
        return {"setting": "batch 512", "name": name, **own, **more}

    rows = [
        row("keras", "images/s", 10, 100, 900, repeated=7, stalled=1),
        row("keras", "ratio", 1.71, 2, 2.29),
        row("dropout", "%", 0, 10, 23),
    ]
    said = speed.note(rows, "A CPU.")
    assert said == (
        "Median of 40 slices, with the quartiles. Of all 47 slices, 7 were repeated because the "
        "machine stalled, and 1 count although it did. A CPU. "
        "`python -m recipes.benchmark speed --rounds 40` reproduces the table."
    )
    rows += [row("torch", "ratio", 1.69, 2, 2.1), row("iterator", "%", 0, 10, 24)]
    uneven = "Quartiles are over 15% from the median for torch (batch 512), iterator (batch 512). A"
    assert uneven in speed.note(rows, "A CPU.")


@pytest.mark.slow
def test_every_part_can_be_left_out(children):
    changes = (speed.settings()["batch 128, float32"], SMALL)
    for part, (less, without) in speed.PARTS.items():
        entry = ("fashion_zoo", (*changes, less), without)
        assert len(speed.train({part: entry}, 1)[0][part]) == 1


def test_stock_keras_trains_the_same_net_on_as_many_images(monkeypatch):
    given, seeds = [], []
    monkeypatch.setattr(keras.Model, "fit", lambda *data, **options: given.append((data, options)))
    # With a global seed of TensorFlow, fit would shuffle every epoch into the same order.
    monkeypatch.setattr("tensorflow.random.set_seed", seeds.append)
    changes = {"data": {"limit": 600}, "training": {"batch_size": 128}}
    contenders.main("keras", [changes], "", SimpleNamespace())
    ((model, images, labels), options) = given[0]
    trained = sum(weight.value.shape.num_elements() for weight in model.trainable_weights)
    assert trained == fashion_zoo.recipe("bn_mlp").parameters
    assert (len(images), len(labels), options["batch_size"]) == (512, 512, 128)
    assert seeds == []


def test_peak_memory_is_what_linux_says_of_this_process(tmp_path):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  99999 kB\nVmHWM:\t    2048 kB\n")
    assert _processes.mebibytes(status=status) == 2
    assert _processes.mebibytes("VmPeak", status) == 99999 / 1024
    assert _processes.mebibytes(status=tmp_path / "none") > 50


def test_every_operation_has_a_layer_of_kerass():
    assert set(contenders.STOCK) == set(OPERATIONS) - {"either"}


@pytest.mark.slow
def test_the_benchmark_resumes_and_writes_tables_and_rows(tmp_path, monkeypatch):
    compared = []

    def interrupted(entries, rounds):
        compared.append(list(entries))
        if len(compared) == 2:
            raise KeyboardInterrupt
        return fake(entries, rounds)

    monkeypatch.setattr(speed, "train", interrupted)
    monkeypatch.setattr(contenders, "BATCH", 100)
    monkeypatch.setattr(contenders, "policies", lambda: ["flip", "light"])
    monkeypatch.setattr(
        contenders,
        "interleave",
        lambda works, n: {name: [Slice(works[name](), 0, False)] * n for name in works},
    )
    page = tmp_path / "speed.md"
    places = [[f"<!-- {name}:{end} -->" for end in ("begin", "end")] for name in TABLES]
    page.write_text("\n".join(f"text\n{begin}\nold\n{end}" for begin, end in places))
    options = {"rounds": 4, "folder": tmp_path / "kept", **SMALL}
    with pytest.raises(KeyboardInterrupt):
        speed.PROGRAM.run(page, **options)
    tables = speed.PROGRAM.run(page, **options)
    assert len(compared) == 5  # two settings of two tables, and one of them again
    text = page.read_text()
    assert "old" not in text
    for begin, end in places:
        assert text.split(begin)[1].split(end)[0].strip() in tables
    with page.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["table"] for row in rows} == set(TABLES)
    assert {row["name"] for row in rows if row["table"] == "augmentation"} == {"flip", "light"}
    assert all(float(row["low"]) <= float(row["median"]) <= float(row["high"]) for row in rows)
    assert all(row["machine"] and "commit" in row for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("text", [*contenders.STOCK, "standard"])
def test_a_policy_is_read_by_both(text, monkeypatch):
    monkeypatch.setattr(contenders, "BATCH", 20)
    rows = list(contenders.augmentation_rows(text, 2, SMALL))
    assert [row["measure"] for row in rows] == ["fashion_zoo", "keras", "keras against it"]


def test_a_benchmark_that_cannot_end_well_does_not_begin(tmp_path):
    with pytest.raises(ConfigError, match="rounds must be at least 2, for a spread; received 1"):
        speed.PROGRAM.run(rounds=1)
    page = tmp_path / "speed.md"
    page.write_text("text")
    with pytest.raises(DataError, match="has no place for the table: expected <!-- training:b"):
        speed.PROGRAM.run(page)


def test_a_benchmark_with_augmentation_needs_tensorflow(monkeypatch, capsys):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert benchmark.main(["speed"]) == 3
    assert "augmentation is done by TensorFlow, and the backend is jax" in capsys.readouterr().err


def test_an_option_of_another_benchmark_is_refused(capsys):
    assert benchmark.main(["speed", "--seeds", "3"]) == 3
    reason = "--seeds is not of benchmark speed, which takes --rounds, --folder, --page. Leave it"
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
