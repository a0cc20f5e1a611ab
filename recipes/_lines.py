"""Lines that more than one command prints."""

from typing import Any


def percent(fraction: float) -> str:
    """Format a fraction such as 0.9131 as ``91.31 %``."""
    return f"{100 * fraction:.2f} %"


def accuracy(evaluation: dict[str, Any]) -> str:
    """Format the accuracy of an evaluation with its interval."""
    found = evaluation["accuracy"]
    return (
        f"accuracy {percent(found['value'])} (95 % interval {percent(found['low'])} to "
        f"{percent(found['high'])}, {evaluation['images']:,} images)"
    )


def parity(found: dict[str, Any]) -> str:
    """Format the proof of an export."""
    return (
        f"same class on {percent(found['same_class'])} of {found['images']:,} images, "
        f"probabilities within {found['largest_probability_difference']:.1e}"
    )
