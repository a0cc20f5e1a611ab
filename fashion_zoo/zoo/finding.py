"""Find a learning rate."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fashion_zoo import registry
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import agreed, load
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.watching import Progress

if TYPE_CHECKING:
    from fashion_zoo.training.lr_finder import RangeTest


@checked
@releasing()
def find_lr(
    name: str,
    *,
    config: RunConfig | None = None,
    to: Place | None = None,
    force: bool = False,
    show: Callable[["RangeTest"], None] | None = None,
    seeds: int = 3,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    progress: Progress = "auto",
    **overrides: Any,
) -> "RangeTest":
    """Find a learning rate by a range test; see ``fashion_zoo.training.lr_finder``.

    It has no side effects: a training after it is the same, bit for bit.

    Args:
        name: a registered recipe.
        config: the whole config; by default the recipe's.
        to: a picture to draw the curves into; one that cannot be drawn is a warning.
        force: replace a file there that is no picture of this package.
        show: called with what was found, before the picture is drawn.
        seeds: number of sweeps, at least 1.
        low: the first learning rate.
        high: the last one.
        steps: steps a sweep, at least 20.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        **overrides: fields of RunConfig, such as ``training={"batch_size": 512}``.

    Returns:
        Rates, losses and four suggestions, each with its range over the seeds.

    Raises:
        ConfigError: an unknown name or a value that is not allowed.
        TrainingError: the loss diverged at once.
        StorageError: something else is where the picture shall be.
    """
    from fashion_zoo.show import figures, plots
    from fashion_zoo.show.progress import SweepDisplay

    if to is not None:
        figures.check_place(to, force=force)
    entry = registry.recipe(name)
    chosen = override(config or entry.config, overrides)
    checks.sweep(seeds, low, high, steps)
    agreed(chosen, load(chosen.data))

    from fashion_zoo.training.lr_finder import range_test  # seconds, so after every check

    with SweepDisplay(seeds * steps, enabled=progress) as display:
        found = range_test(
            entry,
            chosen,
            seeds=seeds,
            low=low,
            high=high,
            steps=steps,
            tick=lambda seed, step: display.advance(seed * steps + step + 1),
        )
    if show is not None:
        show(found)
    if to is not None:
        title = f"Learning-rate range test of {name}"
        caption = _tested(chosen, seeds, steps)
        figures.try_save(
            to,
            lambda: plots.range_test(
                found.rates, found.losses, found.smoothed, found.suggestions, title, caption=caption
            ),
        )
    return found


def _tested(config: RunConfig, seeds: int, steps: int) -> str:
    """Return what a range test was made with, for the caption of its picture."""
    last = config.seed + seeds - 1
    keys = f"seed {last}" if seeds == 1 else f"seeds {config.seed} to {last}"
    return (
        f"{keys}; {config.data.dataset}, {counted(load(config.data).count, 'training image')}, "
        f"{counted(steps, 'step')} of {counted(config.training.batch_size, 'image')}."
    )
