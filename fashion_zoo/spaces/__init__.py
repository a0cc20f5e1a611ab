"""Search spaces: ranges of hyperparameters as text."""

from fashion_zoo.spaces.check import check_images as check_images, narrowed as narrowed
from fashion_zoo.spaces.space import (
    Condition as Condition,
    Parameter as Parameter,
    Questions as Questions,
    TrainingSpace as TrainingSpace,
    complete as complete,
    counting as counting,
    decays as decays,
    is_active as is_active,
)
