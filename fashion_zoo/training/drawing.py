"""The curves of a run, from what it stored."""

from typing import TYPE_CHECKING

from fashion_zoo.augment.policies import mixes
from fashion_zoo.config import RunConfig
from fashion_zoo.data import load
from fashion_zoo.language.wording import counted
from fashion_zoo.runs import Run
from fashion_zoo.show import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run_curves(run: Run) -> "Figure":
    """Return the figure of a run that has a history, as in ``curves.png``.

    Raises:
        RunError: it has none.
    """
    training = run.read_json("training.json")
    images = counted(load(run.config.data).count, "training image")
    validation = counted(training["validation_images"], "validation image")
    return plots.curves(
        run.history(),
        f"Training of {run.recipe}",
        kept=training.get("weights_of_epoch"),
        within=_within(run.config),
        caption=f"{run.said}; {run.config.data.dataset}, {images}, {validation}.",
    )


def _within(config: RunConfig) -> list[str]:
    """Return what the training figures have in them and the validation figures do not."""
    policy = config.training.policy
    parts = {
        "dropout": any(getattr(config.model, "dropout_rates", ())),
        "augmented images": any(not operation.mixes for operation in policy),
        "mixed images": mixes(policy),
        "smoothed labels": config.training.label_smoothing > 0,
    }
    return [name for name, there in parts.items() if there]
