"""The settings: frozen dataclasses that check themselves.

They are the single source of defaults. Command-line flags are made from them, a run stores
them, and Python takes the same names: ``--training.epochs 5`` is
``training={"epochs": 5}``.
"""

import dataclasses
import math
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args

from fashion_zoo import schedules
from fashion_zoo.errors import ConfigError
from fashion_zoo.suggest import unknown

Activation = Literal["relu", "leaky_relu", "elu", "selu", "gelu", "swish"]
Normalization = Literal["batch", "layer", "group", "none"]
Position = Literal["before", "after"]
Initializer = Literal[
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform"
]
Optimizer = Literal["adam", "adamw", "sgd"]
Monitor = Literal["none", "accuracy", "loss"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]

ConfigType = TypeVar("ConfigType")


def _choice(name: str, value: object, literal: Any) -> None:
    if value not in get_args(literal):
        raise ConfigError(unknown(name, value, get_args(literal)))


def _whole(name: str, value: object, low: int) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < low:
        raise ConfigError(f"{name} must be a whole number of at least {low}, received {value!r}.")


def _number(name: str, value: object, allowed: str, test: Callable[[float], bool]) -> None:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not test(value):  # type: ignore[arg-type]  # checked real
        raise ConfigError(f"{name} must be {allowed}, received {value!r}.")


def _sequence(name: str, value: object) -> tuple:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    if isinstance(value, numbers.Real):
        return (value,)
    raise ConfigError(f"{name} must be a number or a list of numbers, received {value!r}.")


