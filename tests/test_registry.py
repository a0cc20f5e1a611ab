import os
import subprocess
import sys

import pytest

from fashion_zoo import (
    ConfigError,
    MLPConfig,
    RunConfig,
    find,
    list_recipes,
    load_recipes,
    recipe,
    register,
    register_variant,
    registry,
)

BUILT_IN = [
    "adaptive_dropout_mlp", "baseline_mlp", "bn_mlp", "bn_mlp.large", "bn_mlp.quick",
    "bn_mlp.strongest", "bn_mlp.tiny", "conv_start_mlp", "l2_mlp",
]  # fmt: skip

OWN = """
from fashion_zoo import MLPConfig, RunConfig, register
from fashion_zoo.models.mlp import mlp

@register(RunConfig(model=MLPConfig(hidden_units=(8,))), parameters=6370, tags=["own"])
def own_mlp(config, *, seed=0, dtype="float32"):
    '''My own.'''
    return mlp(config, name="own_mlp", seed=seed, dtype=dtype)
"""


@pytest.fixture(autouse=True)
def clean():
    """Forget what a test registers."""
    list_recipes()
    before = dict(registry._recipes)
    yield
    registry._recipes.clear()
    registry._recipes.update(before)


def test_the_recipes_are_listed_in_order():
    assert list_recipes() == BUILT_IN
    assert list_recipes("*dropout*") == ["adaptive_dropout_mlp"]
    assert list_recipes("nothing") == []


def test_an_unknown_recipe_is_answered_with_the_nearest_and_all():
    with pytest.raises(ConfigError) as caught:
        recipe("bn_mpl")
    assert str(caught.value) == (
        "Unknown recipe 'bn_mpl'. Did you mean 'bn_mlp'? "
        "Known: adaptive_dropout_mlp, baseline_mlp, bn_mlp, bn_mlp.large, bn_mlp.quick, "
        "bn_mlp.strongest, bn_mlp.tiny, conv_start_mlp, l2_mlp."
    )


def test_find_takes_every_condition():
    assert find(tag="batch_norm") == [
        "adaptive_dropout_mlp", "bn_mlp", "bn_mlp.large", "bn_mlp.quick",
        "bn_mlp.strongest", "bn_mlp.tiny", "conv_start_mlp",
    ]  # fmt: skip
    assert find(max_parameters=575_050) == ["baseline_mlp", "bn_mlp.quick", "bn_mlp.tiny", "l2_mlp"]
    assert find(max_parameters=90_000, tag="batch_norm") == []
    assert find() == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_tag_of_a_technique_is_on_the_recipes_that_use_it(name):
    entry = recipe(name)
    model, training = entry.config.model, entry.config.training
    used = {
        "batch_norm": model.normalization == "batch",
        "dropout": max(model.dropout_rates) > 0,
        "l2": model.l2 > 0,
        "augmentation": training.augmentation != "none",
    }
    assert {tag: tag in entry.tags for tag in used} == used


def test_an_unknown_tag_is_answered():
    with pytest.raises(ConfigError, match=r"Unknown tag 'batchnorm'\. Did you mean 'batch_norm'"):
        find(tag="batchnorm")


def builder(name, module="a", doc="An idea."):
    def function(config, *, seed=0, dtype="float32"):
        pass

    function.__name__ = function.__qualname__ = name
    function.__module__, function.__doc__ = module, doc
    return function


def test_the_function_is_the_entry():
    function = register(RunConfig(MLPConfig()), parameters=7, reference="A paper", tags=["x"])(
        builder("own", doc="An idea.\n\nMore.")
    )
    entry = recipe("own")
    assert entry.builder is function
    assert (entry.summary, entry.reference, entry.parameters, entry.tags) == (
        "An idea.",
        "A paper",
        7,
        ("x",),
    )


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ConfigError, match="'bn_mlp' is registered already, by fashion_zoo"):
        register(RunConfig(MLPConfig()), parameters=1)(builder("bn_mlp"))


def test_a_notebook_cell_may_run_twice():
    register(RunConfig(MLPConfig()), parameters=1)(builder("own"))
    register(RunConfig(MLPConfig()), parameters=2)(builder("own"))
    assert recipe("own").parameters == 2


def test_a_recipe_without_a_docstring_is_refused():
    with pytest.raises(ConfigError, match="'own' has no docstring"):
        register(RunConfig(MLPConfig()), parameters=1)(builder("own", doc=None))


