"""The devices of a training: one, or all of this machine, each of which computes a part of a batch.

The engines are Keras's own: ``tf.distribute.MirroredStrategy`` with TensorFlow, and
``keras.distribution.DataParallel`` with jax. What they leave to the caller is in this file.
"""

import contextlib
import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

import keras

from fashion_zoo import optimizers
from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language import checks
from fashion_zoo.machine.devices import device_names

VALIDATION_BATCH = 1000  # images; divides 5,000, so validation needs one shape only
Asked = Literal["one", "all"]


class Devices:
    """One device, as Keras chooses it."""

    count = 1
    steps_per_execution: int | None = None  # by default as many as take about a second

    def creating(self) -> AbstractContextManager[Any]:
        """Return the context in which the variables of model and optimizer are made."""
        return contextlib.nullcontext()

    def fitting(self, model: keras.Model) -> AbstractContextManager[Any]:
        """Return the context of the ``fit`` of a compiled model."""
        return contextlib.nullcontext()

    def validation_batch(self, images: int) -> int:
        """Return the batch size for the validation of so many images."""
        return VALIDATION_BATCH


ONE = Devices()


class _Mirrored(Devices):
    """Devices of TensorFlow, each with a copy of the variables."""

    steps_per_execution = 1  # Keras's loop over several steps fails under a strategy

    def __init__(self, names: list[str]):
        self.count = len(names)
        self.strategy = _strategy(*names)

    def creating(self) -> AbstractContextManager[Any]:
        return self.strategy.scope()

    def validation_batch(self, images: int) -> int:
        # The first batch must be divisible, as Keras takes a mean of its parts.
        return max(min(VALIDATION_BATCH, images) // self.count, 1) * self.count

    @contextlib.contextmanager
    def fitting(self, model: keras.Model) -> Iterator[None]:
        norms = [
            layer
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized
        ]
        inner = optimizers.counting(model.optimizer)
        reduce, apply = inner._all_reduce_sum_gradients, model.optimizer.apply
        own = "apply" in vars(model.optimizer)  # a momentum that moves
        model.optimizer.apply = functools.partial(_apply_sums, reduce, apply)
        inner._all_reduce_sum_gradients = list
        for layer in norms:
            layer.synchronized = True
        try:
            yield
        finally:
            for layer in norms:  # the model is saved as it was built
                layer.synchronized = False
            del model.optimizer.apply, inner._all_reduce_sum_gradients
            if own:
                model.optimizer.apply = apply


@functools.cache  # a second strategy of the process would number its collective operations anew
def _strategy(*names: str) -> Any:
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names)


def _apply_sums(reduce: Any, apply: Any, grads: Any, trainable_variables: Any = None) -> None:
    """Apply the sums of the gradients of all devices.

    Keras adds them only after it has clipped those of each device, looked for overflow in them, and
    accumulated them.
    """
    summed = reduce(zip(grads, trainable_variables, strict=True))
    apply([gradient for gradient, _ in summed], trainable_variables)


class _Sharded(Devices):
    """Devices of jax, over which arrays of a batch are spread."""

    def __init__(self, names: list[str], batch_size: int):
        self.count = len(names)
        self.batch_size = batch_size
        self.distribution = _OfBatches(names, batch_size)

    def creating(self) -> AbstractContextManager[Any]:
        return self.distribution.scope()

    def fitting(self, model: keras.Model) -> AbstractContextManager[Any]:
        return self.distribution.scope()

    def validation_batch(self, images: int) -> int:
        return VALIDATION_BATCH + (self.batch_size == VALIDATION_BATCH)  # see _OfBatches


class _OfBatches(keras.distribution.DataParallel):
    """Spread what has the size of a training batch; each device computes all of anything else.

    The last batch of the validation images may not be divisible by the number of devices.
    """

    def __init__(self, names: list[str], batch_size: int):
        super().__init__(devices=names)
        self.divided = batch_size

    def get_data_layout(self, data_shape: Any) -> Any:
        if data_shape[0] == self.divided:
            return super().get_data_layout(data_shape)
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)


def find(asked: Asked, batch_size: int, accumulation: int = 1) -> Devices:
    """Find the devices of a training with batches of so many images, and so many per update.

    Raises:
        ConfigError: if several are asked for, and backend, batch or accumulation do not allow it.
    """
    checks.choice("devices", asked, Asked)
    if asked == "one":
        return ONE
    backend = keras.backend.backend()
    if backend == "torch":
        raise ConfigError(
            "devices 'all' needs the tensorflow or the jax backend, this is torch, with which "
            "Keras trains on one device. Set ",
            Hint("devices", "one"),
            ".",
        )
    names = device_names()
    if len(names) == 1:
        return ONE
    if batch_size % len(names):
        nearest = max(round(batch_size / len(names)), 1) * len(names)
        raise ConfigError(
            f"training.batch_size must be divisible by the {len(names)} devices, received "
            f"{batch_size}. Set ",
            Hint("training.batch_size", nearest),
            ".",
        )
    if accumulation > 1 and backend == "tensorflow":
        raise ConfigError(
            "training.accumulation needs one device with TensorFlow, because Keras accumulates "
            "inside a condition, in which several devices cannot add their gradients; received "
            f"{accumulation}. Set ",
            Hint("devices", "one"),
            " or ",
            Hint("training.accumulation", 1),
            ".",
        )
    return _Sharded(names, batch_size) if backend == "jax" else _Mirrored(names)
