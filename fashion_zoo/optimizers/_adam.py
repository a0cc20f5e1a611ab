"""Adam and AdamW by TensorFlow's fused kernel; other backends take Keras's way."""

from typing import Any

import keras

from fashion_zoo.optimizers._tables import TabulatedDecay


@keras.saving.register_keras_serializable("fashion_zoo")
class FusedAdam(keras.optimizers.Adam):
    """Adam by TensorFlow's fused kernel, one per variable, instead of a dozen small operations.

    Formula and arguments are Keras's. The kernel computes ``1 - beta_2`` from a float32 ``beta_2``,
    which changes an update by a few millionths of itself. Another backend, a distribution strategy,
    amsgrad, a sparse gradient and a variable that is not float32 use Keras's implementation.

    Reference: Kingma & Ba 2015, arXiv:1412.6980, the form before section 2.1.
    """

    in_keras = keras.optimizers.Adam
    _powers: Any = None

    def apply(self, grads, trainable_variables=None):
        """Update the variables; see ``keras.optimizers.Optimizer.apply``."""
        self._powers = None  # tensors of the step that is being traced
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable."""
        if not self._kernel_fits(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        if self._powers is None:
            step = tf.cast(self.iterations + 1, tf.float32)
            self._powers = [tf.pow(beta, step) for beta in (self.beta_1, self.beta_2)]
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    def _kernel_fits(self, gradient, variable) -> bool:
        if keras.backend.backend() != "tensorflow":
            return False
        import tensorflow as tf

        return not (
            tf.distribute.has_strategy()
            or self.amsgrad
            or isinstance(gradient, tf.IndexedSlices)
            or keras.backend.standardize_dtype(variable.dtype) != "float32"
        )


def _handle(variable):
    """Return the resource of a Keras variable or a tf.Variable."""
    return (variable if hasattr(variable, "handle") else variable.value).handle


@keras.saving.register_keras_serializable("fashion_zoo")
class FusedAdamW(FusedAdam, keras.optimizers.AdamW):
    """Adam with decoupled weight decay, 0.004 by default, as ``keras.optimizers.AdamW``.

    The arguments are Keras's, in its order.

    Raises:
        ValueError: if ``weight_decay`` is None.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    in_keras = keras.optimizers.AdamW


@keras.saving.register_keras_serializable("fashion_zoo")
class ScheduledAdamW(TabulatedDecay, FusedAdamW):
    """AdamW whose weight decay is looked up by its step counter.

    Reference: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with its schedule on the
    decay, too.
    """
