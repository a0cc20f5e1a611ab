import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fashion_zoo

SURFACE = [
    "AdaptiveDropoutConfig", "ConfigError", "DataConfig", "DataError", "EarlyStoppingConfig",
    "ExportError", "FashionZooError", "MLPConfig", "MLPSpace", "Recipe", "Run",
    "RunConfig", "RunError", "RunLockedError", "SchedulesConfig", "StorageError", "StudyError",
    "TrainingConfig", "TrainingError", "TrainingInterrupted",
    "check_free", "dashboard", "data",
    "default_run_dir", "evaluate", "export", "find", "find_lr", "get", "limit_gpu_memory",
    "list_recipes", "load_recipes", "open_run",
    "override", "plot_augmentation", "plot_schedules", "policies", "predict", "ranges",
    "read_config", "read_results", "recipe", "register", "register_variant", "schedules",
    "stored_config", "train", "tune", "unknown",
]  # fmt: skip


def test_the_public_surface_is_this_list():
    assert sorted(fashion_zoo.__all__) == sorted(SURFACE)


@pytest.mark.parametrize("name", SURFACE)
def test_every_public_name_resolves_and_is_documented(name):
    value = getattr(fashion_zoo, name)
    assert value.__doc__
    assert name in dir(fashion_zoo)


MODULES = [
    "augment", "callbacks", "data", "evaluation", "layers", "models", "optimizers", "policies",
    "ranges", "schedules", "seeds", "spaces", "tuning",
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_every_module_with_parts_for_own_code_is_an_attribute(name):
    assert getattr(fashion_zoo, name).__name__.rpartition(".")[2] == name
    assert name in dir(fashion_zoo)


def test_the_lazy_names_are_the_typed_names():
    tree = ast.parse(Path(fashion_zoo.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("fashion_zoo")
        for alias in node.names
    }
    assert typed == {*SURFACE, *MODULES}


def test_the_package_says_that_it_is_typed():
    assert Path(fashion_zoo.__file__).with_name("py.typed").is_file()


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fashion_zoo' has no attribute 'trian'"):
        fashion_zoo.trian  # noqa: B018  # the access is the test


@pytest.mark.parametrize(
    "use",
    [
        "import fashion_zoo",
        "from fashion_zoo import *; list_recipes(); read_results(); schedules.linear(0)",
        "import fashion_zoo; fashion_zoo.recipe('bn_mlp'); fashion_zoo.find(tag='l2')",
        "import fashion_zoo; fashion_zoo.data.load().positions",
    ],
)
def test_the_light_parts_load_no_framework(use):
    heavy = "{'keras', 'tensorflow', 'jax', 'matplotlib', 'sklearn', 'scipy', 'rich'}"
    code = f"{use}\nimport sys; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_functions_keep_their_names_after_every_module_is_loaded(trained):
    """A folder named like a function would take its place once it is imported."""
    import types

    for name in set(SURFACE) - {"data", "policies", "ranges", "schedules"}:
        assert not isinstance(getattr(fashion_zoo, name), types.ModuleType), name
