import subprocess
import sys
import types
from pathlib import Path

import pytest

import fashion_zoo

FUNCTIONS = [
    "AdaptiveDropoutConfig", "ConfigError", "DataConfig", "DataError", "DistillationConfig",
    "EarlyStoppingConfig", "ExportError", "FashionZooError", "MLPConfig", "MLPSpace",
    "PlateauConfig", "Recipe", "Run", "RunConfig", "RunError", "RunLockedError", "SchedulesConfig",
    "SearchConfig", "StorageError", "StudyError", "TrainingConfig", "TrainingError",
    "TrainingInterrupted", "WeightingConfig", "WeightsError", "audit", "check_free", "compare",
    "cores", "dashboard",
    "default_run_dir", "ensemble", "evaluate", "export", "find", "find_lr", "get", "gpu_is_lost",
    "inspect", "limit_gpu_memory", "list_recipes", "load_recipes", "open_run", "override",
    "plot_augmentation",
    "plot_schedules", "predict", "publish", "read_config", "read_results", "recipe", "register",
    "register_variant", "stored_config", "train", "train_ensemble", "tune", "unknown",
    "when_keras_starts", "words_of",
]  # fmt: skip
MODULES = [  # with parts for own code
    "activations", "auditing", "augment", "averaging", "callbacks", "class_weights", "clippings",
    "config", "data", "ensembles", "errors", "evaluation", "experiments", "exporting", "inspecting",
    "layers", "losses", "models", "normalizations", "optimizers", "policies", "ranges", "schedules",
    "seeds", "show", "spaces", "tuning", "weights", "wording",
]  # fmt: skip
SURFACE = [*FUNCTIONS, *MODULES]


def test_the_public_surface_is_this_list():
    assert sorted(dir(fashion_zoo)) == sorted(SURFACE)


@pytest.mark.parametrize("name", SURFACE)
def test_every_public_name_resolves_and_is_documented(name):
    value = getattr(fashion_zoo, name)
    assert value.__doc__
    assert value.__name__.rpartition(".")[2] == name


def test_a_star_import_has_all_but_what_loads_keras():
    heavy = {"augment", "callbacks", "layers", "optimizers", "tuning"}
    assert set(fashion_zoo.__all__) == set(SURFACE) - heavy


def test_the_package_says_that_it_is_typed():
    assert Path(fashion_zoo.__file__).with_name("py.typed").is_file()


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No fashion_zoo attribute trian"):
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
    for name in SURFACE:
        assert (name in MODULES) == isinstance(getattr(fashion_zoo, name), types.ModuleType), name
