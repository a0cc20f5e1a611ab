import re

import pytest

from fashion_zoo import list_recipes, override, recipe, spaces
from fashion_zoo.config import RunConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.models.mlp_config import MLPConfig
from fashion_zoo.models.mlp_space import MLPSpace
from fashion_zoo.spaces import TrainingSpace, complete, is_active, narrowed
from fashion_zoo.spaces.ranges import Choice

BASE = RunConfig(MLPConfig())


def defaults(space, config):
    return complete(space.parameters(config), {})


def names(values):
    return {name.rstrip("_12345") for name in values}


@pytest.mark.parametrize("name", list_recipes())
def test_the_defaults_of_a_space_are_the_recipe(name):
    entry = recipe(name)
    values = defaults(entry.space, entry.config)
    made = entry.space.config(values, entry.config)
    # One rate for all and one rate a layer are the same model.
    assert made.model.dropout_rates == entry.config.model.dropout_rates
    rates = {"dropout": entry.config.model.dropout_rates}
    assert made == override(entry.config, {"model": rates})


@pytest.mark.parametrize("name", list_recipes())
def test_every_default_lies_in_its_range(name):
    entry = recipe(name)
    for parameter in entry.space.parameters(entry.config):
        assert parameter.range.nearest(parameter.default) == parameter.default, parameter.name


@pytest.mark.parametrize("name", list_recipes())
def test_a_parameter_stands_after_those_it_hangs_on(name):
    seen = {}
    for parameter in recipe(name).space.parameters(recipe(name).config):
        for parent, allowed in parameter.when:
            assert set(allowed) < set(seen[parent].values), "a condition that always holds is none"
        assert parameter.name not in seen
        seen[parameter.name] = parameter.range


def test_what_hangs_on_what():
    parameters = {one.name: dict(one.when) for one in MLPSpace().parameters(BASE)}
    assert parameters["learning_rate"] == {}
    assert parameters["use_weight_decay"] == {"optimizer": ("adamw",)}
    assert parameters["weight_decay"] == {"optimizer": ("adamw",), "use_weight_decay": (True,)}
    assert parameters["use_l2"] == {"optimizer": ("adam", "sgd")}
    assert parameters["units_1"] == {}
    assert parameters["units_4"] == {"depth": (4, 5)}
    assert parameters["dropout_3"] == {"depth": (3, 4, 5), "use_dropout": (True,)}
    assert parameters["dropout_schedule"] == {"use_dropout": (True,)}
    assert parameters["normalization_position"] == {"normalization": ("batch", "layer")}
    assert parameters["augmentation_strength"] == {"augmentation": ("flip", "light", "standard")}
    assert parameters["mixing"] == {}


def test_no_schedule_without_what_it_moves():
    parameters = MLPSpace().parameters(BASE)
    off = complete(parameters, {"use_dropout": False, "augmentation": "none", "depth": 2})
    assert names(off).isdisjoint({"dropout_schedule", "dropout", "augmentation_strength"})
    assert "units_2" in off
    assert "units_3" not in off


def test_words_with_arguments_can_be_searched():
    space = MLPSpace(
        normalization="choice('none', 'batch(momentum=0.99)', 'group(16)')",
        activation="choice('leaky_relu(0.01)', 'elu(0.5)')",
    )
    parameters = space.parameters(BASE)
    position = {one.name: dict(one.when) for one in parameters}["normalization_position"]
    assert position == {"normalization": ("batch(momentum=0.99)", "group(16)")}
    found = space.config(complete(parameters, {"normalization": "group(16)"}), BASE).model
    assert (found.normalization, found.activation) == ("group(16)", "leaky_relu(0.01)")
    with pytest.raises(ConfigError, match=r"takes normalization to 'group\(3\)', which the recipe"):
        narrowed(MLPSpace(), {"normalization": "choice('batch', 'group(3)')"}, BASE)