def test_a_file_registers_its_recipes(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    load_recipes(str(tmp_path / "own.py"))
    assert recipe("own_mlp").config.model == MLPConfig(hidden_units=(8,))
    assert find(tag="own") == ["own_mlp"]


def test_a_built_in_name_is_refused_however_early_it_is_taken(tmp_path):
    (tmp_path / "own.py").write_text("import fashion_zoo\n" + OWN.replace("own_mlp", "bn_mlp"))
    code = (
        "import fashion_zoo, sys\n"
        "try:\n    fashion_zoo.load_recipes(sys.argv[1])\n"
        "except fashion_zoo.ConfigError as error:\n    print(error)\n"
        "print(*fashion_zoo.list_recipes())"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "own.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    answer, names = done.stdout.splitlines()
    assert answer.startswith("Recipe 'bn_mlp' is registered already, by fashion_zoo.models.mlp")
    assert names.split() == BUILT_IN


def test_files_of_the_same_name_in_two_folders_are_two(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(OWN)
    load_recipes(str(tmp_path / "a" / "own.py"))
    with pytest.raises(ConfigError, match="'own_mlp' is registered already"):
        load_recipes(str(tmp_path / "b" / "own.py"))


def test_a_module_in_the_working_folder_registers_its_recipes(tmp_path, monkeypatch):
    (tmp_path / "own_module.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    load_recipes("own_module")
    assert "own_mlp" in list_recipes()
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.py", None, "there is no such file"),
        ("broken.py", "1 +", "SyntaxError"),
        ("raises.py", "raise RuntimeError('no')", "RuntimeError"),
        ("taken.py", OWN.replace("own_mlp", "bn_mlp"), "'bn_mlp' is registered already"),
    ],
)
def test_a_file_that_cannot_be_imported_is_named(tmp_path, name, content, message):
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_recipes(str(tmp_path / name))


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="Cannot import 'no_such_module'"):
        load_recipes("no_such_module")


def install(folder, name, module):
    """Lay out what an installed third-party package leaves."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[fashion_zoo.recipes]\n{name} = {module}\n")


def test_an_installed_package_adds_recipes_and_a_broken_one_only_warns(tmp_path):
    # It asks for recipes while it is imported, and the broken one is warned of once.
    (tmp_path / "third_party.py").write_text(
        f"{OWN}\nimport fashion_zoo\nfashion_zoo.list_recipes()\n"
    )
    install(tmp_path, "third_party", "third_party")
    install(tmp_path, "broken", "no_such_module")
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import fashion_zoo; print(*fashion_zoo.list_recipes())"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])
            ),
            "PYTHONWARNINGS": "always",
        },
    )
    assert done.stdout.split() == sorted([*BUILT_IN, "own_mlp"])
    assert done.stderr.count("Recipes of 'no_such_module' could not be loaded") == 1


def test_a_variant_has_the_same_builder_and_other_defaults():
    found = register_variant(
        "bn_mlp.small",
        {"model": {"hidden_units": (8,)}, "training": {"epochs": 3}},
        summary="Small.",
        parameters=6_386,
        reference="a paper",
        tags=["mlp", "small"],
    )
    base = recipe("bn_mlp")
    assert recipe("bn_mlp.small") is found
    assert (found.name, found.builder, found.parameters) == ("bn_mlp.small", base.builder, 6_386)
    assert (found.config.model.hidden_units, found.config.training.epochs) == ((8,), 3)
    assert found.config.training.learning_rate == base.config.training.learning_rate
    assert found.tags == ("mlp", "small")
    other = register_variant("bn_mlp.other", {}, summary="Other.")
    assert (other.tags, other.reference) == (base.tags, base.reference)
    assert found.reference == "a paper"
    assert "bn_mlp.small" in list_recipes("bn_mlp.*")
    assert base.config.training.epochs == 20


@pytest.mark.parametrize(
    "name", ["bn_mlp.quick", "bn_mlp.large", "bn_mlp.strongest", "bn_mlp.tiny"]
)
def test_a_variant_cites_what_sets_it_apart(name):
    entry = recipe(name)
    assert entry.reference.startswith(f"{recipe('bn_mlp').reference}; ")
    assert ("Yun et al. 2019" in entry.reference) == (
        "cutmix" in entry.config.training.augmentation
    )
    smoothed = entry.config.training.label_smoothing > 0
    assert ("Szegedy et al. 2016" in entry.reference) == smoothed


def test_a_variant_replaces_no_other_recipe():
    small = {"model": {"hidden_units": (8,)}}
    found = register_variant("bn_mlp.own", small, summary="Own.")
    assert register_variant("bn_mlp.own", small, summary="Own.") == found  # a cell that runs again
    published = recipe("bn_mlp.quick")
    with pytest.raises(ConfigError, match=r"'bn_mlp\.quick' is registered already, with other"):
        register_variant("bn_mlp.quick", small, summary="Mine.")
    assert recipe("bn_mlp.quick") is published


@pytest.mark.parametrize("name", ["bn_mpl.small", "bn_mlp", "bn_mlp.", "bn_mlp.a.b", ".small"])
def test_a_variant_needs_a_recipe_and_a_name(name):
    with pytest.raises(ConfigError, match=r"A variant is named RECIPE\.NAME after a registered"):
        register_variant(name, {}, summary="Small.")
