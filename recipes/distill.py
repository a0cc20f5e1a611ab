"""Train a student that learns from a teacher: ``python -m recipes.distill TEACHER STUDENT``."""

import dataclasses
import sys

import fashion_zoo
from recipes import _common, train
from recipes._help import Brief, asks_for_help, filled


@dataclasses.dataclass(frozen=True)
class Distill(train.Train):
    """Train a recipe from the outputs of a teacher, then evaluate and export it."""


_BRIEF = Brief(
    (
        "training.distillation.temperature", "training.distillation.mixture",
        "training.distillation.views", "training.epochs", "training.batch_size",
        "training.learning_rate", "training.augmentation", "seed", "precision", "run_dir", "resume",
    ),
    (
        "NAME --training.augmentation standard --epochs 50",
        "NAME --training.distillation.temperature 4 --run-dir runs/student",
    ),
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> int:
    """Parse, train, print."""
    if not argv or argv[0].startswith("-"):
        return _usage(argv)
    teacher, *rest = argv
    if any(word.partition("=")[0] == "--training.distillation.teacher" for word in rest):
        raise fashion_zoo.ConfigError(
            "The teacher is the first word. Leave out --training.distillation.teacher."
        )
    entry = _common.recipe_first(rest, f"distill {teacher}")
    if not asks_for_help(rest):
        fashion_zoo.open_run(teacher).check_model()
    chosen = ["--training.distillation.teacher", teacher]
    if "--resume" not in rest:  # the teacher of a config or a fork may have been another
        chosen += ["--training.distillation.digest", "none"]
    name = f"distill {teacher} {entry.name}"
    return train.run(Distill, entry, [*chosen, *rest[1:]], name, _BRIEF)


def _usage(argv: list[str]) -> int:
    """Print how to call it, on stderr if nothing was asked."""
    asked = bool(argv) and argv[0] in ("-h", "--help", "--help-all")
    text = (
        "TEACHER is the folder of a run, STUDENT the recipe that learns from its outputs.\n"
        f"python -m recipes.distill TEACHER STUDENT --help lists the options.\n{_common.EVERYWHERE}"
    )
    print(
        f"usage: python -m recipes.distill TEACHER STUDENT [OPTIONS]\n\n{filled(text)}",
        file=sys.stdout if asked else sys.stderr,
    )
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