def _section(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise ConfigError(f"{name} must be a {kind.__name__}, received {value!r}.")


def _fraction(name: str, value: object) -> None:
    _number(name, value, "a number of at least 0 and below 1", lambda number: 0 <= number < 1)


def _not_negative(name: str, value: object) -> None:
    _number(name, value, "a number of at least 0", lambda number: number >= 0)


@dataclasses.dataclass(frozen=True)
class MLPConfig:
    """What an MLP is made of; the options of the family ``mlp``."""

    hidden_units: tuple[int, ...] = (512, 256, 128, 64)
    """Width of each hidden layer, from the input to the output."""
    activation: Activation = "relu"
    """Activation of the hidden layers."""
    normalization: Normalization = "none"
    """Normalization of the hidden layers."""
    normalization_position: Position = "before"
    """Where normalization stands: before or after the activation."""
    groups: int = 32
    """Number of groups of group normalization; it must divide every width."""
    dropout: tuple[float, ...] = (0.0,)
    """Dropout rate: one for all, one for each hidden layer, or first and last (linear between)."""
    kernel_initializer: Initializer = "he_normal"
    """Initializer of every kernel."""
    l2: float = 0.0
    """Strength of the L2 penalty on kernels: l2 x the sum of squares is added to the loss."""
    num_classes: int = 10
    """Number of classes, which is the number of logits."""
    input_shape: tuple[int, ...] = (28, 28)
    """Shape of one image, or of one flat vector."""

    def __post_init__(self) -> None:
        for name in ("hidden_units", "dropout", "input_shape"):
            object.__setattr__(self, name, _sequence(name, getattr(self, name)))
        for name in ("hidden_units", "input_shape"):
            if not getattr(self, name):
                raise ConfigError(f"{name} must hold at least one number, received ().")
            for size in getattr(self, name):
                _whole(name, size, 1)
        _choice("activation", self.activation, Activation)
        _choice("normalization", self.normalization, Normalization)
        _choice("normalization_position", self.normalization_position, Position)
        _choice("kernel_initializer", self.kernel_initializer, Initializer)
        _whole("groups", self.groups, 1)
        _whole("num_classes", self.num_classes, 2)
        _not_negative("l2", self.l2)
        for rate in self.dropout:
            _fraction("dropout", rate)
        if len(self.dropout) not in (1, 2, len(self.hidden_units)):
            raise ConfigError(
                f"dropout must hold 1 rate, 2 (first and last) or {len(self.hidden_units)} "
                f"(one for each hidden layer), received {len(self.dropout)}: {self.dropout}."
            )
        if self.normalization == "group":
            for units in self.hidden_units:
                if units % self.groups:
                    raise ConfigError(
                        f"groups must divide every width of hidden_units, received groups="
                        f"{self.groups} and hidden_units={self.hidden_units}: {units} is not "
                        f"a multiple of {self.groups}."
                    )

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate of each hidden layer, as ``dropout`` spells it out."""
        depth = len(self.hidden_units)
        if len(self.dropout) == depth:
            return self.dropout
        first, last = self.dropout[0], self.dropout[-1]
        # Only one hidden layer and two rates: the layer is the first one.
        return tuple(first + (last - first) * layer / max(depth - 1, 1) for layer in range(depth))


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Where the images come from."""

    dataset: Literal["fashion_mnist"] = "fashion_mnist"
    """Name of the data set."""
    folder: str | None = None
    """Folder that holds the published files; by default those that come with the package."""
    limit: int | None = None
    """Train on a stratified slice of this many images only; validation and test stay whole."""

    def __post_init__(self) -> None:
        if self.dataset != "fashion_mnist":
            raise ConfigError(unknown("dataset", self.dataset, ["fashion_mnist"]))
        if isinstance(self.folder, os.PathLike):
            object.__setattr__(self, "folder", os.fspath(self.folder))
        if self.folder is not None and not isinstance(self.folder, str):
            raise ConfigError(f"data.folder must be a path, received {self.folder!r}.")
        if self.limit is not None:
            _whole("data.limit", self.limit, 1)


@dataclasses.dataclass(frozen=True)
class EarlyStoppingConfig:
    """When to stop before the last epoch. The best weights come back at the end."""

    monitor: Monitor = "none"
    """What must improve on the validation images; none trains to the end."""
    patience: int = 5
    """Epochs without improvement before training stops."""
    min_delta: float = 0.0
    """Smallest change that counts as an improvement, a fraction or a loss."""

    def __post_init__(self) -> None:
        _choice("early_stopping.monitor", self.monitor, Monitor)
        _whole("early_stopping.patience", self.patience, 1)
        _not_negative("early_stopping.min_delta", self.min_delta)


@dataclasses.dataclass(frozen=True)
class SchedulesConfig:
    """How base values move: schedules such as cosine(1, 0.01) or warmup(0.05) >> linear."""

    learning_rate: str = "one_cycle"
    """Factor of the learning rate, each step."""
    dropout: str = "constant"
    """Factor of every dropout rate, each epoch."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            name = getattr(self, field.name)
            if not isinstance(name, str):
                raise ConfigError(f"schedules.{field.name} must be a name, received {name!r}.")
            schedules.get(name)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained."""

    epochs: int = 20
    """Number of passes over the training images."""
    batch_size: int = 256
    """Images a step. The last batch of an epoch is left out when it is not full."""
    optimizer: Optimizer = "adam"
    """Optimizer; sgd has Nesterov momentum 0.9."""
    learning_rate: float = 1e-3
    """Base learning rate, the largest of a one_cycle schedule."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the kernels, a step, times the learning rate; adamw only."""
    clip_norm: float | None = None
    """Largest global norm of the gradient; none does not clip."""
    label_smoothing: float = 0.0
    """Fraction of each label spread evenly over all classes."""
    schedules: SchedulesConfig = SchedulesConfig()
    """How the learning rate and the dropout rates move."""
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    """When to stop before the last epoch."""

    def __post_init__(self) -> None:
        positive = "a number above 0"
        _section("schedules", self.schedules, SchedulesConfig)
        _section("early_stopping", self.early_stopping, EarlyStoppingConfig)
        _whole("epochs", self.epochs, 1)
        _whole("batch_size", self.batch_size, 1)
        _choice("optimizer", self.optimizer, Optimizer)
        _number("learning_rate", self.learning_rate, positive, lambda number: number > 0)
        _not_negative("weight_decay", self.weight_decay)
        _fraction("label_smoothing", self.label_smoothing)
        if self.clip_norm is not None:
            _number("clip_norm", self.clip_norm, positive, lambda number: number > 0)
        if self.weight_decay and self.optimizer != "adamw":
            raise ConfigError(
                f"weight_decay needs optimizer 'adamw', received {self.optimizer!r}. "
                "For a penalty in the loss set model.l2 instead."
            )


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that one training is made from, and that a run stores."""

    model: Any = MLPConfig()
    """The model: the config dataclass of its family."""
    data: DataConfig = DataConfig()
    """The data."""
    training: TrainingConfig = TrainingConfig()
    """The training."""
    seed: int = 0
    """Key of everything random: initialization, order of the images, dropout."""
    precision: Precision = "float32"
    """Dtype policy of the layers; auto takes what the device multiplies natively."""

    def __post_init__(self) -> None:
        if not dataclasses.is_dataclass(self.model):
            raise ConfigError(f"model must be a config dataclass, received {self.model!r}.")
        _section("data", self.data, DataConfig)
        _section("training", self.training, TrainingConfig)
        _whole("seed", self.seed, 0)
        _choice("precision", self.precision, Precision)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A registered entry of the zoo."""

    name: str
    """The name of the builder function."""
    builder: Callable[..., Any]
    """``builder(config, *, seed, dtype)`` returns a functional ``keras.Model``."""
    config: RunConfig
    """The defaults."""
    summary: str
    """One line: the idea."""
    reference: str
    """The paper or the textbook."""
    parameters: int
    """Trainable parameters with the defaults."""
    tags: tuple[str, ...] = ()
    """What ``find(tag=...)`` looks for."""


def _where_it_is(config: Any, name: str) -> str:
    """Return a hint when an option that is unknown here is one of a section."""
    for field in dataclasses.fields(config):
        section = getattr(config, field.name)
        if dataclasses.is_dataclass(section) and hasattr(section, name):
            return f" It is an option of {field.name}: {field.name}={{{name!r}: ...}}."
    return ""


def override(config: ConfigType, changes: Mapping[str, Any], path: str = "") -> ConfigType:
    """Return the config with some of its fields changed, at any depth.

    Args:
        config: any config dataclass.
        changes: field names to values; a nested config takes a mapping of its own fields.
        path: where ``config`` stands in a larger one, for the message.

    Raises:
        ConfigError: an unknown name, answered with the nearest one, or a value that is not
            allowed.
    """
    fields = [field.name for field in dataclasses.fields(config)]  # type: ignore[arg-type]
    values = {}
    for name, value in changes.items():
        if name not in fields:
            known = unknown(f"option{' of ' + path if path else ''}", name, fields)
            raise ConfigError(known + _where_it_is(config, name))
        current = getattr(config, name)
        if dataclasses.is_dataclass(current) and not isinstance(value, type(current)):
            if not isinstance(value, Mapping):
                names = ", ".join(field.name for field in dataclasses.fields(current))
                raise ConfigError(
                    f"{name} must be a mapping with some of {names}, received {value!r}."
                )
            value = override(current, value, f"{path}.{name}" if path else name)
        values[name] = value
    return dataclasses.replace(config, **values)  # type: ignore[type-var]
