"""Callbacks that move dropout rates: by a schedule, or by the gap between two losses."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import keras
import numpy as np

from fashion_zoo.callbacks.stopping import Stateful
from fashion_zoo.config import AdaptiveDropoutConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.layers import ScheduledDropout
from fashion_zoo.schedules import Schedule, tabulate

_DEFAULTS = AdaptiveDropoutConfig()
Factors = Schedule | np.ndarray  # an array has the factor of each epoch or step


class _DropoutCallback(keras.callbacks.Callback):
    """Log the rates of the last step of an epoch; restore the base rates when training ends."""

    _subject = ""  # of the message if there is no layer to move

    def _layers(self) -> list[ScheduledDropout]:
        """Return the layers whose rate can move, from the input to the output."""
        layers = [layer for layer in self.model.layers if isinstance(layer, ScheduledDropout)]
        if not layers:
            raise ConfigError(
                f"{self._subject} needs a ScheduledDropout layer; {self.model.name} has none. Give "
                "it a rate above 0."
            )
        return layers

    def _moved(self) -> list[ScheduledDropout]:
        return self._layers()

    def on_epoch_end(self, epoch, logs=None):
        for layer in self._moved():
            logs[f"{layer.name}_rate"] = layer.last_rate

    def on_train_end(self, logs=None):
        for layer in self._moved():
            layer.reset()


class DropoutScheduler(_DropoutCallback):
    """Move the rate of the model's ``ScheduledDropout`` layers by training progress.

        rate_i = base_rate_i * depth_i * schedule_i(progress)

    Per epoch, progress is ``epoch / epochs`` with epochs counted from 0, and the callback assigns
    the rate of the layer. Per step, progress goes from 0 at the first step to 1 at the last, and
    the layer looks the factor up in the graph. The rate of an epoch's last step is logged as
    ``NAME_rate``. The end of training restores the base rates; so list it after an
    ``EarlyStopping`` that restores the best weights, which include the rate.

    Args:
        schedule: a function of progress, such as ``fashion_zoo.schedules.linear()``, for all
            layers; or layer name to schedule, for those layers. An array has the factor of each
            epoch, or of each step.
        depth: factors of the first and of the last layer, linear between, which multiply the
            schedule.
        each: "epoch" or "step".

    Raises:
        ConfigError: when training begins, if the model has no such layer, a name is unknown, or a
            rate leaves [0, 1).
    """

    _subject = "A dropout schedule"

    def __init__(
        self,
        schedule: Factors | Mapping[str, Factors],
        *,
        depth: tuple[float, float] = (1.0, 1.0),
        each: Literal["epoch", "step"] = "epoch",
    ):
        super().__init__()
        checks.choice("each", each, Literal["epoch", "step"])
        for factor in depth:
            checks.not_negative("depth", factor)
        self.schedule = schedule
        self.depth = depth
        self.each = each
        self.factors: dict[str, np.ndarray] = {}
        self.followed = False

    def on_train_begin(self, logs=None):
        self.followed = False
        count = self.params["epochs"]
        if self.each == "step":
            if not self.params["steps"]:
                raise ConfigError("Dropout can move each step only if fit knows steps_per_epoch.")
            count *= self.params["steps"]
        self.factors = self._tables([layer.name for layer in self._layers()], count)
        for layer in self._moved():
            for factor in self.factors[layer.name].tolist():
                if not 0 <= (rate := layer.base_rate * factor) < 1:
                    raise ConfigError(
                        f"The schedule takes the rate of {layer.name} to {rate:g}; a dropout rate "
                        "must be at least 0 and below 1."
                    )

    def on_epoch_begin(self, epoch, logs=None):
        if self.each == "epoch":
            for layer in self._moved():
                layer.rate.assign(layer.base_rate * float(self.factors[layer.name][epoch]))
        elif not self.followed:
            self._follow(epoch)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self.followed:  # the traced function contains the table
            self.model.make_train_function(force=True)

    def _follow(self, epoch: int) -> None:
        self.followed = True
        for layer in self._moved():
            layer.rate.assign(layer.base_rate)
            # A resumed training is in the middle of its table; a second fit has a new one.
            layer.follow(self.factors[layer.name], layer.steps - epoch * self.params["steps"])
        self.model.make_train_function(force=True)  # one traced before contains an old table

    def _moved(self) -> list[ScheduledDropout]:
        return [layer for layer in self._layers() if layer.name in self.factors]

    def _tables(self, names: Sequence[str], count: int) -> dict[str, np.ndarray]:
        """Return the factors of each layer that moves, at all epochs or at all steps."""
        given = self.schedule
        chosen = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
        for name in chosen:
            if name not in names:
                raise ConfigError(f"Unknown dropout layer {name!r}. There are {', '.join(names)}.")
        depths = zip(names, np.linspace(*self.depth, len(names)), strict=True)
        return {
            name: float(depth) * self._table(chosen[name], count)
            for name, depth in depths
            if name in chosen
        }

    def _table(self, factors: Factors, count: int) -> np.ndarray:
        if not callable(factors):
            if len(factors) != count:
                raise ConfigError(
                    f"The dropout rates move {count} times, received {len(factors)} factors."
                )
            return factors
        if self.each == "step":
            return np.array(tabulate(factors, 1.0, count))
        return np.array([factors(epoch / count) for epoch in range(count)])


class AdaptiveDropout(Stateful, _DropoutCallback):
    """Move dropout rates by feedback: the gap between validation and training loss.

        gap = val_loss - loss                                    (after an epoch)
        change = clip(gain * (gap - target), -0.2, 0.2)
        factor = clip(factor * exp(change), lowest, highest)
        rate_i = min(base_rate_i * factor, 0.9)                  (in the next epoch)

    A gap above the target raises the rates and one below it lowers them. The training loss is
    the one that Keras reports: the mean over the epoch, with dropout, so that stronger dropout
    narrows the gap and the loop converges. A change is bounded, because the mean over the first
    epoch depends more on its start than on the gap. The factor starts at 1; multiplication keeps
    the ratios of the rates, and as its bounds are above 0 it can recover. The applied rates are
    logged as ``NAME_rate``. The end of training restores the base rates.

    The rule is this package's own: integral control of the logarithm of the rates.

    Args:
        target: the desired gap, in units of the loss.
        gain: change of the factor's logarithm per epoch and unit of the gap, above 0.
        lowest: smallest factor, above 0 and at most 1.
        highest: largest factor, at least 1.

    Raises:
        ConfigError: if an argument is out of range, the model has no ScheduledDropout layer, or
            ``fit`` has no validation data.
    """

    saved = ("factor",)
    _subject = "AdaptiveDropout"
    largest_rate = 0.9
    largest_change = 0.2  # of the factor's logarithm in one epoch

    def __init__(
        self,
        target: float = _DEFAULTS.target,
        gain: float = _DEFAULTS.gain,
        lowest: float = _DEFAULTS.lowest,
        highest: float = _DEFAULTS.highest,
    ):
        super().__init__()
        AdaptiveDropoutConfig(True, target, gain, lowest, highest)  # it checks them
        self.target = target
        self.gain = gain
        self.lowest = lowest
        self.highest = highest
        self.factor = 1.0

    def on_train_begin(self, logs=None):
        self.factor = 1.0
        self._layers()

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self._layers():
            layer.rate.assign(min(layer.base_rate * self.factor, self.largest_rate))

    def on_epoch_end(self, epoch, logs=None):
        if "val_loss" not in logs:
            raise ConfigError("AdaptiveDropout needs validation data, received none.")
        super().on_epoch_end(epoch, logs)
        change = self.gain * (logs["val_loss"] - logs["loss"] - self.target)
        change = min(max(change, -self.largest_change), self.largest_change)
        self.factor = min(max(self.factor * math.exp(change), self.lowest), self.highest)
