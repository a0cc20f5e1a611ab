"""The callbacks that a plan needs."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from fashion_zoo import optimizers
from fashion_zoo.callbacks import (
    AdaptiveDropout,
    DropoutScheduler,
    EarlyStopping,
    GradientLogger,
    LossScaleLogger,
    OptimizerLogger,
    ReduceOnPlateau,
    ScheduleFreeWeights,
    StopOnDivergence,
    TimeBudget,
)
from fashion_zoo.data.pipeline import Pipeline
from fashion_zoo.errors import Hint, Message
from fashion_zoo.training.averaging import averaging_callbacks, statistics_batches
from fashion_zoo.training.plan import Plan


def epoch_starter(pipeline: Pipeline, plan: Plan) -> keras.callbacks.Callback:
    """Return a callback that starts each epoch of the pipeline, and logs its live values."""
    return keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: pipeline.start_epoch(epoch),
        on_epoch_end=lambda epoch, logs: logs.update(plan.ends("pipeline", epoch)),
    )


def own_callbacks(
    model: keras.Model,
    plan: Plan,
    pipeline: Pipeline,
    validation: tuple[np.ndarray, np.ndarray],
    untrained: tuple[float, float],
    batch_size: int,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a plan in the order in which they must see an epoch.

    ``untrained`` are the losses of the untrained model as it is evaluated and as it is trained,
    ``batch_size`` is that of the validation.
    """
    inner = optimizers.counting(model.optimizer)
    averages = isinstance(inner, keras.optimizers.ScheduleFreeAdamW)

    def batches(epoch: int) -> Iterator[Any]:
        return statistics_batches(pipeline, plan, epoch)

    return [
        *([ScheduleFreeWeights(batches)] if averages else []),
        epoch_starter(pipeline, plan),
        OptimizerLogger(),
        *_gradient_callbacks(plan),
        *stopping_callbacks(plan, untrained, len(validation[1])),
        *averaging_callbacks(model, plan, pipeline, validation, batch_size),
        *_budget_callbacks(plan),
        *_plateau_callbacks(plan),
        *_dropout_callbacks(plan),  # after early stopping, whose best weights include rates
    ]


def _dropout_callbacks(plan: Plan) -> list[keras.callbacks.Callback]:
    adaptive = plan.adaptive_dropout
    if adaptive.enabled:
        return [AdaptiveDropout(adaptive.target, adaptive.gain, adaptive.lowest, adaptive.highest)]
    if "dropout" in plan.tables:
        return [DropoutScheduler(plan.tables["dropout"], each=plan.dropout_each)]
    return []


def _gradient_callbacks(plan: Plan) -> list[keras.callbacks.Callback]:
    measuring = [GradientLogger()] if plan.measures else []
    return [*measuring, LossScaleLogger()] if plan.dtype == "mixed_float16" else measuring


def _plateau_callbacks(plan: Plan) -> list[keras.callbacks.Callback]:
    return [] if plan.plateau.monitor == "none" else [ReduceOnPlateau(plan.plateau)]


def stopping_callbacks(
    plan: Plan, untrained: tuple[float, float], images: int
) -> list[keras.callbacks.Callback]:
    """Return what ends a training early; ``images`` is the number of validation images."""
    stopping = plan.early_stopping
    evaluated, trained = untrained
    for weights in (plan.class_weights, plan.image_weights):
        if weights is not None:  # a batch may be of the images that count most
            trained *= max(1.0, float(weights.max()))
    stoppers: list[keras.callbacks.Callback] = [
        StopOnDivergence(trained, _advice(plan), evaluated=evaluated)
    ]
    if stopping.monitor != "none":
        stoppers.append(
            EarlyStopping(
                images=images if stopping.significant else None,
                monitor=f"val_{stopping.monitor}",
                mode="min" if stopping.monitor == "loss" else "max",
                patience=stopping.patience,
                min_delta=stopping.min_delta,
                restore_best_weights=True,
            )
        )
    return stoppers


def _budget_callbacks(plan: Plan) -> list[keras.callbacks.Callback]:
    """Return the budget of time, which comes after what takes time at the end of an epoch."""
    budget = plan.early_stopping.budget
    return [] if budget is None else [TimeBudget(budget)]


def _advice(plan: Plan) -> Message:
    rate = plan.bases["learning_rate"]
    hint = Hint("training.clipping", "global_norm(1)")
    clip = () if plan.clipping.clips else (", or ", hint)
    lower = Hint("training.learning_rate", rate / 10)
    return Message("Try ", lower, f" (it was {rate:g})", *clip, ".")
