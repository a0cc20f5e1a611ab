"""A small convolutional network that teaches the multilayer perceptrons of the package.

    python -m recipes.train conv_teacher --import recipes.teachers.convolutional
    python -m recipes.distill RUN bn_mlp --import recipes.teachers.convolutional

It is no recipe of the zoo, and is known only where this module is imported.
"""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

from fashion_zoo.activations import HE
from fashion_zoo.config import RunConfig, TrainingConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import check_settings
from fashion_zoo.models import blocks
from fashion_zoo.registry import register
from fashion_zoo.seeds import derive

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class ConvConfig:
    """The architecture of a convolutional network."""

    filters: tuple[int, ...] = (32, 64, 128)
    """Filters of each stage; between two stages height and width are halved."""
    depth: Annotated[int, checks.at_least(1)] = 2
    """Convolutions of each stage after the first, which has one."""
    num_classes: Annotated[int, checks.at_least(2)] = 10
    """Number of classes, which is the number of logits."""
    input_shape: tuple[int, ...] = (28, 28)
    """Shape of one image: height and width, and 3 in colour."""

    def __post_init__(self) -> None:
        for name in ("filters", "input_shape"):
            object.__setattr__(self, name, checks.sequence(name, getattr(self, name)))
            for size in getattr(self, name):
                checks.whole(name, size, 1)
        check_settings(self)
        smallest = 2 ** (len(self.filters) - 1)
        if not self.filters or len(self.input_shape) not in (2, 3):
            raise ConfigError(
                "filters must hold at least one number and input_shape two or three, received "
                f"{self.filters} and {self.input_shape}."
            )
        if min(self.input_shape[:2]) < smallest:
            raise ConfigError(
                f"{len(self.filters)} stages need images of at least {smallest}x{smallest}, "
                f"received input_shape={self.input_shape}."
            )


def convolution(x: Any, filters: int, name: str, *, halve: bool, seed: int, dtype: str) -> Any:
    """Add a 3x3 convolution, pooling if ``halve``, normalization and ReLU to feature maps.

    They are (batch, height, width, channels). Pooling comes first, so that the others see a quarter
    of the places.
    """
    import keras

    x = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, dtype=dtype, name=f"conv_{name}",
        kernel_initializer=HE.make(derive(seed, f"conv_{name}", "kernel")),
    )(x)  # fmt: skip
    if halve:
        x = keras.layers.MaxPooling2D(dtype=dtype, name=f"pool_{name}")(x)
    x = keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, dtype=dtype, name=f"batch_norm_{name}"
    )(x)  # as in ``normalizations.batch``
    return keras.layers.ReLU(dtype=dtype, name=f"relu_{name}")(x)


@register(
    RunConfig(
        model=ConvConfig(),
        training=TrainingConfig(epochs=25, learning_rate=3e-3, augmentation="flip | translate(1)"),
        precision="auto",
    ),
    parameters=278_890,
    reference="Simonyan & Zisserman 2015, arXiv:1409.1556; Lin, Chen & Yan 2014, arXiv:1312.4400",
    tags=("convolutional",),
)
def conv_teacher(config: ConvConfig, *, seed: int = 0, dtype: str = "float32") -> "keras.Model":
    """3x3 convolutions in three stages: a teacher of multilayer perceptrons.

    ``python -m recipes.train conv_teacher --import recipes.teachers.convolutional``
    """
    import keras

    inputs, x = blocks.flat_pixels(config.input_shape, dtype)
    maps = (*config.input_shape, 1)[:3]
    x = keras.layers.Reshape(maps, dtype=dtype, name="maps")(x)
    for stage, filters in enumerate(config.filters, start=1):
        depth = config.depth if stage > 1 else 1
        for number in range(1, depth + 1):
            halve = number == depth and stage < len(config.filters)
            x = convolution(x, filters, f"{stage}_{number}", halve=halve, seed=seed, dtype=dtype)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype, name="average")(x)
    logits = blocks.dense(config.num_classes, "logits", seed=seed, dtype="float32")
    return keras.Model(inputs, logits(x), name="conv_teacher")
