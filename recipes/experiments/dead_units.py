"""Dead units of ReLU, leaky ReLU and ELU by learning rate, over the training."""

import functools
from typing import TYPE_CHECKING, Any

from fashion_zoo.data import Dataset
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.show.plots import canvas
from recipes.experiments import _looking
from recipes.experiments._figures import WIDTH
from recipes.experiments._training import joined, mean_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVATIONS = {"relu": "ReLU", "leaky_relu(0.01)": "leaky ReLU", "elu": "ELU"}
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
DEAD = "share_of_dead_units"
UNITS, EPOCHS = (256, 256, 256), 10
NAMES = {
    f"{title}, {rate:g}": (word, rate) for rate in RATES for word, title in ACTIVATIONS.items()
}


def measure(word: str, rate: float, seed: int, data: Dataset) -> Row:
    """Train; return the accuracies, and the dead units after each epoch.

    Of a training that diverges the last known number counts.
    """
    changes = {
        "model": {"hidden_units": UNITS, "activation": word},
        "training": {"epochs": EPOCHS, "learning_rate": rate},
    }
    done, kept = _looking.training("baseline_mlp", changes, seed, data)
    model = _looking.build("baseline_mlp", changes, seed, data)
    look, shares = _looking.hidden_outputs(model), []
    for weights in kept:
        model.set_weights(weights)
        shares.append(_looking.dead(look(data.validation.images)))
    return {
        **_looking.accuracies(done, data),
        DEAD: shares[-1] if shares else 0.0,
        "curve": joined(shares),
    }


def figure(measured: Measured) -> "Figure":
    """Draw the mean fraction of dead units after each epoch, a panel for each learning rate."""
    whole, axes = canvas.grid(WIDTH, 5.2, 2, 2, sharex=True, sharey=True)
    for axis, rate in zip(axes, RATES, strict=True):
        for number, title in enumerate(ACTIVATIONS.values()):
            arm = f"{title}, {rate:g}"
            if not measured.has(arm, "curve"):
                continue
            mean = mean_of(measured, arm, "curve")
            axis.plot(range(1, len(mean) + 1), mean, **canvas.style(number, title))
        axis.set_title(f"learning rate {rate:g}", size=9)
        axis.grid(alpha=0.3)
        canvas.in_percent(axis)
    canvas.whole_ticks(axes[-1], EPOCHS)
    axes[0].legend(fontsize=8)
    for axis in axes[2:]:
        axis.set_xlabel("epoch")
    canvas.annotate(
        whole,
        "Dead units by learning rate",
        "Fraction of the hidden units with one value for all validation images, mean over the "
        "seeds.",
    )
    return whole


def _claims() -> list[Claim]:
    own: dict[str, Any] = {"metric": DEAD, "direction": "lower", "least": -0.01}
    return [
        Claim(
            "ReLU, 0.01",
            "ReLU, 0.001",
            DEAD,
            least=0.01,
            text="More ReLU units die at 0.01 than at 0.001.",
            number="C11",
        ),
        Claim(
            "ReLU, 0.03",
            "leaky ReLU, 0.03",
            DEAD,
            least=0.01,
            text="More ReLU than leaky ReLU units die at 0.03.",
            number="C11",
        ),
        Claim(
            "ReLU, 0.03",
            "ELU, 0.03",
            DEAD,
            least=0.01,
            text="More ReLU than ELU units die at 0.03.",
            number="C11",
        ),
        *(
            Claim(
                f"{name}, 0.03",
                f"{name}, 0.001",
                text=f"No more {name} units die at 0.03 than at 0.001.",
                **own,
                number="C11",
            )
            for name in ("leaky ReLU", "ELU")
        ),
    ]


EXPERIMENT = Experiment(
    name="dead_units",
    question="Which units die, and at which learning rate?",
    arms=[Arm(name, program=functools.partial(measure, *own)) for name, own in NAMES.items()],
    settings={"data": {"limit": 20_000}},
    claims=_claims(),
    columns=[
        columns.part("activation", 0),
        columns.part("learning rate", 1, right=True),
        columns.accuracy("dead units", DEAD),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.number("diverged", "diverged", ".0%"),
    ],
    note="`baseline_mlp`, which has no normalization, with three layers of 256 units, 20,000 "
    f"images, {EPOCHS} epochs, one-cycle up to the learning rate. A unit is dead if it has one "
    "value for all validation images, which of ReLU is 0, after the last epoch, or the last one "
    "before the loss diverged; a leaky ReLU or ELU unit has one only where rounding makes it so. A "
    "training that diverges has the accuracy of a guess. Mean over {seeds} with {interval}; it is "
    "the interval for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}}),
    page="docs/claims/dead_units.md",
    figure=figure,
)
