"""What stands in for a run and a display where ``fit`` is tested alone."""

import keras

from fashion_zoo import recipe
from fashion_zoo.data import class_counts, load
from fashion_zoo.training.fit import build_model, fit
from fashion_zoo.training.plan import plan


class Capture(keras.callbacks.Callback):
    """Keep the rows in memory, where a run would write them."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(dict(logs))


class Silent:
    enabled = False

    def start(self, *_):
        pass

    advance = finish_epoch = stop = start


def fit_recipe(name, config):
    """Train a recipe's model without a run; return the model and a row of logs an epoch."""
    dataset, capture = load(config.data), Capture()
    planned = plan(config, class_counts(dataset))
    model = build_model(recipe(name), config.model, planned)
    fit(model, planned, dataset, [capture], Silent())
    return model, capture.rows
