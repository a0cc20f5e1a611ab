"""Initial kernels of one deviation, whatever the width is."""

import dataclasses

from fashion_zoo.activations import Activation, Initializer, keras_layer


@dataclasses.dataclass(frozen=True)
class Normal(Initializer):
    """Normal kernels with this standard deviation."""

    name: str = "random_normal"
    deviation: float = 0.05

    def make(self, seed: int):
        """Return Keras's initializer."""
        import keras

        return keras.initializers.RandomNormal(stddev=self.deviation, seed=seed)


def relu(deviation: float) -> Activation:
    """Return ``max(x, 0)`` behind normal kernels with a standard deviation."""
    return Activation("relu", keras_layer("ReLU"), Normal(deviation=deviation))
