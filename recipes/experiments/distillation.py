"""A small student of a large teacher beside its twin that learns from the labels alone."""

from typing import Any

from fashion_zoo import recipe
from fashion_zoo.experiments import Arm, Experiment, Measured, columns

TEACHER = "bn_mlp.large"
CONVOLUTIONAL = "conv_teacher"
VIEWS = 10  # of each image, for which the convolutional teacher predicts
_LARGE = recipe(TEACHER).config.training
AUGMENTED: dict[str, Any] = {
    "epochs": _LARGE.epochs,
    "augmentation": _LARGE.augmentation,
    "schedules": {"mixing": _LARGE.schedules.mixing},
}


def _student(
    name: str, temperature: float, teacher: str = TEACHER, views: int = 0, **training: Any
) -> Arm:
    distilling = {"temperature": temperature, "views": views}
    settings = {"distillation": distilling, **training}
    return Arm(name, changes={"training": settings}, teacher=teacher)


ARMS = [
    Arm(TEACHER, TEACHER),
    Arm(CONVOLUTIONAL, CONVOLUTIONAL),
    Arm("labels"),
    _student("teacher, T=1", 1.0),
    _student("teacher, T=2", 2.0),
    _student("teacher, T=4", 4.0),
    _student("conv_teacher, T=2", 2.0, CONVOLUTIONAL),
    Arm("labels, augmented", changes={"training": AUGMENTED}),
    _student("teacher, T=2, augmented", 2.0, **AUGMENTED),
    _student("conv_teacher, T=2, augmented", 2.0, CONVOLUTIONAL, VIEWS, **AUGMENTED),
]


def _against_labels(metric: str) -> columns.Column:
    """Return the differences to the twin: the same training without a teacher."""
    teachers = {arm.name: arm.teacher for arm in ARMS}

    def cell(measured: Measured, arm: str) -> str | None:
        base = "labels, augmented" if arm.endswith(", augmented") else "labels"
        return columns.difference(measured, arm, base, metric) if teachers[arm] else None

    return columns.Column("points against its twin", cell)


EXPERIMENT = Experiment(
    name="distillation",
    question="Does a small network learn more from a large one than from the labels?",
    arms=ARMS,
    columns=[
        columns.name("bn_mlp learns from", code=lambda arm: arm in (TEACHER, CONVOLUTIONAL)),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        _against_labels("test_accuracy"),
        columns.number("seconds", "seconds", ".0f"),
    ],
    note="Mean over {seeds} with {interval}. Differences are points of test accuracy, paired by "
    "seed: the student of each seed has its own teacher, the run of `bn_mlp.large` or "
    "`conv_teacher` in the first rows, and its twin is the same training without one. Augmented "
    "trainings have the images and the epochs of `bn_mlp.large`; for the student of `conv_teacher` "
    f"these images are {VIEWS} views, which the teacher has predicted before. Seconds are those of "
    "the epochs, without such predictions. {machine} `{command}` reproduces the table.",
    imports=["recipes.teachers.convolutional"],
    seeds=5,
    page="docs/distillation.md",
    command="python -m recipes.experiment distillation --seeds",
)
