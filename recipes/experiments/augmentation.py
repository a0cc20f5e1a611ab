"""The gain of each augmentation for ``bn_mlp``, alone and on top of the policy ``standard``."""

from fashion_zoo import experiments
from fashion_zoo.augment.policies import OPERATIONS, parse
from fashion_zoo.experiments import Arm, Experiment, Measured, columns

BASES = ("none", "standard")
INSIDE = {operation.name for operation in parse("standard")}
_WRITTEN = {"either": "either(mixup, cutmix)"}  # the others have defaults for all arguments
ALONE = {name: _WRITTEN.get(name, name) for name in OPERATIONS}
ON_TOP = [f"standard | {policy}" for name, policy in ALONE.items() if name not in INSIDE]


def _on_top(measured: Measured, arm: str) -> str | None:
    if arm in BASES:
        return None
    if (top := f"standard | {arm}") not in ON_TOP:
        return "part of it"
    return columns.difference(measured, top, "standard", "validation_accuracy")


def _arm(policy: str) -> Arm:
    return Arm(
        policy,
        changes={"training": {"augmentation": policy}},
        place="".join(letter if letter.isalnum() else "_" for letter in policy),
        shown=policy not in ON_TOP,
    )


EXPERIMENT = Experiment(
    name="augmentation",
    question="How does each augmentation change a short training, alone and on top of standard?",
    arms=[_arm(policy) for policy in (*BASES, *ALONE.values(), *ON_TOP)],
    settings={"training": {"epochs": 10, "batch_size": 512}},
    metrics=(experiments.validation_accuracy, experiments.test_accuracy),
    columns=[
        columns.name("policy"),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.against(
            "alone, against none", "validation_accuracy", dict.fromkeys(ALONE.values(), "none")
        ),
        columns.Column("on top of standard, against it", _on_top),
    ],
    note="`bn_mlp`, 10 epochs, batches of 512. Mean over {seeds} with {interval}, the interval for "
    "these images; differences are points of validation accuracy, paired by seed. The test "
    "accuracies are in the CSV file beside this page; nothing was selected by them. {machine} "
    "`{command}` reproduces the table.",
    page="docs/augmentation.md",
    mark="worth",
)
