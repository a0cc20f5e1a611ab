"""Multilayer perceptrons whose first kernel begins as a convolution, and is trained freely."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from fashion_zoo.config import RunConfig
from fashion_zoo.errors import ConfigError
from fashion_zoo.language import checks
from fashion_zoo.models.mlp import LARGE, mlp
from fashion_zoo.models.mlp_config import MLPConfig
from fashion_zoo.models.mlp_space import MLPSpace
from fashion_zoo.registry import register
from fashion_zoo.seeds import derive
from fashion_zoo.spaces import Parameter, Questions


@dataclasses.dataclass(frozen=True)
class ConvStartConfig(MLPConfig):
    """The architecture of an MLP, and the convolution with which its first kernel begins."""

    hidden_units: tuple[int, ...] = (1568, 1024, 1024)
    """Width of each hidden layer; the first is best places x channels: 14 x 14 x 8."""
    kernel_size: Annotated[int, checks.at_least(1)] = 5
    """Height and width of the kernels of the convolution, in pixels."""
    stride: Annotated[int, checks.at_least(1)] = 2
    """Pixels between neighboring places of the convolution."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.input_shape) not in (2, 3):
            raise ConfigError(
                "A convolution takes images of (height, width) or (height, width, channels), "
                f"received input_shape={self.input_shape}. Take a recipe without one, as bn_mlp is."
            )
        if self.stride > self.kernel_size:
            raise ConfigError(
                f"stride must be at most kernel_size, received {self.stride} and "
                f"{self.kernel_size}: the pixels between the kernels would not be seen."
            )


@dataclasses.dataclass(frozen=True)
class ConvStartSpace(MLPSpace):
    """The search space of an MLP that begins as a convolution, and of its training."""

    units: str = "choice(392, 512, 784, 1024, 1568)"
    """Width of each hidden layer."""
    kernel_size: str = "choice(3, 5, 7)"
    """Height and width of the kernels of the convolution."""
    stride: str = "choice(1, 2, 3)"
    """Pixels between neighboring places of the convolution."""

    def parameters(self, config: RunConfig) -> list[Parameter]:
        """Return the parameters, those of the training first."""
        asked = Questions(self, super().parameters(config))
        asked.add("kernel_size", config.model.kernel_size)
        asked.add("stride", config.model.stride)
        return asked.parameters

    def changes(self, values: Mapping[str, Any], base: RunConfig) -> dict[str, Any]:
        """Return the changes of the config, as ``override`` takes them."""
        changes = super().changes(values, base)
        changes["model"] |= {name: values[name] for name in ("kernel_size", "stride")}
        return changes


def convolution_matrix(kernels: np.ndarray, height: int, width: int, stride: int = 1) -> np.ndarray:
    """Return a convolution, written out as the kernel of a dense layer.

        flat(image) @ matrix = flat(convolution(image))

    An image is surrounded by zeros, as by ``padding="same"`` of Keras, and flattened by rows, with
    the channels last. An image of height x width has ceil(height / stride) x ceil(width / stride)
    places, at each of which a unit per filter sees the pixels of one kernel.

    Args:
        kernels: (size, size, channels, filters).
        height: of the images, in pixels.
        width: likewise.
        stride: pixels between neighboring places.

    Returns:
        (height x width x channels, places x filters), of the dtype of the kernels.

    Reference: d'Ascoli et al. 2019, arXiv:1906.06766, section 2.
    """
    size, _, channels, filters = kernels.shape
    places = tuple(-(-length // stride) for length in (height, width))
    # Room on each side for what of a kernel lies outside of the image.
    room = (height + 2 * size, width + 2 * size, channels)
    matrix = np.zeros((*room, *places, filters), kernels.dtype)
    zeros = [
        max((count - 1) * stride + size - length, 0) // 2
        for count, length in zip(places, (height, width), strict=True)
    ]
    for row, column in np.ndindex(*places):
        top, left = (
            size - before + place * stride
            for before, place in zip(zeros, (row, column), strict=True)
        )
        matrix[top : top + size, left : left + size, :, row, column] = kernels
    return matrix[size:-size, size:-size].reshape(height * width * channels, -1)


def initial_kernel(config: ConvStartConfig, seed: int) -> np.ndarray:
    """Return the first kernel, (pixels, units) float32, keyed by the seed.

    The kernels of the convolution are drawn from the initializer of the config. There are as many
    channels as give enough units; of more units than the layer has, evenly spaced ones are taken.
    """
    import keras

    height, width, *rest = config.input_shape
    size, units = config.kernel_size, config.hidden_units[0]
    places = math.prod(-(-length // config.stride) for length in (height, width))
    filters = -(-units // places)
    draw = config.initializer.make(derive(seed, "dense_1", "convolution"))
    kernels = keras.ops.convert_to_numpy(draw((size, size, *(rest or [1]), filters)))
    matrix = convolution_matrix(kernels, height, width, config.stride)
    return matrix[:, np.arange(units) * matrix.shape[1] // units]


@register(
    RunConfig(
        model=ConvStartConfig(normalization="batch", dropout=(0.05,)),
        training=LARGE.config.training,
        precision=LARGE.config.precision,
    ),
    parameters=3_901_002,
    reference="d'Ascoli et al. 2019, arXiv:1906.06766",
    tags=("mlp", "batch_norm", "dropout", "augmentation", "convolution_at_start"),
    space=ConvStartSpace(
        normalization="'batch'",
        augmentation="choice('none', 'flip', 'flip | translate(1)', 'standard')",
    ),
)
def conv_start_mlp(config: ConvStartConfig, *, seed: int = 0, dtype: str = "float32"):
    """Dense layers, of which the first begins as a convolution.

    Its initial kernel is the matrix of a convolution of ``kernel_size`` and ``stride``: each unit
    sees a small square of pixels, units of one channel have the same weights there, and all other
    weights are 0. From the first step on it is an ordinary dense layer, whose weights are all
    trained, none shared. So the layers are those of ``bn_mlp``, but what they begin with knows that
    the pixels are an image, and that puts the recipe into a class of its own.

    In the paper a trained convolution is written out, and here an untrained one.

    ``python -m recipes.train conv_start_mlp``
    """
    model = mlp(config, name="conv_start_mlp", seed=seed, dtype=dtype)
    model.get_layer("dense_1").kernel.assign(initial_kernel(config, seed))
    return model
