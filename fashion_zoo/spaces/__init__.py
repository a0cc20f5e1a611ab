"""Search spaces: ranges of hyperparameters as text."""

from fashion_zoo.spaces.space import (
    Condition as Condition,
    Parameter as Parameter,
    Questions as Questions,
    TrainingSpace as TrainingSpace,
    check_images as check_images,
    complete as complete,
    counting as counting,
    decays as decays,
    is_active as is_active,
    narrowed as narrowed,
)