def test_values_become_a_config():
    space, base = MLPSpace(), BASE
    wanted = {
        "depth": 2, "units_1": 256, "units_2": 64, "activation": "gelu", "normalization": "layer",
        "normalization_position": "after", "use_dropout": True, "dropout_1": 0.1, "dropout_2": 0.3,
        "dropout_schedule": "linear", "optimizer": "adamw", "use_weight_decay": True,
        "weight_decay": 0.01, "learning_rate": 0.002, "learning_rate_schedule": "cosine",
        "batch_size": 512, "label_smoothing": 0.1, "augmentation": "flip",
        "augmentation_strength": 0.5, "mixing": "mixup(0.2)",
    }  # fmt: skip
    values = complete(space.parameters(base), wanted)
    assert values == wanted
    made = space.config(values, base)
    assert made == override(
        base,
        {
            "model": {
                "hidden_units": (256, 64),
                "activation": "gelu",
                "normalization": "layer",
                "normalization_position": "after",
                "dropout": (0.1, 0.3),
            },
            "training": {
                "optimizer": "adamw",
                "weight_decay": 0.01,
                "learning_rate": 0.002,
                "batch_size": 512,
                "label_smoothing": 0.1,
                "augmentation": "flip | mixup(0.2)",
                "schedules": {
                    "learning_rate": "cosine",
                    "dropout": "linear",
                    "augmentation": "constant(0.5)",
                },
            },
        },
    )


def test_a_schedule_of_the_recipe_goes_with_what_it_moved():
    entry = recipe("bn_mlp.large")
    parameters = entry.space.parameters(entry.config)
    plain = entry.space.config(complete(parameters, {"mixing": "none"}), entry.config)
    assert plain.training.augmentation == "flip | translate(1)"
    assert plain.training.schedules.mixing == "constant"
    mixed = entry.space.config(complete(parameters, {"augmentation": "none"}), entry.config)
    assert mixed.training.augmentation == "cutmix(1, 0.5)"
    assert mixed.training.schedules.mixing == "step(0, at=[0.8])"


def test_a_policy_that_mixes_is_not_mixed_again():
    space = MLPSpace(augmentation="choice('none', 'strong')")
    parameters = {one.name: one for one in space.parameters(BASE)}
    assert parameters["mixing"].when == (("augmentation", ("none",)),)
    values = complete(list(parameters.values()), {"augmentation": "strong"})
    assert space.config(values, BASE).training.augmentation == "strong"


def test_residual_layers_are_searched_if_they_have_a_range():
    assert "residual" not in {one.name for one in MLPSpace().parameters(BASE)}
    space = narrowed(MLPSpace(), {"residual": "choice(False, True)"}, BASE)
    parameters = space.parameters(BASE)
    assert parameters[-1].name == "residual"
    assert parameters[-1].when == (("depth", (2, 3, 4, 5)),)
    wanted = {"depth": 3, "units_1": 64, "units_2": 64, "units_3": 128, "residual": True}
    found = {
        width: space.config(complete(parameters, {**wanted, "units_2": width}), BASE).model
        for width in (64, 256)
    }
    assert {width: one.residual for width, one in found.items()} == {64: True, 256: False}
    base = override(BASE, {"model": {"hidden_units": (64, 64), "residual": True}})
    parameters = MLPSpace().parameters(base)
    for depth in (1, 2):
        made = MLPSpace().config(complete(parameters, {"depth": depth}), base)
        assert made.model.residual == (depth == 2)


def test_what_can_never_count_is_not_asked():
    space = MLPSpace(optimizer="'adam'", augmentation="'none'", depth="2", dropout="0")
    found = {one.name: one for one in space.parameters(BASE)}
    assert names(found).isdisjoint({"weight_decay", "augmentation_strength", "dropout_schedule"})
    assert [name for name in found if name.startswith("units")] == ["units_1", "units_2"]
    assert found["use_l2"].when == ()
    assert found["depth"].range == Choice((2,))


