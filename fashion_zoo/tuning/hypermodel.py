"""A recipe as a KerasTuner hypermodel."""

import dataclasses
import functools
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import hyperparameters
from keras_tuner.src.engine.conditions import Parent  # it has no public name

from fashion_zoo import registry, runs, spaces
from fashion_zoo.callbacks import check_callbacks
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, class_counts, load_for
from fashion_zoo.errors import ConfigError
from fashion_zoo.registry import Recipe
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.spaces import Parameter, TrainingSpace, check_images, narrowed
from fashion_zoo.spaces.ranges import Choice, Float, Whole
from fashion_zoo.training.fit import build_model, compile_model, fit
from fashion_zoo.training.plan import Plan, plan
from fashion_zoo.tuning.base_oracle import SearchError


def hypermodel(
    name: str,
    *,
    space: TrainingSpace | Mapping[str, str] | None = None,
    data: Any = None,
    data_settings: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> "RecipeHyperModel":
    """Make a KerasTuner hypermodel of a recipe.

    Args:
        name: name of a recipe.
        space: a search space, or ranges that replace some of the recipe's, such as
            ``{"learning_rate": "log(1e-4, 1e-2)", "optimizer": "'adamw'"}``.
        data: training data; see ``data.load``.
        data_settings: settings of arrays; see ``data.load``.
        **overrides: fields of RunConfig, such as ``training={"epochs": 5}``.

    Raises:
        ConfigError: if the name is unknown, or a value or range is not allowed.

    Example:
        ```python
        tuner = keras_tuner.Hyperband(
            fashion_zoo.tuning.hypermodel("bn_mlp"), objective="val_accuracy", max_epochs=9
        )
        tuner.search()
        ```
    """
    entry = registry.recipe(name)
    config = override(entry.config, overrides)
    config, images = load_for(
        config, entry.config.model, data, data_settings, overrides, batches=False
    )
    return RecipeHyperModel(entry, config, narrowed(entry.space, space, config), images)


class RecipeHyperModel(keras_tuner.HyperModel):
    """A KerasTuner hypermodel that builds and trains a recipe.

    It trains on the training images of the data set and evaluates on its validation images, so
    ``search()`` takes no data. It never reads the test images.

    Args:
        entry: the recipe.
        config: config with the default values of the hyperparameters.
        space: the search space.
        data: the data set.
        executions: executions per trial, each with another seed.
        folds: number of folds of the training images for cross-validation; 0 to evaluate on the
            validation images.

    Raises:
        ConfigError: if there are more folds than training images of a class, a batch size of the
            space is larger than the training set, or a teacher is refused.
    """

    def __init__(
        self,
        entry: Recipe,
        config: RunConfig,
        space: TrainingSpace,
        data: Dataset,
        executions: int = 1,
        folds: int = 0,
    ):
        super().__init__(name=entry.name)
        self.entry = entry
        self.base = config
        self.space = space
        self.executions = executions
        self.folds = folds
        self.display = TrainingDisplay(enabled=False)
        """Display of the epochs of each training."""
        self.dataset = data
        self._fold = functools.lru_cache(maxsize=1)(data.fold)
        self._built: tuple[weakref.ref[keras.Model], RunConfig, Plan] | None = None
        check_images(self.parameters, self.base, folds, self.dataset)
        runs.check_teacher(config.training.distillation, data, folds=folds)

    @property
    def repetitions(self) -> int:
        """Trainings per trial: executions times folds."""
        return self.executions * max(self.folds, 1)

    @property
    def fresh_seed(self) -> int:
        """The first seed that no trial uses."""
        return self.base.seed + self.executions

    def images(self, repetition: int) -> Dataset:
        """Return the data set of a repetition: the fold, or all of it."""
        return self._fold(repetition % self.folds, self.folds) if self.folds else self.dataset

    @functools.cached_property
    def parameters(self) -> list[Parameter]:
        """The hyperparameters of the search space, in order."""
        return self.space.parameters(self.base)

    def config(self, hp: keras_tuner.HyperParameters, repetition: int = 0) -> RunConfig:
        """Register the hyperparameters and return the config of their values."""
        # Inactive ones too, with their conditions, so that the tuner has the whole space at once.
        hp.merge([_hyperparameter(one) for one in self.parameters], overwrite=False)
        found = self.space.config(spaces.counting(self.parameters, hp.values), self.base)
        return override(found, {"seed": found.seed + repetition // max(self.folds, 1)})

    def build(self, hp: keras_tuner.HyperParameters, repetition: int = 0) -> keras.Model:
        """Build and compile the model of these hyperparameters."""
        config = self.config(hp, repetition)
        planned = plan(config, class_counts(self.images(repetition)))
        model = build_model(self.entry, config.model, planned)
        compile_model(model, planned)
        self._built = weakref.ref(model), config, planned
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *data: Any,
        epochs: int | None = None,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: Any = None,
        repetition: int = 0,
        **options: Any,
    ) -> keras.callbacks.History:
        """Train like ``recipes.train``, with schedules over all ``epochs``.

        ``data`` and ``options`` must be empty, since the hypermodel has its own data and settings;
        ``verbose``, which tuners pass, is ignored. ``repetition`` is the index of the training in
        its trial, which sets seed and fold; other tuners than StudyTuner do not pass it, and train
        all ``executions_per_trial`` with the same seed.

        Raises:
            SearchError: if ``search()`` was called with data, options or unsuitable callbacks.
            TrainingError: if the loss diverged.
        """
        if data or options:
            given = ", ".join([*(["images or labels"] if data else []), *options])
            raise SearchError(
                "search() takes epochs, callbacks and verbose, since a recipe brings its own "
                f"images and settings; received {given}. Leave that out, and give settings to "
                "hypermodel()."
            )
        try:
            check_callbacks(callbacks)
        except ConfigError as error:
            raise SearchError(str(error)) from error
        config = self.config(hp, repetition)
        training = dataclasses.replace(config.training, epochs=epochs or config.training.epochs)
        config = dataclasses.replace(config, training=training)
        images = self.images(repetition)
        built, self._built = self._built, None  # a trained model is compiled again
        if built and built[0]() is model and built[1] == config:
            planned, compiled = built[2], not initial_epoch
        else:
            planned, compiled = plan(config, class_counts(images)), False
        fit(
            model, planned, images, callbacks, self.display,
            initial_epoch=initial_epoch, compiled=compiled,
        )  # fmt: skip
        return model.history


def _hyperparameter(parameter: Parameter) -> hyperparameters.HyperParameter:
    name, found = parameter.name, parameter.range
    # conditional_scope would make one parent conditional on the other.
    conditions = [Parent(parent, list(allowed)) for parent, allowed in parameter.when]
    common: dict[str, Any] = {"default": parameter.default, "conditions": conditions}
    match found:
        case Choice(values=(False, True)):
            return hyperparameters.Boolean(name, **common)
        case Choice():
            return hyperparameters.Choice(name, list(found.values), **common)
        case Whole():
            return hyperparameters.Int(name, found.low, found.high, step=found.step, **common)
        case Float():
            sampling = "log" if found.log else "linear"
            return hyperparameters.Float(name, found.low, found.high, sampling=sampling, **common)
