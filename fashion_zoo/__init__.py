"""fashion_zoo: multilayer-perceptron recipes for 28x28 images, with numbers you can check."""

import importlib
from typing import TYPE_CHECKING, Any

import fashion_zoo.machine.serialization as _serialization

if TYPE_CHECKING:
    from fashion_zoo import augment as augment
    from fashion_zoo import callbacks as callbacks
    from fashion_zoo import data as data
    from fashion_zoo import evaluation as evaluation
    from fashion_zoo import layers as layers
    from fashion_zoo import models as models
    from fashion_zoo import optimizers as optimizers
    from fashion_zoo import policies as policies
    from fashion_zoo import schedules as schedules
    from fashion_zoo import seeds as seeds
    from fashion_zoo import spaces as spaces
    from fashion_zoo import tuning as tuning
    from fashion_zoo.config import (
        AdaptiveDropoutConfig,
        DataConfig,
        EarlyStoppingConfig,
        Recipe,
        RunConfig,
        SchedulesConfig,
        TrainingConfig,
    )
    from fashion_zoo.config.overrides import override
    from fashion_zoo.errors import (
        ConfigError,
        DataError,
        ExportError,
        FashionZooError,
        RunError,
        RunLockedError,
        StorageError,
        StudyError,
        TrainingError,
    )
    from fashion_zoo.language.suggest import unknown
    from fashion_zoo.machine.devices import limit_gpu_memory
    from fashion_zoo.models.mlp import MLPConfig, MLPSpace
    from fashion_zoo.registry import (
        find,
        list_recipes,
        load_recipes,
        recipe,
        register,
        register_variant,
    )
    from fashion_zoo.results import read_results
    from fashion_zoo.runs import Run, check_free, open_run, read_config, stored_config
    from fashion_zoo.spaces import ranges as ranges
    from fashion_zoo.zoo import (
        TrainingInterrupted,
        dashboard,
        default_run_dir,
        evaluate,
        export,
        find_lr,
        get,
        plot_augmentation,
        plot_schedules,
        predict,
        train,
        tune,
    )

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first used, so that
# ``import fashion_zoo`` loads neither keras nor tensorflow.
_HOMES = {
    "config": [
        "AdaptiveDropoutConfig",
        "DataConfig",
        "EarlyStoppingConfig",
        "Recipe",
        "RunConfig",
        "SchedulesConfig",
        "TrainingConfig",
        "override",
    ],
    "machine.devices": ["limit_gpu_memory"],
    "models.mlp": ["MLPConfig", "MLPSpace"],
    "errors": [
        "ConfigError",
        "DataError",
        "ExportError",
        "FashionZooError",
        "RunError",
        "RunLockedError",
        "StorageError",
        "StudyError",
        "TrainingError",
    ],
    "registry": ["find", "list_recipes", "load_recipes", "recipe", "register", "register_variant"],
    "results": ["read_results"],
    "runs": ["Run", "check_free", "open_run", "read_config", "stored_config"],
    "language.suggest": ["unknown"],
    "zoo": [
        "TrainingInterrupted",
        "dashboard",
        "default_run_dir",
        "evaluate",
        "export",
        "find_lr",
        "get",
        "plot_augmentation",
        "plot_schedules",
        "predict",
        "train",
        "tune",
    ],
}
# Those that load keras are no part of a star import.
_MODULES = [
    "augment",
    "callbacks",
    "data",
    "evaluation",
    "layers",
    "models",
    "optimizers",
    "policies",
    "ranges",
    "schedules",
    "seeds",
    "spaces",
    "tuning",
]

__all__ = [
    "AdaptiveDropoutConfig",
    "ConfigError",
    "DataConfig",
    "DataError",
    "EarlyStoppingConfig",
    "ExportError",
    "FashionZooError",
    "MLPConfig",
    "MLPSpace",
    "Recipe",
    "Run",
    "RunConfig",
    "RunError",
    "RunLockedError",
    "SchedulesConfig",
    "StorageError",
    "StudyError",
    "TrainingConfig",
    "TrainingError",
    "TrainingInterrupted",
    "check_free",
    "dashboard",
    "data",
    "default_run_dir",
    "evaluate",
    "export",
    "find",
    "find_lr",
    "get",
    "limit_gpu_memory",
    "list_recipes",
    "load_recipes",
    "open_run",
    "override",
    "plot_augmentation",
    "plot_schedules",
    "policies",
    "predict",
    "ranges",
    "read_config",
    "read_results",
    "recipe",
    "register",
    "register_variant",
    "schedules",
    "stored_config",
    "train",
    "tune",
    "unknown",
]


if not TYPE_CHECKING:  # a type checker takes the imports above, and finds misspelled names

    def __getattr__(name: str) -> Any:
        if name == "ranges":
            return importlib.import_module("fashion_zoo.spaces.ranges")
        if name in _MODULES:
            return importlib.import_module(f"fashion_zoo.{name}")
        for home, names in _HOMES.items():
            if name in names:
                return getattr(importlib.import_module(f"fashion_zoo.{home}"), name)
        raise AttributeError(f"module 'fashion_zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})


_serialization.register_with_keras()
