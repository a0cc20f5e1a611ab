"""An L2 penalty against decoupled decay, both under Adam."""

import math
from typing import Any

import numpy as np

from fashion_zoo import experiments
from fashion_zoo.evaluation.statistics import POSITIVE
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, Quick, columns
from fashion_zoo.runs import Run
from recipes.experiments._figures import ACCURACY, Panel, Point, by_row
from recipes.experiments._looking import is_kernel

PENALTIES = (1e-5, 1e-4, 1e-3)
DECAYS = (0.02, 0.2, 2.0)
"""Decays of the size that decoupled decay needs; those that equal a penalty are far smaller."""
L2 = {f"L2 {one:g}": {"model": {"l2": one}} for one in PENALTIES}


def _decoupled(strength: float) -> dict[str, Any]:
    return {"training": {"optimizer": "adamw", "weight_decay": strength}}


EQUAL = {f"decay {2 * one:g}": _decoupled(2 * one) for one in PENALTIES}
LARGE = {f"decay {one:g}": _decoupled(one) for one in DECAYS}
ARMS: dict[str, dict[str, Any]] = {"neither": {}, **L2, **EQUAL, **LARGE}
POINTS = {name: Point("", name) for name in ARMS}


def kernel_norm(run: Run) -> float:
    """Return the root of the sum of the squares of all kernels."""
    from fashion_zoo.layers import as_array

    kernels = filter(is_kernel, run.load_model().trainable_variables)
    return math.sqrt(sum(float(np.square(as_array(one), dtype=float).sum()) for one in kernels))


def best_penalty(measured: Measured) -> str | None:
    """Return the best penalty by validation accuracy; not by the test images."""
    return measured.best("validation_accuracy", L2)


NORM: dict[str, Any] = {"metric": "kernel_norm", "direction": "lower", "unit": "", "scale": 1}
EXPERIMENT = Experiment(
    name="decay",
    question="Is an L2 penalty under Adam the same as decoupled weight decay?",
    arms=[Arm(name, "baseline_mlp", changes) for name, changes in ARMS.items()],
    settings={"data": {"limit": 20_000}, "training": {"epochs": 15}},
    metrics=(*experiments.METRICS, kernel_norm),
    claims=[
        *(
            Claim(
                penalty,
                decay,
                text=f"{penalty} makes kernels shorter than the {decay} that equals it under SGD.",
                **NORM,
                number="C9",
            )
            for penalty, decay in zip(L2, EQUAL, strict=True)
        ),
        Claim(
            "decay 0.02",
            best_penalty,
            text="A decay of 0.02 is better than the best penalty.",
        ),
        Claim(
            "decay 0.2",
            best_penalty,
            text="A decay of 0.2 is better than the best penalty.",
        ),
    ],
    columns=[
        columns.name("penalty or decay", code=lambda arm: False),
        columns.value("norm of the kernels", "kernel_norm", ".1f", POSITIVE),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.accuracy("test accuracy", "test_accuracy"),
        columns.against("points against neither", "test_accuracy", "neither"),
        columns.against("points against the best penalty", "test_accuracy", best_penalty),
    ],
    note="`baseline_mlp` with Adam; 20,000 images, 15 epochs. Under plain SGD a penalty equals a "
    "decay of twice its strength. The best penalty is the one with the highest mean validation "
    "accuracy. Mean over {seeds} with {interval}, of norms on the logarithmic one; it is the "
    "interval for these images. {machine} `{command}` reproduces the table.",
    seeds=5,
    quick=Quick({"data": {"limit": 500}, "training": {"epochs": 1}}),
    page="docs/claims/decay.md",
    figure=by_row(
        POINTS,
        "L2 penalty and decoupled decay under Adam",
        "Above the norm of all kernels, below the test accuracy.",
        Panel("kernel_norm", "norm of the kernels", bounds=POSITIVE),
        ACCURACY,
    ),
)
