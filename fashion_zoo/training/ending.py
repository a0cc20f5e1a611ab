"""How a training ended: what stopped it, which weights it kept, what they are worth, what next."""

from collections.abc import Sequence
from typing import Any

import keras

from fashion_zoo.callbacks import EarlyStopping, StopOnDivergence, TimeBudget
from fashion_zoo.data import Images, reshape
from fashion_zoo.errors import Call, Hint, Message, TrainingError
from fashion_zoo.evaluation.metrics import Predictions
from fashion_zoo.evaluation.metrics.nll import nll
from fashion_zoo.language.wording import counted
from fashion_zoo.runs import Run

VALIDATION_BATCH = 1000  # images; divides 5,000, so validation needs one shape only


def summary(
    run: Run,
    model: keras.Model,
    validation: Images,
    callbacks: Sequence[keras.callbacks.Callback],
    epochs: int,
    finished: bool,
) -> dict[str, Any]:
    """Return what ``training.json`` holds, but the seconds.

    Args:
        run: the run.
        model: with the weights that are kept.
        validation: what they are measured on.
        callbacks: those of the training.
        epochs: whole epochs that were trained.
        finished: whether the training came to its end, be it early.

    Raises:
        TrainingError: it came to its end with a loss far above that of the untrained model.
    """
    measured, loss = _validate(model, validation)
    if finished:
        for one in callbacks:
            if isinstance(one, StopOnDivergence):
                one.check_kept(loss)
    early = finished and epochs < run.config.training.epochs
    return {
        "finished": finished,
        "epochs": epochs,
        "stopped_early": _why(callbacks) if early else None,
        "weights_of_epoch": _kept(callbacks) or (epochs if finished else None),
        **measured,
    }


def _why(callbacks: Sequence[keras.callbacks.Callback]) -> str:
    """Return what ended a training before its last epoch."""
    for one in callbacks:
        if isinstance(one, TimeBudget) and one.spent + one.longest > one.seconds:
            return f"another epoch would pass the budget of {one.seconds:g} s"
        if isinstance(one, keras.callbacks.EarlyStopping) and one.stopped_epoch:
            what = "has not improved"
            if isinstance(one, EarlyStopping) and one.images is not None:
                what = "has not improved significantly"
            elif one.min_delta:
                what = f"has not improved by more than {abs(float(one.min_delta)):g}"
            return f"{one.monitor} {what} for {counted(one.patience, 'epoch')}"
    return "a callback stopped it"


def _kept(callbacks: Sequence[keras.callbacks.Callback]) -> int | None:
    """Return the epoch, from 1, whose weights early stopping put back; None where nothing did."""
    for one in callbacks:
        if isinstance(one, keras.callbacks.EarlyStopping) and one.best_weights is not None:
            return int(one.best_epoch) + 1
    return None


def _validate(model: keras.Model, validation: Images) -> tuple[dict[str, Any], float]:
    """Measure the weights as kept: early stopping or Ctrl-C may not leave the last epoch's.

    Returns:
        What a run stores, and the mean cross-entropy.
    """
    images = reshape(validation.images, model.input_shape[1:])
    logits = model.predict(images, batch_size=VALIDATION_BATCH, verbose=0)
    correct = int((logits.argmax(axis=-1) == validation.labels).sum())
    count = len(validation.labels)
    stored = {
        "validation_correct": correct,
        "validation_images": count,
        "validation_accuracy": correct / count,
    }
    return stored, nll(Predictions(logits.astype("float64"), validation.labels, ()))


def spoken(training: dict[str, Any], epochs: int) -> str | None:
    """Return the sentence about a training that ended early, None where it came to its last epoch.

    Args:
        training: ``training.json``.
        epochs: the epochs that were asked for.
    """
    if not training.get("stopped_early"):
        return None
    return (
        f"Stopped after epoch {training['epochs']} of {epochs}: {training['stopped_early']}. "
        f"The weights are those of epoch {training['weights_of_epoch']}."
    )


def how_to_go_on(run: Run, force: bool, error: BaseException) -> Message | None:
    """Return the call that makes use of the epochs that are done, None where none are kept."""
    if force or not run.has_checkpoint:  # what force began is taken away again
        return None
    if isinstance(error, TrainingError):  # to go on would repeat it, bit for bit
        lower = Hint("training.learning_rate", run.config.training.learning_rate / 10)
        hints = (Hint("fork", str(run.path)), lower)
        say = "The epochs that are done are kept. Begin a new run from them with: "
    else:
        hints = (Hint("run_dir", str(run.path)), Hint("resume", True))
        say = "The epochs that are done are kept. Resume with: "
    return Message(say, Call("train", (run.recipe,), hints))
