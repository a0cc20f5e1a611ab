"""The end of a training: why it stopped, which weights it kept, their accuracy, what next."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from fashion_zoo import optimizers, runs, storage
from fashion_zoo.callbacks import AverageWeights, EarlyStopping, StopOnDivergence, TimeBudget
from fashion_zoo.data import Images
from fashion_zoo.errors import Call, Hint, Message, TrainingError
from fashion_zoo.evaluation.metrics import Predictions
from fashion_zoo.evaluation.metrics.nll import nll
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.language.wording import counted, listed
from fashion_zoo.runs import Run
from fashion_zoo.training.recorder import Recorder


def summary(
    model: keras.Model, recorder: Recorder, validation: Images, finished: bool
) -> dict[str, Any]:
    """Return the content of ``training.json``.

    The final weights are measured on the validation images: after early stopping or Ctrl-C they
    may not be those of the last epoch.

    Raises:
        TrainingError: if training finished with a loss far above that of the untrained model.
    """
    logits = logits_of(model, validation.images)
    found = Predictions(logits, validation.labels, ())
    recalls, loss = found.recalls, nll(found)
    callbacks, epochs = recorder.others, len(recorder.rows)
    for one in callbacks if finished else ():
        if isinstance(one, StopOnDivergence):
            one.check_final(loss)
    correct = int((logits.argmax(axis=-1) == validation.labels).sum())
    averaging = _averaging(callbacks)
    replacement = optimizers.replacement(model.optimizer)
    early = finished and epochs < recorder.run.config.training.epochs
    return {
        "finished": finished,
        "epochs": epochs,
        "stopped_early": _stop_reason(callbacks) if early else None,
        "weights_of_epoch": _kept_epoch(callbacks, finished) or (epochs if finished else None),
        "validation_correct": correct,
        "validation_images": len(validation.labels),
        "validation_accuracy": correct / len(validation.labels),
        "validation_loss": loss if math.isfinite(loss) else None,  # JSON has no other numbers
        "validation_balanced_accuracy": recalls.balanced_accuracy,
        "validation_worst_recall": recalls.worst,
        "seconds": round(sum(row["seconds"] for row in recorder.times), 2),
        **({"averaging": averaging} if averaging else {}),
        **({"model_optimizer": replacement} if replacement else {}),
    }


def _stop_reason(callbacks: Sequence[keras.callbacks.Callback]) -> str:
    """Return why a training stopped before its last epoch."""
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


def _averaging(callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, Any] | None:
    """Return the result of averaging weights, None if there was no average."""
    return next((one.result for one in callbacks if isinstance(one, AverageWeights)), None)


def _kept_epoch(callbacks: Sequence[keras.callbacks.Callback], finished: bool) -> int | None:
    """Return the epoch, from 1, whose average or best weights were kept, None for the last ones."""
    for one in callbacks:
        if isinstance(one, AverageWeights) and one.result and one.result["kept"] == "averaged":
            # Within an epoch, an average of every step is of none.
            return one.result["epoch"] if finished or one.of_epochs else None
    for one in callbacks:
        if isinstance(one, keras.callbacks.EarlyStopping) and one.best_weights is not None:
            return int(one.best_epoch) + 1
    return None


def stop_message(training: dict[str, Any], epochs: int) -> str | None:
    """Return a sentence on early stopping from ``training.json``, None if there was none."""
    if not training.get("stopped_early"):
        return None
    return (
        f"Stopped after epoch {training['epochs']} of {epochs}: {training['stopped_early']}. "
        f"The weights are those of epoch {training['weights_of_epoch']}."
    )


def model_messages(training: dict[str, Any], word: str) -> Iterator[str]:
    """Yield a sentence if ``model.keras`` has another optimizer, and one if it needs classes."""
    if "model_optimizer" in training:
        yield (
            f"model.keras has Keras's {training['model_optimizer']} at the last learning rate in "
            f"place of {word}, which Keras lacks; the run itself resumes with {word}."
        )
    if "model_needs" in training:
        yield (
            f"model.keras has parts that are not Keras's: {listed(training['model_needs'])}. Where "
            "it is loaded, the file that registers them must be imported first."
        )


def how_to_resume(run: Run, force: bool, error: BaseException) -> Message | None:
    """Return the call that uses the epochs that are done, None if none are kept."""
    removed = force and runs.has_backup(storage.resolve(run.path))  # the older one comes back
    if removed or not run.has_checkpoint:
        return None
    folder, kept = str(run.path), "The epochs that are done are kept."
    if isinstance(error, TrainingError):  # resuming would repeat it, bit for bit
        lower = Hint("training.learning_rate", run.config.training.learning_rate / 10)
        fork = Call("train", (run.recipe,), (Hint("fork", folder), lower))
        return Message(kept, " Train a new run from them with: ", fork)
    resume = Call("train", (run.recipe,), (Hint("run_dir", folder), Hint("resume", True)))
    return Message(kept, " Resume with: ", resume)
