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
from fashion_zoo.data import load
from fashion_zoo.optimizers import TabulatedSchedule
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training import build_model
from fashion_zoo.training.compile import compile_to_train
from fashion_zoo.training.fit import FollowPipeline, fit, make_pipeline
from fashion_zoo.training.plan import plan

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
    dataset = load(config.data)
    planned = plan(config, dataset.count)
    model = build_model(registry.recipe("bn_mlp"), config.model, planned)
    if not without:
        fit(model, planned, dataset, [Paced(answer)], TrainingDisplay(enabled=False))
        return
    pipeline = make_pipeline(model, planned, dataset)
    compile_to_train(model, planned)
    batches = pipeline.batches
    if without == "iterator":
        batches = batches.take(1).cache().repeat(pipeline.steps)
    if without == "metric":
        model.compile(model.optimizer, model.loss, steps_per_execution=model.steps_per_execution)
    watchers = [FollowPipeline(pipeline, planned), Paced(answer)]
    model.fit(batches, epochs=planned.epochs, shuffle=False, verbose=0, callbacks=watchers)


def stock(config: RunConfig, answer: Answer, without: str) -> None:
    """Train the same net, of Keras's own parts, with ``fit(x, y)``."""
    train = load(config.data).train
    planned = plan(config, len(train.labels))
    dtype = planned.dtype
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
        keras.optimizers.Adam(TabulatedSchedule(planned.tables["learning_rate"])),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    counted = planned.steps * planned.batch_size  # as many as the others train on
    model.fit(
        train.images[:counted],
        train.labels[:counted],
        batch_size=planned.batch_size,
        epochs=planned.epochs,
        verbose=0,
        callbacks=[Paced(answer)],
    )


def torch_loop(config: RunConfig, answer: Answer, without: str) -> None:
    """Train the same net in a plain PyTorch loop over slices of tensors."""
    import torch
    from torch.nn import functional

    train = load(config.data).train
    planned = plan(config, len(train.labels))
    batch, steps, rates = planned.batch_size, planned.steps, planned.tables["learning_rate"]
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
    for epoch in range(planned.epochs):
        if epoch:
            wait()
        start, total, correct = time.perf_counter(), torch.zeros(()), torch.zeros(())
        order = torch.randperm(len(labels))
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            x, y = images[rows].float() / 255, labels[rows]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=planned.dtype != "float32"):
                logits = net(x)
            loss = functional.cross_entropy(logits.float(), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.param_groups[0]["lr"] = float(rates[epoch * steps + step])
            optimizer.step()
            total += loss.detach()
            correct += (logits.argmax(1) == y).sum()
        answer(time.perf_counter() - start, float(total) / steps)


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
