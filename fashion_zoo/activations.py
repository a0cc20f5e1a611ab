"""Activations: functions of each unit by itself, and the initial kernels that fit each of them.

A kernel that fits keeps the variance of the units the same from layer to layer. ``fan_in`` and
``fan_out`` are the numbers of inputs and outputs of a layer:

    He       variance 2 / ((1 + slope ** 2) fan_in), for units that are cut or damped below 0
    Glorot   variance 2 / (fan_in + fan_out), for sigmoidal ones
    LeCun    variance 1 / fan_in, for selu, which normalizes itself

References: He et al. 2015, arXiv:1502.01852, equations 10 and 15; Glorot & Bengio 2010, AISTATS;
LeCun et al. 1998, Efficient BackProp; Klambauer et al. 2017, arXiv:1706.02515.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fashion_zoo.language import checks
from fashion_zoo.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Initializer:
    """An initializer of kernels, before it has a seed."""

    name: str
    """Keras's name of it: ``"he_normal"``."""
    scale: float | None = None
    """Of ``VarianceScaling``: the variance times fan_in."""

    def make(self, seed: int) -> "keras.initializers.Initializer":
        """Return Keras's initializer."""
        import keras

        scale = {} if self.scale is None else {"scale": self.scale}
        return keras.initializers.get({"class_name": self.name, "config": {**scale, "seed": seed}})

    def __str__(self) -> str:
        return self.name if self.scale is None else f"{self.name}(scale={self.scale:.5g})"


HE = Initializer("he_normal")
GLOROT = Initializer("glorot_uniform")
LECUN = Initializer("lecun_normal")


@dataclasses.dataclass(frozen=True)
class Activation:
    """An activation with its own arguments, before it is a layer."""

    name: str
    """Layers are named after it: ``relu_1``."""
    make: "Callable[..., keras.layers.Layer]"
    """Takes ``name`` and ``dtype``. It imports Keras when called."""
    initializer: Initializer = HE
    """The one that fits, for ``kernel_initializer="auto"``."""


WORDS: Vocabulary[Activation] = Vocabulary(
    "activation",
    example="leaky_relu(0.01)",
    finish=lambda made: made if isinstance(made, Activation) else None,
)


def keras_layer(kind: str, **own: Any) -> "Callable[..., keras.layers.Layer]":
    """Return the function that makes one of ``keras.layers`` from ``own`` and further arguments."""

    def make(**given: Any) -> "keras.layers.Layer":
        import keras

        return getattr(keras.layers, kind)(**own, **given)

    return make


def _he(slope: float) -> Initializer:
    """Return He's initializer for a slope below 0."""
    return Initializer("VarianceScaling", 2 / (1 + slope**2))


def _register(name: str, text: str, initializer: Initializer = HE) -> None:
    def word() -> Activation:
        return Activation(name, keras_layer("Activation", activation=name), initializer)

    word.__doc__ = text
    WORDS.register(word, name)


_register("relu", "``max(x, 0)`` (Nair & Hinton 2010, ICML).")
_register("relu6", "``min(max(x, 0), 6)`` (Howard et al. 2017, arXiv:1704.04861).")
_register("selu", "``1.0507 elu(x, 1.6733)`` (Klambauer et al. 2017, arXiv:1706.02515).", LECUN)
_register("gelu", "``x Phi(x)``, Phi of a normal (Hendrycks & Gimpel 2016, arXiv:1606.08415).")
_register("swish", "``x sigmoid(x)`` (Ramachandran et al. 2017, arXiv:1710.05941).")
_register("silu", "Another name of swish (Elfwing et al. 2017, arXiv:1702.03118).")
_register("hard_silu", "``x hard_sigmoid(x)`` (Howard et al. 2019, arXiv:1905.02244).")
_register("mish", "``x tanh(softplus(x))`` (Misra 2019, arXiv:1908.08681).")
_register("softplus", "``log(1 + exp(x))`` (Dugas et al. 2001, NIPS 13).")
_register("squareplus", "``(x + sqrt(x ** 2 + 4)) / 2`` (Barron 2021, arXiv:2112.11687).")
_register("sparse_plus", "0 below -1, x above 1, ``(x + 1) ** 2 / 4`` between.")
_register("tanh", "``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``.", GLOROT)
_register("hard_tanh", "x, cut at -1 and 1 (Collobert 2004).", GLOROT)
_register("tanh_shrink", "``x - tanh(x)``.", GLOROT)
_register("softsign", "``x / (1 + |x|)`` (Bergstra et al. 2009).", GLOROT)
_register("sigmoid", "``1 / (1 + exp(-x))``.", GLOROT)
_register("hard_sigmoid", "``x / 6 + 1 / 2``, cut at 0 and 1.", GLOROT)
_register("sparse_sigmoid", "``(x + 1) / 2``, cut at 0 and 1.", GLOROT)
_register("log_sigmoid", "``log(sigmoid(x))``.", GLOROT)
_register("soft_shrink", "0 from -0.5 to 0.5, and x less 0.5 of its size elsewhere.", GLOROT)
_register("hard_shrink", "0 from -0.5 to 0.5, and x elsewhere.", GLOROT)
_register("linear", "x.", GLOROT)


@WORDS.register
def leaky_relu(slope: float = 0.2) -> Activation:
    """``x`` above 0, ``slope x`` below; Keras's slope is 0.2, that of the paper 0.01.

    Reference: Maas et al. 2013, ICML.
    """
    checks.fraction("slope", slope)
    return Activation("leaky_relu", keras_layer("LeakyReLU", negative_slope=slope), _he(slope))


@WORDS.register
def prelu(slope: float = 0.25) -> Activation:
    """leaky_relu with a slope per unit that is trained, from ``slope``.

    Reference: He et al. 2015, arXiv:1502.01852.
    """
    checks.fraction("slope", slope)

    def make(**given: Any) -> "keras.layers.Layer":
        import keras

        return keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(slope), **given)

    return Activation("prelu", make, _he(slope))


@WORDS.register
def elu(alpha: float = 1.0) -> Activation:
    """``x`` above 0, ``alpha (exp(x) - 1)`` below.

    Reference: Clevert et al. 2015, arXiv:1511.07289.
    """
    checks.positive("alpha", alpha)
    return Activation("elu", keras_layer("ELU", alpha=alpha))
