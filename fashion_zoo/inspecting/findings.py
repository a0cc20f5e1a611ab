"""What an inspection finds: the kinds of faults with their limits, and its JSON value."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from fashion_zoo.errors import Hint, Message
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.runs.stored import RESULTS, Result
from fashion_zoo.show import pages
from fashion_zoo.storage import reading

FORMAT = 1
FOLDER = "inspection"
FILE = "inspection.json"

# docs/commands/inspect.md has the reasons.
DEAD = STALE = 0.25  # of the units of a layer
SATURATED = 0.5  # of the outputs of a layer
VANISHING, EXPLODING = 1e-3, 1e3  # of the norm of the gradient of the logits


class Kind(NamedTuple):
    """A kind of finding."""

    title: str
    meaning: str
    advice: Message
    """What usually helps, a sentence with settings of a recipe."""


_NORMALIZED = Hint("model.normalization", "batch")
_FITTED = Hint("model.kernel_initializer", "auto")

KINDS: Mapping[str, Kind] = {
    "dead_units": Kind(
        "Dead units",
        "A unit gives one value for all images, so it learns nothing.",
        Message(
            "What usually helps is a smaller ", Hint("training.learning_rate"), ", ", _NORMALIZED,
            ", or an activation function with a slope everywhere: ",
            Hint("model.activation", "leaky_relu"), ".",
        ),
    ),
    "saturation": Kind(
        "Saturation",
        "An activation function is flat at most of its inputs.",
        Message(
            "What usually helps is ", _NORMALIZED, " before the activation function, ", _FITTED,
            ", or an activation function without bounds: ", Hint("model.activation", "relu"), ".",
        ),
    ),
    "vanishing_gradients": Kind(
        "Vanishing gradients",
        "The gradient hardly reaches a layer, which hardly learns.",
        Message(
            "What usually helps is ", _NORMALIZED, ", ", _FITTED, ", or fewer layers in ",
            Hint("model.hidden_units"), ".",
        ),
    ),
    "exploding_gradients": Kind(
        "Exploding gradients",
        "The gradient grows towards the first layer, or is not finite.",
        Message(
            "What usually helps is ", Hint("training.clipping", "global_norm(1)"), ", a smaller ",
            Hint("training.learning_rate"), ", ", _FITTED, ", or ", _NORMALIZED, ".",
        ),
    ),
    "stale_statistics": Kind(
        "Stale batch-norm statistics",
        "The mean and variance that batch normalization keeps are not those of the data.",
        Message(
            "What usually helps is a shorter memory of them, ",
            Hint("model.normalization", "batch(momentum=0.9)"), ", a larger ",
            Hint("training.batch_size"), ", or a learning rate that falls at the end, as with ",
            Hint("training.schedules.learning_rate", "one_cycle"), ".",
        ),
    ),
}  # fmt: skip
"""Name of each kind to its title, its meaning and what usually helps."""


class Finding(NamedTuple):
    """A fault at an epoch, in one layer or in several that follow each other."""

    kind: str
    """One of ``KINDS``."""
    layers: tuple[str, ...]
    value: float | None
    """What passes the limit, the worst of the layers; None if it is not finite."""
    text: str
    """The same in words."""


def findings(layers: Sequence[Mapping[str, Any]], *, trained: bool = True) -> list[Finding]:
    """Return the faults in what ``measuring.measure`` returned, in the order of ``KINDS``.

    An untrained model has no batch-norm statistics yet.
    """
    found = [*_units(layers), *_gradients(layers), *(_statistics(layers) if trained else ())]
    return sorted(found, key=lambda one: [*KINDS].index(one.kind))


def _units(layers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for layer in layers[:-1]:  # a sure probability is no fault
        name, dead, flat = layer["name"], layer["dead"], layer.get("saturated", 0.0)
        # A dead unit is dead in every layer behind it; it dies in its activation function.
        if layer["activation"] != "linear" and dead >= DEAD:
            count = counted(round(dead * layer["units"]), "unit")
            text = f"{count} of {layer['units']:,} ({percent(dead)}) give one value for all images"
            yield Finding("dead_units", (name,), dead, text)
        if flat >= SATURATED:
            text = f"{percent(flat)} of the outputs are at the bounds of {layer['activation']}"
            yield Finding("saturation", (name,), flat, text)


def chain(layers: Sequence[Mapping[str, Any]]) -> list[tuple[str, float | None]]:
    """Return the layers at which gradients are compared, and their norms over that of the last.

    These are the layers with an activation function, and the last one. Between them a scale may go
    in and out again, as that of a kernel before normalization, which hinders nothing.
    """
    bent = [layer for layer in layers[:-1] if layer["activation"] != "linear"]
    last = layers[-1]["gradient"]["norm"]
    found = []
    for layer in [*(bent or layers[:-1]), layers[-1]]:
        norm = layer["gradient"]["norm"]
        found.append((layer["name"], None if not last or norm is None else norm / last))
    return found


def _gradients(layers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    ratios = chain(layers)
    if layers[-1]["gradient"]["norm"] == 0:  # every image is learned: nothing is left to pass on
        return

    def kind_of(one: tuple[str, float | None]) -> str:
        _, ratio = one
        if ratio is None or ratio >= EXPLODING:
            return "exploding_gradients"
        return "vanishing_gradients" if ratio <= VANISHING else ""

    for kind, group in itertools.groupby(ratios, kind_of):
        if not kind:
            continue
        names, values = zip(*group, strict=True)
        if None in values:
            yield Finding(kind, names, None, "the gradient is not finite")
            continue
        worst = min(values) if kind == "vanishing_gradients" else max(values)
        last = layers[-1]["name"]
        text = f"the gradient is {worst:.1e} times that of {last}" if worst else "the gradient is 0"
        if len(names) > 1:
            at = names[values.index(worst)]
            text = f"at {at} {text}"
        yield Finding(kind, names, worst, text)


def _statistics(layers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for layer in layers:
        stale = layer.get("batch_norm", {}).get("stale", 0.0)
        if stale >= STALE:
            text = f"of {percent(stale)} of the units mean or variance are not those of the data"
            yield Finding("stale_statistics", (layer["name"],), stale, text)


class Inspection(Result):
    """The content of ``inspection.json``; see docs/commands/inspect.md."""

    file = f"{FOLDER}/{FILE}"
    files = (FOLDER,)
    shape: ClassVar[dict[str, Any]] = {
        "model": str,
        "images": int,
        "epochs": [{"epoch": str, "layers": [{"name": str}]}],
        "findings": [{"kind": str, "layers": [str], "epochs": [str], "text": str}],
    }

    @property
    def lines(self) -> list[str]:
        """Each finding in words."""
        return [
            f"{KINDS[one['kind']].title}: {where(one['layers'])} ({', '.join(one['epochs'])}): "
            f"{one['text']}"
            for one in self["findings"]
        ]

    @property
    def advice(self) -> list[Message]:
        """What usually helps, once for each kind of finding."""
        found = [one["kind"] for one in self["findings"]]
        return [
            Message(f"{kind.title}: ", kind.advice) for word, kind in KINDS.items() if word in found
        ]

    @property
    def summary(self) -> str:
        """The number of findings, in words."""
        found = counted(len(self["findings"]), "finding") if self["findings"] else "no findings"
        return f"inspected: {found} in {counted(len(self['epochs'][-1]['layers']), 'layer')}"

    def __repr__(self) -> str:
        try:
            return pages.lines(self.summary, *self.lines, *self.advice)
        except (KeyError, TypeError, ValueError, IndexError):  # an edited file
            return super().__repr__()

    def _repr_html_(self) -> str:
        return pages.cell(repr(self))


RESULTS.register(Inspection, "inspection")


def where(layers: Sequence[str]) -> str:
    """Return layers that follow each other in words."""
    return layers[0] if len(layers) == 1 else f"{layers[0]} to {layers[-1]}"


def merged(found: Mapping[str, Sequence[Finding]]) -> list[dict[str, Any]]:
    """Return the findings of several epochs for JSON, each fault once, as it is in the last.

    ``found`` is name of an epoch to its findings. A fault is one if kind and layers are the same.
    """
    every: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    for epoch, several in found.items():
        for one in several:
            known = every.get((one.kind, one.layers), {"epochs": []})
            every[one.kind, one.layers] = {
                "kind": one.kind,
                "layers": list(one.layers),
                "epochs": [*known["epochs"], epoch],
                "value": one.value,
                "text": one.text,
            }
    return sorted(every.values(), key=lambda one: [*KINDS].index(one["kind"]))


def is_inspection(folder: Path) -> bool:
    """Return whether a folder is an inspection."""
    return reading.is_json_with(folder / FILE, {"format", "epochs", "findings"})
