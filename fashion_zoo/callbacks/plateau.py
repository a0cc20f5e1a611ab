"""The callback that lowers the learning rate by feedback."""

import keras

from fashion_zoo import optimizers
from fashion_zoo.callbacks.stopping import Stateful
from fashion_zoo.config import PlateauConfig
from fashion_zoo.errors import ConfigError


class ReduceOnPlateau(Stateful, keras.callbacks.Callback):
    """Lower the learning rate whenever a validation metric no longer improves.

    After each ``patience`` epochs in a row that did not improve on the best by more than
    ``min_delta``,

        scale = max(scale * factor, lowest)

    which multiplies the scheduled learning rate from the next epoch on. ``scale`` starts at 1. Its
    variable is one of the optimizer, which ``build_optimizer`` makes with ``adjustable``;
    ``keras.callbacks.ReduceLROnPlateau`` assigns the rate itself, which a schedule forbids.

    Args:
        settings: the metric, whose name in the logs begins with ``val_``, and the numbers.

    Raises:
        ConfigError: if ``fit`` does not log the metric.
    """

    saved = ("scale", "best", "wait")

    def __init__(self, settings: PlateauConfig):
        super().__init__()
        self.settings = settings
        self.scale, self.wait = 1.0, 0
        self.best: float | None = None

    def on_train_begin(self, logs=None):
        self.scale, self.wait, self.best = 1.0, 0, None

    def on_epoch_begin(self, epoch, logs=None):
        optimizers.set_rate_factor(self.model.optimizer, self.scale)

    def on_epoch_end(self, epoch, logs=None):
        chosen, name = self.settings, f"val_{self.settings.monitor}"
        if name not in logs:
            raise ConfigError(f"ReduceOnPlateau needs {name}, which is not in the logs.")
        now = float(logs[name])
        sign = -1 if chosen.monitor == "loss" else 1
        if self.best is None or sign * (now - self.best) > chosen.min_delta:
            self.best, self.wait = now, 0
            return
        self.wait += 1
        if self.wait >= chosen.patience:
            self.scale, self.wait = max(self.scale * chosen.factor, chosen.lowest), 0
