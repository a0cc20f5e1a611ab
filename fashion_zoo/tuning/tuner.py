"""A KerasTuner Tuner that reports every epoch, so that trials can be pruned."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from fashion_zoo.callbacks.averaging import kept
from fashion_zoo.errors import ConfigError, TrainingError
from fashion_zoo.evaluation import cost
from fashion_zoo.language.wording import counted, percent
from fashion_zoo.machine.devices import releasing
from fashion_zoo.show.trials import SearchDisplay
from fashion_zoo.tuning.base_oracle import SearchError
from fashion_zoo.tuning.hypermodel import RecipeHyperModel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.plans import count
from fashion_zoo.tuning.sampling import ranked

BATCH = 256  # images per batch of the measured latency
_CALLS = 30
_CHIEF = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@contextlib.contextmanager
def without_chief(say: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Unset the variables of KerasTuner's chief, for which it would wait forever."""
    hidden = {name: os.environ.pop(name) for name in _CHIEF if name in os.environ}
    if hidden:
        say(f"Ignored environment variables: {', '.join(hidden)}. A study needs no chief.")
    try:
        yield
    finally:
        os.environ.update(hidden)


class StudyTuner(keras_tuner.Tuner):
    """Run the trials of a ``StudyOracle`` and report each epoch.

    It saves no weights, since the best configs are retrained with fresh seeds. KerasTuner's own
    files are in ``directory``.
    """

    def __init__(self, oracle: StudyOracle, hypermodel: RecipeHyperModel, directory: str):
        self.display = SearchDisplay(enabled=False)
        """Display of the search."""
        with without_chief():
            super().__init__(oracle, hypermodel, directory=directory, project_name="tuner")

    def search(self, *arguments: Any, **options: Any) -> None:
        """Run trials until the oracle has none left."""
        with without_chief(self.display.say):
            super().search(*arguments, **options)

    def _populate_initial_space(self) -> None:
        # config() registers all hyperparameters without building a model.
        hp = self.oracle.get_space()
        self.hypermodel.config(hp)
        self.oracle.update_space(hp)

    def on_trial_begin(self, trial: Trial) -> None:
        """Update the display."""
        self._show()

    def on_trial_end(self, trial: Trial) -> None:
        """Finish a trial and update the display."""
        pruned = trial.status == TrialStatus.STOPPED
        self.oracle.end_trial(trial)
        self.display.say(_line(trial, self.oracle.objective.name, pruned))
        self._show()

    def _show(self) -> None:
        if self.display.follows:
            study, plans = self.oracle.study, self.oracle.study.plans()
            best = ((index, one.values[0], one.params) for index, one in ranked(plans, study))
            self.display.update(count(plans, study.trials), next(best, None))

    def _try_run_and_update_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        try:
            self.run_trial(trial, *args, **kwargs)  # it reports every epoch to the oracle
            if trial.status != TrialStatus.STOPPED:
                trial.status = TrialStatus.COMPLETED
        except SearchError:
            raise
        # Of these hyperparameters; any other error ends the search.
        except (ConfigError, TrainingError) as error:
            # The rest of the message is advice on a training, not on a search.
            trial.status, trial.message = TrialStatus.INVALID, str(error).partition(" Try ")[0]

    def run_trial(
        self, trial: Trial, *, callbacks: Sequence[keras.callbacks.Callback] = (), **options: Any
    ) -> None:
        """Build and fit once per repetition, and measure the costs of the model."""

        def report(epoch: int, logs: Mapping[str, Any]) -> None:
            numbers = kept({name: float(value) for name, value in logs.items()}, decisive)
            known = self.oracle.update_trial(trial.trial_id, numbers, step=epoch)
            if known.status == TrialStatus.STOPPED:
                watcher.model.stop_training = True

        decisive = self.hypermodel.base.training.early_stopping.decisive
        watcher = keras.callbacks.LambdaCallback(on_epoch_end=report)
        of = self.hypermodel.repetitions
        for repetition in range(of):
            which = f", training {repetition + 1} of {of}" if of > 1 else ""
            self.display.begin(f"trial {trial.trial_id}{which}")
            with releasing():  # else the graph of every trial stays in memory
                model = self.hypermodel.build(trial.hyperparameters, repetition)
                if repetition == 0 and self.oracle.costs:  # before the training, which may diverge
                    costs = {one.name: cost_of(one.name, model) for one in self.oracle.costs}
                    self.oracle.update_trial(trial.trial_id, costs)
                self.hypermodel.fit(
                    trial.hyperparameters,
                    model,
                    callbacks=[*callbacks, watcher],
                    repetition=repetition,
                    **options,
                )
                del model
            if trial.status == TrialStatus.STOPPED:
                return


def cost_of(name: str, model: keras.Model) -> float:
    """Return a cost of a model.

    ``parameters`` is the number of trainable ones; ``latency`` is the median time to predict a
    batch of 256 images on this machine, in milliseconds.
    """
    if name == "parameters":
        return float(cost.parameters(model))
    images = np.zeros((BATCH, *model.input_shape[1:]), "float32")
    return cost.latency(model, images, _CALLS)


def _line(trial: Trial, objective: str, pruned: bool) -> str:
    if trial.score is None:
        return f"trial {trial.trial_id}: no score. {trial.message or 'It is not a finite number.'}"
    # A history entry has the values of one epoch in all executions.
    epochs = sum(len(one.value) for one in trial.metrics.get_history(objective))
    reached = f"{percent(trial.score)} after {counted(epochs, 'epoch')}"
    return f"trial {trial.trial_id}: {'pruned, ' if pruned else ''}{reached}"
