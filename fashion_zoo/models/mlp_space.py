"""The search space of multilayer perceptrons."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from fashion_zoo import normalizations
from fashion_zoo.config import AdaptiveDropoutConfig, RunConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.spaces import Parameter, Questions, TrainingSpace, decays, ranges


@dataclasses.dataclass(frozen=True)
class MLPSpace(TrainingSpace):
    """The search space of a multilayer perceptron and its training."""

    depth: str = "whole(1, 5)"
    """Number of hidden layers."""
    units: str = "choice(64, 128, 256, 384, 512, 1024)"
    """Width of each hidden layer."""
    activation: str = "choice('relu', 'gelu', 'swish')"
    """Activation of the hidden layers."""
    normalization: str = "choice('batch', 'layer', 'none')"
    """Normalization of the hidden layers."""
    normalization_position: str = "choice('before', 'after')"
    """Position of normalization, if there is one."""
    dropout: str = "0 | uniform(0.02, 0.5)"
    """Dropout rate of each hidden layer."""
    dropout_schedule: str = "choice('constant', 'linear', 'cosine')"
    """Schedule of all dropout rates, if there is dropout."""
    l2: str = "0 | log(1e-6, 1e-3)"
    """Strength of the L2 penalty on kernels, under an optimizer that does not decay them."""
    residual: str = ""
    """Whether layers of equal widths are residual; empty leaves that of the recipe."""

    def parameters(self, config: RunConfig) -> list[Parameter]:
        """Return the parameters, those of the training first."""
        asked, model = Questions(self, super().parameters(config)), config.model
        asked.add("depth", len(model.hidden_units))
        for layer in range(1, max(ranges.values(self.depth)) + 1):
            own = min(layer, len(model.hidden_units)) - 1
            asked.add("units", model.hidden_units[own], _from(layer), number=layer)
        asked.add("activation", model.activation)
        asked.add("normalization", model.normalization)
        asked.add(
            "normalization_position", model.normalization_position, {"normalization": _normalizes}
        )
        self._ask_dropout(asked, config)
        asked.add("l2", model.l2, {"optimizer": lambda text: not decays(text)})
        if self.residual:
            asked.add("residual", model.residual, _from(2))
        return asked.parameters

    def _ask_dropout(self, asked: Questions, config: RunConfig) -> None:
        rates, dropout = config.model.dropout_rates, ranges.parse(self.dropout)
        dropping: dict[str, Any] = {}
        if isinstance(dropout, ranges.OrZero):
            asked.append("use_dropout", ranges.Choice((False, True)), any(rates))
            dropping = {"use_dropout": bool}
        for layer in range(1, max(ranges.values(self.depth)) + 1):
            rate = rates[min(layer, len(rates)) - 1]
            asked.add("dropout", rate, {**_from(layer), **dropping}, number=layer)
        if dropout != ranges.Choice((0,)):
            asked.add("dropout_schedule", config.training.schedules.dropout, dropping)

    def changes(self, values: Mapping[str, Any], base: RunConfig) -> dict[str, Any]:
        """Return the changes of the config, as ``override`` takes them."""
        changes = super().changes(values, base)
        layers = range(1, values["depth"] + 1)
        dropout = tuple(values.get(f"dropout_{layer}", 0.0) for layer in layers)
        schedule = values.get("dropout_schedule", "constant") if any(dropout) else "constant"
        changes["training"]["schedules"]["dropout"] = schedule
        if not any(dropout):  # without a layer there is nothing to move
            changes["training"]["adaptive_dropout"] = AdaptiveDropoutConfig()
        position = values.get("normalization_position", base.model.normalization_position)
        units = tuple(values[f"units_{layer}"] for layer in layers)
        equal = any(before == own for before, own in itertools.pairwise(units))
        changes["model"] = {
            "hidden_units": units,
            # without neighbors of one width there is nothing to add
            "residual": values.get("residual", base.model.residual) if equal else False,
            "activation": values["activation"],
            "normalization": values["normalization"],
            "dropout": dropout,
            "l2": values.get("l2", 0.0),
            "normalization_position": position,
        }
        return changes


def _normalizes(text: str) -> bool:
    try:
        return normalizations.WORDS.parse(text).make is not None
    except ConfigError:  # the check of the config raises it with the name of the parameter
        return False


def _from(layer: int) -> dict[str, Any]:
    return {"depth": lambda depth: depth >= layer}
