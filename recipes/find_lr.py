"""Find a learning rate: ``python -m recipes.find_lr NAME``."""

import dataclasses
import functools
import sys
from typing import Any

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _lines, _spelling
from recipes._help import Brief


@dataclasses.dataclass(frozen=True)
class FindLR(fashion_zoo.RunConfig):
    """Train for a few steps while the learning rate rises, and suggest four rates."""

    seeds: int = 3
    """Number of sweeps."""
    low: float = 1e-6
    """The first learning rate."""
    high: float = 10.0
    """The last learning rate."""
    steps: int = 200
    """Steps per sweep."""
    to: str = "find_lr.png"
    """The picture."""
    force: bool = False
    """Replace a file that this package has not drawn."""
    json: bool = False
    """Print the suggestions as JSON."""


_BRIEF = Brief(
    (
        "training.batch_size", "training.optimizer", "training.schedules.learning_rate",
        "model.hidden_units", "seeds", "low", "high", "steps", "to", "json",
    ),
    ("NAME", "NAME --batch-size 512 --training.optimizer adamw"),
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> None:
    """Parse, sweep, print."""
    entry = _common.recipe_first(argv, "find_lr")
    options, config = _common.parse_config(
        FindLR, argv[1:], f"find_lr {entry.name}", entry.config, _BRIEF
    )
    _common.start_keras()
    fashion_zoo.find_lr(
        entry.name,
        config=config,
        to=options.to,
        force=options.force,
        show=functools.partial(_print, entry, config, options),
        progress=True,
        **{name: getattr(options, name) for name in ("seeds", "low", "high", "steps")},
        **_common.of_the_model(argv, config.model),
    )


def _print(
    entry: fashion_zoo.Recipe, config: fashion_zoo.RunConfig, options: FindLR, found: Any
) -> None:
    """Print the suggestions, before the picture is drawn."""
    if options.json:
        _common.print_json({name: one._asdict() for name, one in found.suggestions.items()})
        return
    over = _lines.counted(options.seeds, "seed")
    for name, one in found.suggestions.items():
        mark = ", recommended" if name == found.recommended else ""
        print(f"{name:<10}{one.rate:.1e}  ({one.low:.1e} to {one.high:.1e}, {over}){mark}")
    print(f"picture   {options.to}")
    training = {"training": {"learning_rate": found.rate}}
    hints = _spelling.changed(fashion_zoo.override(config, training), entry.config)
    print("Next:", _spelling.command(errors.Call("train", (entry.name,), hints)))
    sys.stdout.flush()  # drawing comes next


if __name__ == "__main__":
    sys.exit(main())
