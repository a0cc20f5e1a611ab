"""Mixup and CutMix against their absence, on top of shifted and flipped images."""

from fashion_zoo.experiments import Arm, Claim, Experiment, Quick, columns
from recipes.experiments._figures import Point, by_row

PLAIN, MIXUP, CUTMIX = "standard", "standard | mixup", "standard | cutmix"
POLICIES = (PLAIN, MIXUP, CUTMIX)
NAMES = {MIXUP: "Mixup", CUTMIX: "CutMix"}
NUMBERS = {MIXUP: "C26", CUTMIX: "C27"}
EPOCHS = (15, 60)
POINTS = {
    f"{policy}, {epochs} epochs": Point(f"{epochs} epochs", policy)
    for policy in POLICIES
    for epochs in EPOCHS
}


def _claim(policy: str, epochs: int) -> Claim:
    name, other = (f"{one}, {epochs} epochs" for one in (policy, PLAIN))
    return Claim(
        name, other, text=f"{NAMES[policy]} helps in {epochs} epochs.", number=NUMBERS[policy]
    )


EXPERIMENT = Experiment(
    name="mixing",
    question="Do mixup and CutMix help, in a short and in a long training?",
    arms=[
        Arm(
            f"{policy}, {epochs} epochs",
            changes={"training": {"augmentation": policy, "epochs": epochs}},
        )
        for policy in POLICIES
        for epochs in EPOCHS
    ],
    settings={"data": {"limit": 20_000}},
    claims=[_claim(policy, epochs) for policy in (MIXUP, CUTMIX) for epochs in EPOCHS],
    columns=[
        columns.Column("augmentation", lambda measured, arm: f"`{POINTS[arm].at}`"),
        columns.Column("epochs", lambda measured, arm: POINTS[arm].series.split()[0], right=True),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
    ],
    note="`bn_mlp` with its other defaults, 20,000 images, 15 or 60 epochs. Mean over {seeds} with "
    "{interval}; it is the interval for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/mixing.md",
    figure=by_row(POINTS, "Mixup and CutMix", "Test accuracy with each augmentation."),
)
