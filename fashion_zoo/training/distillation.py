"""Distillation: the loss of a training step that learns from the outputs of a teacher.

Where every epoch augments or mixes images anew, the teacher is part of the compiled step. So it
sees the images that the student sees, on the same device, whatever the number of steps per
execution or the backend. Where they stay as they are, or epochs repeat, it predicts each of them
once, before the first step, and the pipeline gives its logits with the label. It has no state, so
a resumed training finds it as it was.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from fashion_zoo import runs
from fashion_zoo.config import DistillationConfig
from fashion_zoo.data.pipeline import Pipeline
from fashion_zoo.errors import ConfigError
from fashion_zoo.losses import divergence
from fashion_zoo.runs import Run
from fashion_zoo.show.waiting import Progress, waiting

_PROBES = 4  # made-up images, which tell logits from probabilities


class Divergence(keras.losses.Loss):
    """``losses.divergence`` of the logits of teacher and student; the mean of a batch."""

    def __init__(self, temperature: float):
        super().__init__(name="divergence", dtype="float32")
        self.temperature = temperature

    def call(self, y_true, y_pred):
        """Return the (batch,) divergences."""
        return divergence(y_true, y_pred, self.temperature)


class Distillation:
    """The loss of a student.

        mixture * T^2 * KL(softmax(teacher / T) || softmax(student / T)) + (1 - mixture) * own

    ``own`` is the loss of the labels. The teacher predicts without dropout and with its own
    batch-norm statistics. Its layers that were trained in 16 bits have the precision of the
    student, the others float32.

    Args:
        chosen: the settings, with a teacher.
        student: the model that learns.

    Raises:
        RunError: if the run of the teacher or its model cannot be read.
        ConfigError: if it is another model than in the settings, or does not fit the student.

    Reference: Hinton, Vinyals & Dean 2015, arXiv:1503.02531; Beyer et al. 2022, arXiv:2106.05237,
    section 3, for a teacher that sees the images as the student does.
    """

    def __init__(self, chosen: DistillationConfig, student: keras.Model):
        self.mixture = chosen.mixture
        self.divergence = Divergence(chosen.temperature)
        self.teacher = _loaded(runs.open_teacher(chosen), student)
        _check_outputs(self.teacher, student, chosen)

    def __call__(
        self, images: Any, logits: Any, own: Any, sample_weight: Any = None, kept: Any = None
    ) -> Any:
        """Return the loss, a scalar, of images as in the batch and the logits of the student.

        ``kept`` are those of the teacher if they are known, (batch, classes) float32.
        """
        its = self.logits(images) if kept is None else kept
        taught = self.divergence(its, logits, sample_weight)
        return self.mixture * taught + (1 - self.mixture) * own

    def logits(self, images: Any) -> Any:
        """Return the (batch, classes) float32 logits of the teacher, without a gradient."""
        return _logits(self.teacher, images)

    def logits_of_all(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        """Return the (n, classes) float32 logits of the teacher for (n, *shape) images.

        They are predicted in batches, always the same ones, so that they repeat to the last bit.
        """
        starts = range(0, len(images), batch_size)
        found = [self.logits(images[start : start + batch_size]) for start in starts]
        return np.concatenate([keras.ops.convert_to_numpy(one) for one in found])

    def logits_of_epochs(
        self, pipeline: Pipeline, epochs: Sequence[int], progress: Progress = False
    ) -> np.ndarray:
        """Return the logits of the teacher for the batches of some epochs of a pipeline.

        They are (epochs, steps, batch, classes) float32, of the images as they are in a batch.
        """
        shape, steps = self.teacher.input_shape[1:], len(pipeline.batches)
        images = pipeline.batches.map(lambda images, _: keras.ops.reshape(images, (-1, *shape)))
        found = []
        for number, epoch in enumerate(epochs, 1):
            text = f"The teacher predicts, epoch {number} of {len(epochs)}"
            with waiting(text, progress):
                pipeline.start_epoch(epoch)
                its = self.teacher.predict(images, verbose=0)  # compiled, on every device
                found.append(its.reshape(steps, -1, its.shape[-1]))
        return np.stack(found)


def _loaded(run: Run, student: keras.Model) -> keras.Model:
    """Load the model of a teacher, in the precision of a student where it was trained in 16 bits.

    That is as fast as the student on a device that multiplies 16 bits, and runs where it does not.
    """
    model = run.load_model(compiled=False)
    model.trainable = False
    computed = {layer.compute_dtype for layer in student._flatten_layers()} - {"float32"}
    policy = f"mixed_{computed.pop()}" if computed else "float32"
    for layer in model._flatten_layers():
        if layer.compute_dtype != "float32":
            layer.dtype_policy = policy
    return model


def _logits(model: keras.Model, images: Any) -> Any:
    pixels = keras.ops.reshape(images, (-1, *model.input_shape[1:]))
    found = model(pixels, training=False)
    return keras.ops.stop_gradient(keras.ops.cast(found, "float32"))


def _check_outputs(teacher: keras.Model, student: keras.Model, chosen: DistillationConfig) -> None:
    """Check that a teacher has as many classes as the student, of as many pixels, and logits."""
    shapes = [(one.input_shape[1:], one.output_shape[-1]) for one in (teacher, student)]
    (seen, classes), (expected, own) = shapes
    if np.prod(seen) != np.prod(expected) or classes != own:
        raise ConfigError(
            f"The teacher {chosen.teacher} takes images of {seen} to {classes} classes, and the "
            f"student images of {expected} to {own}. Choose a teacher of the same images."
        )
    images = np.random.default_rng(0).integers(0, 256, (_PROBES, *expected)).astype("float32")
    found = keras.ops.convert_to_numpy(_logits(teacher, images))
    if not np.isfinite(found).all():
        raise ConfigError(f"The teacher {chosen.teacher} has outputs that are not finite.")
    if found.min() >= 0 and np.allclose(found.sum(axis=-1), 1, atol=1e-3):
        raise ConfigError(
            f"The teacher {chosen.teacher} returns probabilities, and logits are needed. Choose a "
            "model without a softmax at its end."
        )
