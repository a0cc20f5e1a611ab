"""Students of a better network beside their twins, which learn from the labels alone."""

from collections.abc import Iterable

from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns
from fashion_zoo.language.wording import listed

LARGE = "bn_mlp.large"
CONVOLUTIONAL = "conv_teacher"
STRONGEST = "bn_mlp.strongest"
TOGETHER = (STRONGEST, CONVOLUTIONAL)
EPOCHS = 200  # of their student, which sees new views in each: two thirds of the recipe's
USUAL, TEMPERATURES = 2.0, (1.0, 2.0, 4.0)
AUGMENTED = ("bn_mlp.tiny", STRONGEST)  # recipes whose images change with each epoch
VIEWS = 20  # of each of these images, for which the teacher predicts


def _student(
    recipe: str, *teachers: str, temperature: float = USUAL, views: int = 0, **changes: int
) -> Arm:
    name = f"{recipe}, {' + '.join(teachers)}"
    if teachers == (LARGE,):
        name += f", T={temperature:g}"
    chosen = {"temperature": temperature, "views": views}
    return Arm(name, recipe, {"training": {"distillation": chosen, **changes}}, teacher=teachers)


STUDENTS = [
    *(_student("bn_mlp", LARGE, temperature=temperature) for temperature in TEMPERATURES),
    _student("bn_mlp", CONVOLUTIONAL),
    *(_student(recipe, CONVOLUTIONAL, views=VIEWS) for recipe in AUGMENTED),
    _student(STRONGEST, *TOGETHER, epochs=EPOCHS),
]
TWINS = {arm.name: arm.recipe for arm in STUDENTS}
"""Student to the arm of the same recipe without a teacher."""


def _network(measured: Measured, arm: str) -> str:
    return f"`{TWINS.get(arm, arm)}`"


def _teacher(measured: Measured, arm: str) -> str:
    teachers = arm.partition(", ")[2]
    return _written(teachers.split(" + ")) if teachers else "labels"


def _written(teachers: Iterable[str]) -> str:
    return listed([f"`{one}`" for one in teachers])


EXPERIMENT = Experiment(
    name="distillation",
    question="Does a network learn more from a better one than from the labels?",
    arms=[
        Arm(LARGE, LARGE),
        Arm(CONVOLUTIONAL, CONVOLUTIONAL),
        *(Arm(recipe, recipe) for recipe in ("bn_mlp", *AUGMENTED)),
        *STUDENTS,
    ],
    claims=[
        Claim(arm.name, arm.recipe, text=f"`{arm.recipe}` is better with {_written(arm.teachers)}.")
        for arm in STUDENTS
        if arm.changes["training"]["distillation"]["temperature"] == USUAL
    ],
    columns=[
        columns.Column("network", _network),
        columns.Column("learns from", _teacher),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy", spread=True),
        columns.against("points against its twin", "test_accuracy", TWINS),
        columns.seconds(),
    ],
    note="Recipes on all images, with their own epochs: 20 of `bn_mlp`, 25 of `conv_teacher`, 100 "
    "of `bn_mlp.large`, 300 of `bn_mlp.strongest` and 400 of `bn_mlp.tiny`. Mean over {seeds} with "
    "{interval}; it is the interval for these images. Differences are points of test accuracy, "
    "paired by seed: the student of each seed has its own teacher, the run of another row with "
    "this seed, and its twin is the same recipe without one. All learn with the defaults of "
    "`training.distillation` but for a temperature T that is given. For `bn_mlp.tiny` and "
    f"`bn_mlp.strongest`, which augment, `conv_teacher` has predicted {VIEWS} views of each image "
    "before the training, as many again where mixing ends during it, and the student sees only "
    "these; its twin sees new ones in every epoch. The student of two teachers, whose "
    f"probabilities are averaged, also sees new views, in {EPOCHS} epochs, fewer than its twin. "
    "Seconds count the epochs alone: predictions of a teacher that are made in each step are in "
    "them, those made before the training are not; of rows from several machines they cannot be "
    "compared. {machine} `{command}` reproduces the table.",
    imports=["recipes.teachers.convolutional"],
    seeds=5,
    page="docs/distillation.md",
)
