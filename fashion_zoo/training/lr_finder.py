"""The learning-rate range test: train while the rate rises, and find where the loss falls.

Reference: Smith 2017, arXiv:1506.01186, section 3.3.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Dataset, class_counts, reshape
from fashion_zoo.data.batches import encode, orders, steps_per_epoch
from fashion_zoo.errors import Hint, TrainingError
from fashion_zoo.language.arguments import AnyPath
from fashion_zoo.language.wording import counted
from fashion_zoo.machine import precision
from fashion_zoo.registry import Recipe
from fashion_zoo.show import figures, pages, plots
from fashion_zoo.show.progress import sweeping
from fashion_zoo.show.waiting import Progress
from fashion_zoo.training.fit import build_model, check_batch, compile_model
from fashion_zoo.training.plan import plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECOMMENDED = "slide"  # docs/commands/find_lr.md gives the reason
_WIDTH = 0.03  # standard deviation of the smoothing, a fraction of the sweep
_DIVERGED = 4.0  # times the lowest loss so far; fastai's limit
_FLAT = 0.1  # fraction of the steepest slope at which "slide" stops


class Suggestion(NamedTuple):
    """A learning rate by one rule: geometric mean, smallest and largest of the seeds."""

    rate: float
    low: float
    high: float


class RangeTest(NamedTuple):
    """The result of a range test."""

    rates: np.ndarray
    """(steps,) learning rates, rising by the same ratio."""
    losses: np.ndarray
    """(seeds, steps) loss of each step, NaN after a seed diverged."""
    smoothed: np.ndarray
    """(seeds, steps) the same, smoothed."""
    suggestions: dict[str, Suggestion]
    """steepest, valley, minimum and slide; see ``suggest``."""

    @property
    def recommended(self) -> str:
        """Name of the suggestion to take."""
        return RECOMMENDED

    @property
    def rate(self) -> float:
        """The recommended rate, in the two digits that seeds agree on at best."""
        return float(f"{self.suggestions[self.recommended].rate:.1e}")

    def figure(self, title: str, caption: str = "") -> "Figure":
        """Return the figure of the curves and the suggestions."""
        return plots.range_test(*self, title, caption=caption)

    def __repr__(self) -> str:
        seeds, steps = self.losses.shape
        return pages.lines(
            f"learning rates {self.rates[0]:.1e} to {self.rates[-1]:.1e} in "
            f"{counted(steps, 'step')}, {counted(seeds, 'seed')}",
            ", ".join(f"{name} {one.rate:.1e}" for name, one in self.suggestions.items()),
        )

    def _repr_html_(self) -> str:
        title = "Learning-rate range test"
        return pages.cell(repr(self), pages.picture(lambda: self.figure(title), title))


def find_lr(
    entry: Recipe,
    config: RunConfig,
    data: Dataset,
    to: AnyPath | None = None,
    *,
    seeds: int,
    steps: int,
    low: float,
    high: float,
    show: Callable[[RangeTest], None] | None = None,
    progress: Progress = False,
) -> RangeTest:
    """Train new models of a recipe for a few steps while the learning rate rises.

    Arguments and errors are those of ``zoo.find_lr``. Only training images are used; a picture that
    cannot be drawn is a warning.
    """
    rates = np.geomspace(low, high, steps)
    losses = np.full((seeds, steps), np.nan)
    smoothed, suggestions = losses.copy(), []
    with sweeping(seeds * steps, progress) as advance:
        for number in range(seeds):
            seeded = override(config, {"seed": config.seed + number})
            swept = _sweep(entry, seeded, data, rates, advance, number * steps)
            curve = smooth(swept, steps)
            if len(curve) < 10:
                raise TrainingError(
                    f"The loss diverged at a learning rate of {rates[max(len(curve) - 1, 0)]:.2g}, "
                    f"{counted(len(curve), 'step')} from the start. Begin lower, with ",
                    Hint("low", low / 1000),
                    ".",
                )
            losses[number, : len(swept)], smoothed[number, : len(curve)] = swept, curve
            suggestions.append(suggest(rates[: len(curve)], curve))
    rules = {name: [one[name] for one in suggestions] for name in suggestions[0]}
    overall = {
        name: Suggestion(float(np.exp(np.mean(np.log(each)))), min(each), max(each))
        for name, each in rules.items()
    }
    found = RangeTest(rates, losses, smoothed, overall)
    if show is not None:
        show(found)
    if to is not None:
        title = f"Learning-rate range test of {entry.name}"
        caption = _caption(config, data.count, seeds, steps)
        figures.try_save(to, lambda: found.figure(title, caption))
    return found


def _caption(config: RunConfig, count: int, seeds: int, steps: int) -> str:
    last = config.seed + seeds - 1
    keys = f"seed {last}" if seeds == 1 else f"seeds {config.seed} to {last}"
    return (
        f"{keys}; {config.data.title}, {counted(count, 'training image')}, "
        f"{counted(steps, 'step')} of {counted(config.training.effective_batch, 'image')}."
    )


@precision.keras_defaults()
def _sweep(
    entry: Recipe,
    config: RunConfig,
    data: Dataset,
    rates: np.ndarray,
    advance: Callable[[int], None],
    before: int,
) -> np.ndarray:
    """Return the loss of each step, up to the one where it diverged.

    ``advance`` shows the progress, after the ``before`` steps of other seeds.
    """
    whole = plan(config, class_counts(data))
    smoothing = whole.bases["label_smoothing"]
    planned = dataclasses.replace(
        whole,
        soft_labels=bool(smoothing) or whole.image_weights is not None,
        tables={"learning_rate": np.repeat(rates, whole.accumulation)},
        metrics=(),
    )
    model = build_model(entry, config.model, planned)
    batch, classes = planned.batch_size, model.output_shape[-1]
    check_batch(model, batch)
    images = reshape(data.train.images, model.input_shape[1:])
    smoothed = smoothing if planned.soft_labels else None
    weights = planned.image_weights
    labels = encode(data.train.labels, classes, smoothed, planned.prior, weights)
    compile_model(model, planned, steps_per_execution=1)
    losses: list[float] = []
    parts = planned.accumulation
    an_epoch = steps_per_epoch(len(labels), batch, parts) // parts
    order_of = orders(data.train.labels, batch, planned.seed, planned.sampling, parts)

    def loss_of(chosen: np.ndarray) -> float:
        model.reset_metrics()  # else the loss would be the mean of all steps
        loss = float(model.train_on_batch(images[chosen], labels[chosen], return_dict=True)["loss"])
        if weights is not None:
            return loss / weights[chosen].mean()
        if planned.class_weights is None:
            return loss
        # Else a rare image in a batch would be a divergence.
        return loss / planned.class_weights[data.train.labels[chosen]].mean()

    for step in range(len(rates)):
        if step % an_epoch == 0:
            order = order_of(step // an_epoch).reshape(an_epoch, parts, batch)
        loss = float(np.mean([loss_of(chosen) for chosen in order[step % an_epoch]]))
        advance(before + step + 1)
        if not np.isfinite(loss) or loss > _DIVERGED * min(losses, default=loss):
            break
        losses.append(loss)
    return np.array(losses)


def smooth(losses: np.ndarray, steps: int) -> np.ndarray:
    """Smooth (n,) losses by a Gaussian, which unlike a running mean does not lag behind.

    Its standard deviation is 3 % of the ``steps`` of the whole sweep.
    """
    places = np.arange(len(losses))
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / (_WIDTH * steps)) ** 2)
    return weights @ losses / weights.sum(axis=1)


def suggest(rates: np.ndarray, smoothed: np.ndarray) -> dict[str, float]:
    """Return four learning rates of a curve of (n,) rising rates and smoothed losses, n >= 3.

    steepest: where the loss falls fastest, by the logarithm of the rate.
    valley: two thirds along the longest stretch on which the loss falls without a break.
    minimum: a tenth of the rate at which the loss is lowest.
    slide: after the steepest rate, the last one before the slope is a tenth of its slope.
    """
    lowest = max(int(np.argmin(smoothed)), 2)
    slope = np.gradient(smoothed, np.log(rates))[: lowest + 1]
    steepest = int(np.argmin(slope))
    flat = np.flatnonzero(slope[steepest:] > _FLAT * slope[steepest])
    slide = steepest + int(flat[0]) - 1 if len(flat) else lowest
    first, last = _longest_fall(smoothed)
    return {
        "steepest": float(rates[steepest]),
        "valley": float(rates[first + round(2 / 3 * (last - first))]),
        "minimum": float(rates[lowest] / 10),
        "slide": float(rates[max(slide, steepest)]),
    }


def _longest_fall(values: np.ndarray) -> tuple[int, int]:
    """Return the first and the last index of the longest falling stretch."""
    best, first = (0, 0), 0
    for index in range(1, len(values)):
        if values[index] >= values[index - 1]:
            first = index
        elif index - first > best[1] - best[0]:
            best = (first, index)
    return best
