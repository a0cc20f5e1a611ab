"""Recipes in a class of their own: their mark in tables, and their tests beside the others."""

from fashion_zoo.experiments import Claim, Measured
from fashion_zoo.experiments.verdict import judge, written
from fashion_zoo.registry import Recipe

TAG = "convolution_at_start"
CLAIMS = [
    Claim(
        "conv_start_mlp",
        "bn_mlp.large",
        text="`conv_start_mlp` is better than `bn_mlp.large`, which has the same training and a "
        "narrower first layer.",
    ),
    Claim(
        "conv_start_mlp",
        "bn_mlp.strongest",
        text="`conv_start_mlp` is better than `bn_mlp.strongest`, which has nearly as many "
        "parameters, more dropout, and more epochs of images that are changed more.",
    ),
]


def mark(entry: Recipe) -> str:
    """Return what stands behind the name of a recipe in a table: nothing behind most names."""
    return " (first kernel begins as a convolution)" if TAG in entry.tags else ""


def label(entry: Recipe) -> list[str]:
    """Return the paragraph of a card that says so."""
    text = (
        "It is in a class of its own: its first kernel begins as a convolution, so it knows from "
        "the start that pixels form an image, as no plain multilayer perceptron does."
    )
    return [text] if mark(entry) else []


def compared(name: str, measured: Measured) -> list[str]:
    """Return the part of a card with the claims about a recipe, of arms that have common seeds."""
    verdicts = [
        verdict
        for verdict in judge(measured, [claim for claim in CLAIMS if claim.arm == name])
        if verdict.seeds
    ]
    if not verdicts:
        return []
    said = (
        "Plain multilayer perceptrons do not begin so. The tests are of this start and the named "
        "differences together."
    )
    return ["## Beside plain perceptrons", said, written(verdicts)]