def test_a_default_outside_of_the_range_is_the_nearest_inside():
    space = TrainingSpace(learning_rate="log(1e-2, 1e-1)", optimizer="choice('sgd', 'adamw')")
    found = defaults(space, BASE)
    assert found["learning_rate"] == 0.01
    assert found["optimizer"] == "sgd"


def test_a_wanted_parameter_brings_what_it_hangs_on():
    parameters = MLPSpace().parameters(BASE)
    values = complete(parameters, {"dropout_5": 0.4, "weight_decay": 0.01})
    assert values["depth"] == 5
    assert values["use_dropout"] is True
    assert values["optimizer"] == "adamw"
    assert values["weight_decay"] == 0.01
    assert all(is_active(one, values) for one in parameters if one.name in values)


def test_clipping_averages_and_accumulation_are_searched_if_they_have_a_range():
    plain = {one.name for one in MLPSpace().parameters(BASE)}
    space = narrowed(
        MLPSpace(),
        {
            "clipping": "choice('none', 'global_norm(1)')",
            "averaging": "'ema(0.99)'",
            "accumulation": "whole(1, 4)",
        },
        BASE,
    )
    parameters = space.parameters(BASE)
    assert {one.name for one in parameters} - plain == {"clipping", "averaging", "accumulation"}
    values = complete(parameters, {"clipping": "global_norm(1)", "accumulation": 2})
    made = space.config(values, BASE).training
    assert (made.clipping, made.averaging, made.accumulation) == ("global_norm(1)", "ema(0.99)", 2)
    kept = override(BASE, {"training": {"averaging": "swa"}})
    assert (
        MLPSpace().config(complete(MLPSpace().parameters(kept), {}), kept).training.averaging
        == "swa"
    )
    with pytest.raises(ConfigError, match="The search space takes clipping to 'glob'"):
        narrowed(MLPSpace(), {"clipping": "choice('none', 'glob')"}, BASE)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"clipping": "choice("}, "space.clipping: Cannot read 'choice('"),
        ({"learning_rate": "lgo(1, 2)"}, "space.learning_rate: Cannot read 'lgo(1, 2)', column 1"),
        ({"depth": "log(1, 3)"}, "space.depth must be choice(...) or whole(low, high), received"),
        ({"optimizer": "uniform(0, 1)"}, "space.optimizer must be choice(...) or whole(low, high)"),
        ({"depth": "choice(1.0, 2.0)"}, "space.depth must be of whole numbers, received"),
        ({"depth": "'a'"}, "space.depth must be of whole numbers, received"),
    ],
)
def test_a_bad_space_is_one_sentence(fields, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        MLPSpace(**fields)


def test_a_space_that_no_config_fits_is_not_blamed_on_its_first_parameter():
    with pytest.raises(ConfigError, match=r"The search space does not fit the recipe\. .*'a'"):
        narrowed(MLPSpace(), {"units": "'a'"}, BASE)


def test_without_a_dropout_rate_nothing_moves_dropout():
    space = MLPSpace(dropout="choice(0.0, 0.1)", dropout_schedule="'linear'", depth="2")
    parameters = space.parameters(BASE)
    moved = {
        rate: space.config(complete(parameters, {"dropout_1": rate, "dropout_2": 0.0}), BASE)
        for rate in (0.0, 0.1)
    }
    schedules = {rate: made.training.schedules.dropout for rate, made in moved.items()}
    assert schedules == {0.0: "constant", 0.1: "linear"}
    adaptive = override(BASE, {"training": {"adaptive_dropout": {"enabled": True}}})
    space = MLPSpace(dropout_schedule="'constant'")
    for switch in (False, True):
        values = complete(space.parameters(adaptive), {"use_dropout": switch})
        assert space.config(values, adaptive).training.adaptive_dropout.enabled == switch


def test_a_space_of_any_family_has_the_training():
    found = [one.name for one in TrainingSpace().parameters(BASE)]
    assert found[:2] == ["optimizer", "learning_rate"]
    assert "depth" not in found
    assert spaces.TrainingSpace().config(defaults(TrainingSpace(), BASE), BASE) == BASE
