"""Search spaces: ranges of hyperparameters as text."""

from fashion_zoo.spaces.space import (
    Condition,
    Parameter,
    Questions,
    TrainingSpace,
    check_images,
    complete,
    counting,
    decays,
    is_active,
    narrowed,
)

__all__ = [
    "Condition", "Parameter", "Questions", "TrainingSpace",
    "check_images", "complete", "counting", "decays", "is_active", "narrowed",
]  # fmt: skip
