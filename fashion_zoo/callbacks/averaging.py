"""The callback that averages weights, measures the average, and keeps the better weights."""

import bisect
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from fashion_zoo import optimizers
from fashion_zoo.averaging import Averaging
from fashion_zoo.callbacks.stopping import Stateful
from fashion_zoo.layers import as_array, renew_statistics


def kept(logs: Mapping[str, float], monitor: str) -> dict[str, float]:
    """Return the logs of an epoch with the validation metrics of the weights it would keep."""
    averaged = {
        name.removeprefix("averaged_"): value
        for name, value in logs.items()
        if name.startswith("averaged_val_")
    }
    better = averaged and _value(averaged, f"val_{monitor}") > _value(logs, f"val_{monitor}")
    return {**logs, **(averaged if better else {})}


def _value(metrics: Mapping[str, float], name: str) -> float:
    """Return a metric so that larger is better."""
    return float(metrics[name]) * (-1 if name.endswith("loss") else 1)


class AverageWeights(Stateful, keras.callbacks.Callback):
    """Average the weights of a training, and keep the average if validation prefers it.

    The training itself goes on with its own weights, as if there were no average. After each epoch
    the averaged weights are measured on the validation images and logged as ``averaged_val_NAME``;
    until there is an average, those are the figures of the weights themselves. When training ends,
    both are measured once more, and the better ones by ``monitor`` are kept; of equals, the
    training's own.

    The statistics of batch normalization are not averaged but computed anew for the averaged
    weights, as a mean over training batches (Izmailov et al. 2018, arXiv:1803.05407, section 3.2):
    those of other weights do not fit, whatever their average.

    List it after an ``EarlyStopping`` that restores the best weights.

    Args:
        averaging: what is averaged. An exponential average is made by the optimizer; see
            ``average_decay`` of ``fashion_zoo.optimizers.build_optimizer``.
        batches: returns the images of some training batches, given an epoch counted from 0.
        score: returns the validation metrics of the model, without ``val_``.
        monitor: the metric that decides; a loss must be small.
        keeps_best: whether the average of the best epoch is kept, not that of the last one; for
            early stopping.
    """

    saved = ("epochs", "count", "arrays", "scores", "seen", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        averaging: Averaging,
        batches: Callable[[int], Iterable[Any]],
        score: Callable[[], Mapping[str, float]],
        *,
        monitor: str = "accuracy",
        keeps_best: bool = False,
    ):
        super().__init__()
        self.averaging = averaging
        self.batches = batches
        self.score = score
        self.monitor = monitor
        self.keeps_best = keeps_best
        self.result: dict[str, Any] | None = None
        """What training ended with: which weights were kept, and both validation metrics."""
        self._reset()

    def _reset(self) -> None:
        self.result = None
        self.epochs = self.count = self.best_epoch = 0
        self.arrays: list[np.ndarray] = []  # the mean, or the weights of the best epochs in a row
        self.scores: list[float] = []
        self.seen: dict[str, float] = {}
        self.best: float | None = None
        self.best_weights: list[np.ndarray] | None = None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore ``state()``; a ValueError if its weights are of another model."""
        model = [*map(np.shape, self.model.get_weights())]
        trained = [tuple(one.shape) for one in self.model.trainable_variables]
        kept = [*map(np.shape, state["arrays"])]
        of = max(len(state["scores"]), 1) if kept else 0
        known = state["best_weights"]
        if kept != of * trained or (known is not None and [*map(np.shape, known)] != model):
            raise ValueError("its averaged weights are another model's")
        super().restore(state)

    def on_train_begin(self, logs=None):
        self._reset()

    @property
    def of_epochs(self) -> bool:
        """Whether the average that is kept changes only when an epoch ends."""
        return self.keeps_best or self.averaging.decay is None

    def on_epoch_end(self, epoch, logs=None):
        self.epochs = epoch + 1
        if self._collect(logs):
            with self._restored():
                self._assign()
                self.seen = {name: float(value) for name, value in self.score().items()}
                self._keep_best()
        own = {name: value for name, value in logs.items() if name.startswith("val_")}
        measured = {f"val_{name}": value for name, value in self.seen.items()} or own
        logs.update({f"averaged_{name}": value for name, value in measured.items()})

    def on_train_end(self, logs=None):
        if not self.seen:  # training ended before there was an average
            return
        own = self.score()
        with self._restored() as keep:
            if self.keeps_best:
                self.model.set_weights(self.best_weights)
            else:
                self._assign()
            averaged = self.score()
            better = _value(averaged, self.monitor) > _value(own, self.monitor)
            keep.append(better)
        self.result = {
            "kept": "averaged" if better else "raw",
            "epoch": self.best_epoch if self.keeps_best else self.epochs,
            "monitor": self.monitor,
            # float32: six digits are more than it has of a fraction of images
            "raw": round(float(own[self.monitor]), 6),
            "averaged": round(float(averaged[self.monitor]), 6),
        }

    def _keep_best(self) -> None:
        value = _value(self.seen, self.monitor)
        if self.keeps_best and (self.best is None or value > self.best):
            self.best, self.best_epoch = value, self.epochs
            self.best_weights = self.model.get_weights()

    def _collect(self, logs: Mapping[str, float]) -> bool:
        """Add the weights of the epoch that ended; return whether the average changed."""
        chosen = self.averaging
        if chosen.decay is not None:
            return True
        if chosen.best is not None:
            value = _value(logs, f"val_{self.monitor}")
            place = bisect.bisect_right([-one for one in self.scores], -value)
            if place < chosen.best:
                weights = self._weights()
                self.scores.insert(place, value)
                self.arrays[place * len(weights) : place * len(weights)] = weights
                del self.scores[chosen.best :], self.arrays[chosen.best * len(weights) :]
            return place < chosen.best
        # The last epoch always counts.
        if chosen.begin is None or self.epochs <= chosen.begin * self.params["epochs"] + 1e-9:
            return False
        self.count += 1
        weights = self._weights()
        means = self.arrays or weights
        self.arrays = [
            mean + (one - mean) / self.count for mean, one in zip(means, weights, strict=True)
        ]
        return True

    def _weights(self) -> list[np.ndarray]:
        # A copy: on some backends the array is the memory of the variable.
        return [np.array(as_array(one)) for one in self.model.trainable_variables]

    def _assign(self) -> None:
        """Give the model the averaged weights and the statistics that belong to them."""
        variables = self.model.trainable_variables
        if self.averaging.decay is not None:
            average = optimizers.averaged(self.model.optimizer)
        else:
            # Several in a row of the same variable; of a mean, one.
            every = len(variables)
            average = [
                np.mean(self.arrays[place::every], axis=0, dtype="float32")
                for place in range(every)
            ]
        for variable, array in zip(variables, average, strict=True):
            variable.assign(array)
        self._normalize()

    def _normalize(self) -> None:
        renew_statistics(self.model, self.batches(max(self.epochs - 1, 0)))

    @contextlib.contextmanager
    def _restored(self) -> Iterator[list[bool]]:
        """Restore the variables afterwards: all, or if the list ends with True the state alone.

        The state is that of the seed generators, which are no weights.
        """
        variables = self.model.variables  # includes the seed generators, unlike the weights
        before = [np.array(as_array(one)) for one in variables]
        keep: list[bool] = []
        try:
            yield keep
        finally:
            weights = {id(one) for one in self.model.weights} if any(keep) else set()
            for variable, array in zip(variables, before, strict=True):
                if id(variable) not in weights:
                    variable.assign(array)
