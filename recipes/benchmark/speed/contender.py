"""One training that waits for its turns; a program of its own, run by ``turns``.

It trains an epoch for each line on its standard input, the first one without being asked, and
answers each with a line of JSON: seconds of training, the mean loss, and the most memory so far.
"""

import json
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from fashion_zoo import registry
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Images, load
from fashion_zoo.data.batches import steps_per_epoch
from fashion_zoo.machine.precision import choose
from fashion_zoo.optimizers import TabulatedSchedule
from fashion_zoo.schedules import get, tabulate
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import build_model
from fashion_zoo.training.fitting import FollowPipeline, fit, prepare

Answer = Callable[[float, float], None]


class Paced(keras.callbacks.Callback):
    """Train an epoch a turn, and answer with its seconds, validation aside."""

    def __init__(self, answer: Answer):
        super().__init__()
        self.answer = answer

    def on_epoch_begin(self, epoch, logs=None):
        """Wait for the turn."""
        if epoch:
            wait()
        self.seconds, self.start = None, time.perf_counter()

    def on_test_begin(self, logs=None):
        """Stop the clock before validation."""
        self.seconds = time.perf_counter() - self.start

    def on_epoch_end(self, epoch, logs=None):
        """Answer."""
        self.answer(self.seconds or time.perf_counter() - self.start, logs["loss"])


def wait() -> None:
    """Wait for a line; without one, the one who asks is gone."""
    if not sys.stdin.readline():
        sys.exit()


def ours(config: RunConfig, answer: Answer, without: str) -> None:
    """Train as ``python -m recipes.train`` does; or, for its shares, without a part of it."""
    dataset, model = load(config.data), build_model(registry.recipe("bn_mlp"), config)
    if not without:
        fit(model, config, dataset, [Paced(answer)], TrainingDisplay(enabled=False))
        return
    pipeline = prepare(model, config, dataset)
    batches = pipeline.batches
    if without == "iterator":
        batches = batches.take(1).cache().repeat(pipeline.steps)
    if without == "metric":
        model.compile(model.optimizer, model.loss, steps_per_execution=model.steps_per_execution)
    watchers = [FollowPipeline(pipeline), Paced(answer)]
    model.fit(batches, epochs=config.training.epochs, shuffle=False, verbose=0, callbacks=watchers)


def stock(config: RunConfig, answer: Answer, without: str) -> None:
    """Train the same net, of Keras's own parts, with ``fit(x, y)``."""
    dtype, train = choose(config.precision).policy, load(config.data).train
    layers = keras.layers
    x = inputs = keras.Input((28, 28))
    x = layers.Rescaling(1 / 255, dtype=dtype)(x)
    x = layers.Flatten(dtype=dtype)(x)
    for units, rate in zip(config.model.hidden_units, config.model.dropout_rates, strict=True):
        x = layers.Dense(units, use_bias=False, kernel_initializer="he_normal", dtype=dtype)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)(x)
        x = layers.Activation("relu", dtype=dtype)(x)
        x = layers.Dropout(rate, dtype=dtype)(x)
    logits = layers.Dense(10, kernel_initializer="he_normal", dtype="float32")(x)
    model = keras.Model(inputs, logits)
    model.compile(
        keras.optimizers.Adam(TabulatedSchedule(rates(config, train))),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    batch = config.training.batch_size
    counted = steps_per_epoch(len(train.labels), batch) * batch  # as many as the others train on
    model.fit(
        train.images[:counted],
        train.labels[:counted],
        batch_size=batch,
        epochs=config.training.epochs,
        verbose=0,
        callbacks=[Paced(answer)],
    )


def torch_loop(config: RunConfig, answer: Answer, without: str) -> None:
    """Train the same net in a plain PyTorch loop over slices of tensors."""
    import torch
    from torch.nn import functional

    train, batch = load(config.data).train, config.training.batch_size
    images = torch.from_numpy(train.images).reshape(len(train.labels), -1)
    labels = torch.from_numpy(train.labels.astype("int64"))
    torch.manual_seed(0)
    net, units = torch.nn.Sequential(), images.shape[1]
    for wide, rate in zip(config.model.hidden_units, config.model.dropout_rates, strict=True):
        net.extend(
            [
                torch.nn.Linear(units, wide, bias=False),
                torch.nn.BatchNorm1d(wide),
                torch.nn.ReLU(),
                torch.nn.Dropout(rate),
            ]
        )
        units = wide
    net.append(torch.nn.Linear(units, 10))
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight)
    optimizer = torch.optim.Adam(net.parameters(), lr=1.0, eps=1e-7, fused=True)
    table, half = rates(config, train), choose(config.precision).policy != "float32"
    steps = steps_per_epoch(len(labels), batch)
    for epoch in range(config.training.epochs):
        if epoch:
            wait()
        start, total, correct = time.perf_counter(), torch.zeros(()), torch.zeros(())
        order = torch.randperm(len(labels))
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            x, y = images[rows].float() / 255, labels[rows]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                logits = net(x)
            loss = functional.cross_entropy(logits.float(), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.param_groups[0]["lr"] = table[epoch * steps + step]
            optimizer.step()
            total += loss.detach()
            correct += (logits.argmax(1) == y).sum()
        answer(time.perf_counter() - start, float(total) / steps)


def rates(config: RunConfig, train: Images) -> list[float]:
    """Return the learning rate of each step."""
    training = config.training
    steps = steps_per_epoch(len(train.labels), training.batch_size) * training.epochs
    return tabulate(get(training.schedules.learning_rate), training.learning_rate, steps)


def peak_megabytes(status: Path = Path("/proc/self/status")) -> float:
    """Return the most memory that this process had, in MB."""
    if status.is_file():  # Linux, where getrusage would count what the parent had
        (line,) = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


CONTENDERS = {"fashion_zoo": ours, "keras": stock, "torch": torch_loop}


def main(settings: dict[str, Any]) -> None:
    """Train what the settings say: contender, changes of bn_mlp's config, and without what."""
    stream, sys.stdout = sys.stdout, sys.stderr  # nothing but answers on the one

    def answer(seconds: float, loss: float) -> None:
        found = {"seconds": seconds, "loss": float(loss), "megabytes": peak_megabytes()}
        print(json.dumps(found), file=stream, flush=True)

    # Keras draws the seeds of its layers from Python's generator. TensorFlow's global seed stays
    # unset: with it, fit would shuffle every epoch into the same order.
    random.seed(0)
    config = override(registry.recipe("bn_mlp").config, settings["changes"])
    CONTENDERS[settings["contender"]](config, answer, settings["without"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
