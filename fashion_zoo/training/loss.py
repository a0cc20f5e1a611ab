"""The loss of a training step, and further metrics, as Keras classes."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fashion_zoo.config import Metric
from fashion_zoo.losses import CROSS_ENTROPY, Loss
from fashion_zoo.training.distillation import Distillation
from fashion_zoo.training.plan import Plan


class TrainingLoss(keras.losses.Loss):
    """A loss of images with hard or soft labels, times the class weights; the mean of a batch.

        loss = (sum_c label_c * weight_c) * (sum_c label_c * each_c(logits))

    Soft labels are (batch, classes) probabilities; a hard one is 1 for one class. Without class
    weights, the labels of an image may be probabilities times a weight of the image, in which the
    loss is linear; TensorFlow's own cross-entropy would have another gradient then. The mean is
    over images, whatever their weights, as with a ``sample_weight`` in Keras.
    """

    def __init__(
        self,
        chosen: Loss,
        soft_labels: bool,
        class_weights: np.ndarray | None = None,
        log_prior: np.ndarray | None = None,
    ):
        super().__init__(name="training_loss", dtype="float32")
        self.chosen = chosen
        self.soft_labels = soft_labels
        self.class_weights, self.log_prior = (
            None if one is None else keras.ops.convert_to_tensor(one, "float32")
            for one in (class_weights, log_prior)
        )

    def call(self, y_true, y_pred):
        """Return the (batch,) losses."""
        if not self.soft_labels:
            numbers = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
            y_true = keras.ops.one_hot(numbers, y_pred.shape[-1], dtype=self.dtype)
        losses = keras.ops.sum(y_true * self.chosen.each(y_pred, self.log_prior), axis=-1)
        if self.class_weights is None:
            return losses
        return losses * keras.ops.sum(y_true * self.class_weights, axis=-1)


def set_training_loss(model: keras.Model, plan: Plan, teaching: Distillation | None = None) -> None:
    """Let the training steps of a compiled model use the loss of a plan; evaluation stays as it is.

    Keras calls ``compute_loss`` with ``training``, which a loss itself is not told. A plan with
    plain cross-entropy leaves Keras's own method, unless a teacher takes part: ``teaching``. Then
    labels may be a pair: the labels, and the logits of the teacher.
    """
    for name in ("compute_loss", "compute_metrics"):
        vars(model).pop(name, None)  # of an earlier plan
    weighted = plan.class_weights is not None or plan.image_weights is not None
    if plan.loss == CROSS_ENTROPY and not weighted and teaching is None:
        return
    loss = TrainingLoss(plan.loss, plan.soft_labels, plan.class_weights, plan.log_prior)
    model.compute_loss = functools.partial(_compute_loss, model, model.compute_loss, loss, teaching)
    if teaching:
        model.compute_metrics = functools.partial(_compute_metrics, model.compute_metrics)


def teaching_of(model: keras.Model) -> Distillation | None:
    """Return the distillation in the loss of a compiled model, if it has one."""
    step = vars(model).get("compute_loss")
    ours = isinstance(step, functools.partial) and step.func is _compute_loss
    return step.args[3] if ours else None


def _compute_loss(
    model: keras.Model,
    compiled: Callable[..., Any],
    loss: TrainingLoss,
    teaching: Distillation | None,
    x: Any = None,
    y: Any = None,
    y_pred: Any = None,
    sample_weight: Any = None,
    training: bool = True,
) -> Any:
    labels, kept = _parts(y)
    if not training:
        return compiled(x, labels, y_pred, sample_weight, training)
    penalties = map(model._aggregate_additional_loss, model.losses)  # as Keras adds them
    found = loss(labels, y_pred, sample_weight)
    if teaching:
        found = teaching(x, y_pred, found, sample_weight, kept)
    return sum(penalties, found)


def _compute_metrics(
    usual: Callable[..., Any], x: Any, y: Any, y_pred: Any, sample_weight: Any = None
) -> Any:
    return usual(x, _parts(y)[0], y_pred, sample_weight)


def _parts(y: Any) -> tuple[Any, Any]:
    """Return the labels of a batch, and the logits of the teacher if they came with them."""
    return y if isinstance(y, tuple) else (y, None)


class _OfRecalls(keras.metrics.MeanIoU):
    """A metric of the recalls of the classes that have images, from Keras's confusion matrix."""

    def __init__(self, num_classes: int, soft_labels: bool, name: str):
        super().__init__(
            num_classes, name=name, dtype="float32",
            sparse_y_true=not soft_labels, sparse_y_pred=False,
        )  # fmt: skip

    def _recalls(self) -> tuple[Any, Any]:
        """Return the (classes,) recalls, and 1 for the classes that have images, else 0."""
        images = keras.ops.sum(self.total_cm, axis=1)
        correct = keras.ops.diagonal(self.total_cm)
        return correct / keras.ops.maximum(images, 1.0), keras.ops.cast(images > 0, "float32")


class BalancedAccuracy(_OfRecalls):
    """Mean of the recalls."""

    def result(self):
        """Return the metric, a scalar."""
        recalls, there = self._recalls()
        return keras.ops.sum(recalls * there) / keras.ops.maximum(keras.ops.sum(there), 1.0)


class WorstRecall(_OfRecalls):
    """Smallest of the recalls."""

    def result(self):
        """Return the metric, a scalar."""
        recalls, there = self._recalls()
        return keras.ops.min(recalls * there + (1 - there))


METRICS: dict[Metric, type[_OfRecalls]] = {
    "balanced_accuracy": BalancedAccuracy,
    "worst_recall": WorstRecall,
}
