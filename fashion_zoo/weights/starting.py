"""From weights that are published, or of a run, to a model that starts from them."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from fashion_zoo.config import digest
from fashion_zoo.errors import Call, ConfigError, FashionZooError, RunError, WeightsError
from fashion_zoo.language.arguments import AnyPath, Meaning
from fashion_zoo.language.wording import listed, meant_folder, nearest
from fashion_zoo.registry import Recipe
from fashion_zoo.runs import is_run, open_run
from fashion_zoo.weights.file import read_file
from fashion_zoo.weights.manifest import damaged, find, list_weights

if TYPE_CHECKING:
    import keras

Head = Literal["stored", "new"]
Weights = Annotated[AnyPath, Meaning("the word of published weights, a run or its folder")]
Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Start:
    """Weights to start from."""

    place: str
    """The file or the run, for messages."""
    model: Any
    """The model config that they are of."""
    read: Callable[[], Arrays]
    """Returns path of each variable to its value, float32."""

    def restore(self, model: "keras.Model", wanted: Any, head: Head = "stored") -> None:
        """Assign the weights to a model.

        What they lack because Keras's own layers lack it, such as the rate of a dropout, is given
        by the ``unfolded`` of a layer.

        Args:
            model: a functional model, just built.
            wanted: the model config that it was built from.
            head: ``"new"`` leaves the last layer that has weights as it was built.

        Raises:
            ConfigError: if the model has other layers or shapes, which ``wanted`` asks for.
            WeightsError: if it has them though ``wanted`` is the config of the weights.
        """
        given = self.read()
        last = {weight.path for weight in [one for one in model.layers if one.weights][-1].weights}
        skipped = last if head == "new" else set()
        derived = _derived(model, given)
        variables = {one.path: one for one in model.weights if one.path not in skipped}
        needed = {path: tuple(variables[path].shape) for path in variables.keys() - derived.keys()}
        known = {path: value.shape for path, value in given.items() if path not in skipped}
        for path in dict.fromkeys([*variables, *sorted(known)]):
            if known.get(path) != needed.get(path):
                text = f"{path} is {_shape(known, path)} there, and {_shape(needed, path)} here"
                raise self._misfit(model.name, text, wanted == self.model, path in last)
        for path, variable in variables.items():
            variable.assign(derived[path] if path in derived else given[path])

    def _misfit(self, name: str, text: str, is_usual: bool, is_last: bool) -> FashionZooError:
        """Return the error for a model with other layers or shapes than the weights."""
        if is_usual:
            return damaged(Path(self.place), f"it does not fit {name}: {text}")
        new = ', or keep all but the last layer with head="new"' if is_last else ""
        return ConfigError(
            f"The weights of {self.place} do not fit these settings of {name}: {text}. Leave out "
            f"the settings of the model that change its shapes{new}."
        )


def find_start(entry: Recipe, weights: Weights | None, head: Head) -> Start | None:
    """Return the weights that are meant, read and checked as far as that needs no Keras.

    Args:
        entry: the recipe.
        weights: the word of published weights, or a run; None for initial weights.
        head: whether the last layer is ``"stored"`` or ``"new"``.

    Raises:
        ConfigError: if a text names neither published weights of the recipe nor a run folder, or
            there is a new head of nothing.
        RunError: if the run cannot be read, has no model, or is of another recipe.
        WeightsError: if a file or a manifest is missing, damaged, or of other settings than the
            recipe.
    """
    if weights is None:
        if head == "new":
            raise ConfigError('head="new" keeps weights under a new last layer. Give weights, too.')
        return None
    is_word = isinstance(weights, str) and Path(weights).name == weights
    found = find(entry.name, str(weights)) if is_word else None
    if found is None:
        is_there = is_run(Path(weights)) if is_word else os.path.isdir(weights)
        if isinstance(weights, str) and not is_there:
            raise _nothing(entry.name, weights)
        return _of_run(entry, weights)
    row, folder = found
    if row.defaults != digest.of(entry.config):
        raise WeightsError(
            f"{folder / row.file} was published when {entry.name} had other defaults than it has "
            "here. Update the older of the two packages, or train the recipe with ",
            Call("train", (entry.name,)),
            " and start from that run.",
        )
    arrays = read_file(row, folder)
    return Start(str(folder / row.file), entry.config.model, lambda: arrays)


def _of_run(entry: Recipe, place: AnyPath) -> Start:
    run = open_run(place)
    if run.recipe != entry.name:
        raise RunError(f"{run.path} is a run of {run.recipe}, not of {entry.name}.")
    if run.ensemble and not run.ensemble.is_soup:
        raise RunError(
            f"{run.path} is an ensemble ({run.ensemble.title}), whose model contains its members. "
            "Start from one of them, or from a soup of them."
        )
    run.check_model()
    return Start(str(run.path), run.config.model, lambda: arrays_of(run.load_model()))


def _nothing(name: str, given: str) -> ConfigError:
    """Return the error for a text that names neither published weights of a recipe nor a run."""
    rows, train = list_weights(), Call("train", (name,))
    known = sorted({row.weights for row in rows if row.recipe == name})
    owners = sorted({row.recipe for row in rows if row.weights == given})
    near = nearest(given, known) if Path(given).name == given else None
    meant = f" Did you mean {near!r}?" if near else meant_folder(Path(given), "config.json")
    if not known:
        others = ", ".join(sorted(f"{row.recipe} ({row.weights})" for row in rows))
        return ConfigError(
            f"No weights of {name} are published, and no run folder is named {given!r}.{meant} "
            f"Published for other recipes: {others or 'none'}. Train this one with ",
            train,
            " and give that run as weights.",
        )
    what = f"No published weights of {name} and no run folder are named {given!r}.{meant}"
    if owners:
        what = f"The published weights {given!r} are of {listed(owners)}, not of {name}."
    return ConfigError(
        f"{what} Published for {name}: {', '.join(known)}. Give one of these, or a run of ",
        train,
        ".",
    )


def arrays_of(model: "keras.Model") -> Arrays:
    """Return the weights of a model: path of each variable to its value."""
    from fashion_zoo.layers.values import as_array

    return {weight.path: as_array(weight) for weight in model.weights}


def _derived(model: "keras.Model", given: Mapping[str, np.ndarray]) -> Arrays:
    """Return the weights of layers that Keras's own layers do not have, by path."""
    found: Arrays = {}
    for layer in model._flatten_layers():
        if hasattr(layer, "unfolded"):
            paths = {weight.name: weight.path for weight in layer.weights}
            own = {name: given[path] for name, path in paths.items() if path in given}
            found |= {paths[name]: value for name, value in layer.unfolded(own).items()}
    return found


def _shape(shapes: Mapping[str, tuple[int, ...]], path: str) -> str:
    return f"of shape {shapes[path]}" if path in shapes else "missing"
