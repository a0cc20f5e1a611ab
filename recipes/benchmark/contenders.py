"""What ``speed`` compares: trainings in slices, and pipelines with augmentation."""

import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from fashion_zoo import registry
from fashion_zoo.augment.policies import POLICIES, Policy, mixes, parse
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Images, class_counts, load
from fashion_zoo.data.pipeline import training_pipeline
from fashion_zoo.experiments.experiment import Row
from fashion_zoo.optimizers import TabulatedSchedule
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.training.callbacks import epoch_starter
from fashion_zoo.training.fit import build_model, compile_model, fit, make_pipeline
from fashion_zoo.training.plan import Plan, plan
from recipes._processes import mebibytes
from recipes.benchmark.slices import SLICES, interleave, ratios
from recipes.benchmark.speed import figure

BATCH = 512
FEW = {"elastic": 3, "standard": 50, "strong": 25}  # batches of a slice, if not those of an epoch
_BLACK = {"fill_mode": "constant"}
# Operation to a layer that does the same with the same values. The elastic field is made in another
# way, erasing and cutting out draw other rectangles, and noise is for pixels in 0..1; the work is
# the same.
STOCK: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "flip": lambda v: keras.layers.RandomFlip("horizontal"),
    "shift": lambda v: keras.layers.RandomTranslation(*2 * [v["pixels"] / 28], **_BLACK),
    "translate": lambda v: keras.layers.RandomTranslation(*2 * [v["pixels"] / 28], **_BLACK),
    "rotate": lambda v: keras.layers.RandomRotation(v["degrees"] / 360, **_BLACK),
    "zoom": lambda v: keras.layers.RandomZoom(v["amount"], **_BLACK),
    "shear": lambda v: keras.layers.RandomShear(x_factor=v["degrees"] / 90, **_BLACK),
    "elastic": lambda v: keras.layers.RandomElasticTransform(1.0, **_BLACK),
    "erase": lambda v: keras.layers.RandomErasing(v["p"], (v["low"], v["high"]), v["fill"]),
    "cutout": lambda v: keras.layers.RandomErasing(v["p"], 2 * [(v["size"] / 28) ** 2], 0.0),
    "noise": lambda v: keras.layers.GaussianNoise(v["std"]),
    "brightness": lambda v: keras.layers.RandomBrightness(v["amount"]),
    "contrast": lambda v: keras.layers.RandomContrast(v["amount"]),
    "mixup": lambda v: keras.layers.MixUp(v["alpha"]),
    "cutmix": lambda v: keras.layers.CutMix(v["alpha"]),
}


class Sliced(keras.callbacks.Callback):
    """Let a training wait for a request before each slice, and answer with its seconds per step.

    The first slice of an epoch includes the making of its iterator; validation is in none.
    ``pipe`` has the requests and takes the answers.
    """

    def __init__(self, planned: Plan, pipe: Any):
        super().__init__()
        self.steps, self.pipe = planned.steps, pipe
        self.length = max(planned.steps // SLICES, 1)
        self.losses: list[float] = []
        self.seconds: float | None = None

    def on_train_begin(self, logs=None):
        """Count the steps that ``fit`` executes, without a batch callback, which would slow it."""
        execute = self.model.train_function

        def counted(iterator):
            found = execute(iterator)
            self.step(self.model.steps_per_execution)
            return found

        self.model.train_function = counted

    def on_epoch_begin(self, epoch, logs=None):
        """Begin the first slice."""
        self.done = 0
        self.begin()

    def on_epoch_end(self, epoch, logs=None):
        """Keep the loss."""
        self.losses.append(float(logs["loss"]))

    def begin(self) -> None:
        """Answer for the slice before, wait for a request, and start the clock.

        The answer to the last slice of an epoch comes after validation, which would otherwise slow
        the next contender.
        """
        if self.seconds is not None:
            found = {"seconds": self.seconds, "losses": self.losses, "mebibytes": mebibytes()}
            self.pipe.send(found)
        if self.losses:
            self.pipe.recv()  # raises EOFError when the parent process has ended
        self.first, self.start = self.done, time.perf_counter()

    def step(self, count: int = 1) -> None:
        """Count steps, and end the slice where it is long enough; the last one takes the rest."""
        self.done = min(self.done + count, self.steps)
        left, own = self.steps - self.done, self.done - self.first
        if left and (own < self.length or left < self.length):
            return
        if self.losses:
            self.seconds = (time.perf_counter() - self.start) / own
        if left:
            self.begin()


def ours(config: RunConfig, pipe: Any, without: str) -> None:
    """Train as ``python -m recipes.train`` does, or without a part of it."""
    dataset = load(config.data)
    planned = plan(config, class_counts(dataset))
    model = build_model(registry.recipe("bn_mlp"), config.model, planned)
    sliced = Sliced(planned, pipe)
    compile_model(model, planned, steps_per_execution=sliced.length)
    if not without:
        fit(model, planned, dataset, [sliced], TrainingDisplay(enabled=False), compiled=True)
        return
    pipeline = make_pipeline(model, planned, dataset)
    batches = pipeline.batches
    if without == "iterator":
        batches = batches.take(1).cache().repeat(planned.steps)
    if without == "metric":
        model.compile(model.optimizer, model.loss, steps_per_execution=sliced.length)
    callbacks = [epoch_starter(pipeline, planned), sliced]
    model.fit(batches, epochs=planned.epochs, shuffle=False, verbose=0, callbacks=callbacks)


def stock(config: RunConfig, pipe: Any, without: str) -> None:
    """Train the same network, of Keras's own parts, with ``fit(x, y)``."""
    dataset = load(config.data)
    train, planned = dataset.train, plan(config, class_counts(dataset))
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
    counted = planned.steps * planned.batch_size  # as many as the other contenders
    model.fit(
        train.images[:counted],
        train.labels[:counted],
        batch_size=planned.batch_size,
        epochs=planned.epochs,
        verbose=0,
        callbacks=[Sliced(planned, pipe)],
    )


def torch_loop(config: RunConfig, pipe: Any, without: str) -> None:
    """Train the same network in a plain PyTorch loop over slices of tensors."""
    import torch
    from torch import nn

    dataset = load(config.data)
    train, planned = dataset.train, plan(config, class_counts(dataset))
    batch, steps, rates = planned.batch_size, planned.steps, planned.tables["learning_rate"]
    images = torch.from_numpy(train.images).reshape(len(train.labels), -1)
    labels = torch.from_numpy(train.labels.astype("int64"))
    torch.manual_seed(0)
    net, units = nn.Sequential(), images.shape[1]
    for wide, rate in zip(config.model.hidden_units, config.model.dropout_rates, strict=True):
        linear = nn.Linear(units, wide, bias=False)
        net.extend([linear, nn.BatchNorm1d(wide), nn.ReLU(), nn.Dropout(rate)])
        units = wide
    net.append(nn.Linear(units, 10))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    optimizer = torch.optim.Adam(net.parameters(), lr=1.0, eps=1e-7, fused=True)
    sliced = Sliced(planned, pipe)
    for epoch in range(planned.epochs):
        sliced.on_epoch_begin(epoch)
        total, correct = torch.zeros(()), torch.zeros(())
        order = torch.randperm(len(labels))
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            x, y = images[rows].float() / 255, labels[rows]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=planned.dtype != "float32"):
                logits = net(x)
            loss = nn.functional.cross_entropy(logits.float(), y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.param_groups[0]["lr"] = float(rates[epoch * steps + step])
            optimizer.step()
            total += loss.detach()
            correct += (logits.argmax(1) == y).sum()
            sliced.step()
        sliced.on_epoch_end(epoch, {"loss": total / steps})


CONTENDERS = {"fashion_zoo": ours, "keras": stock, "torch": torch_loop}


def main(contender: str, changes: Sequence[Mapping[str, Any]], without: str, pipe: Any) -> None:
    """Train an epoch to warm up, then a slice for each request, and answer it.

    Args:
        contender: fashion_zoo, keras or torch.
        changes: overrides of ``bn_mlp``'s config, one after the other.
        without: empty for the whole training. Otherwise there is no validation and no other
            callback, and it is the part that is left out: ``metric``, ``iterator`` or ``nothing``.
        pipe: see ``_processes.worker``. An answer has the seconds per step, the mean training loss
            of each epoch so far, and the peak memory.
    """
    # Keras draws the seeds of its layers from Python's generator. TensorFlow's global seed stays
    # unset: with it, fit would shuffle every epoch into the same order.
    random.seed(0)
    config = functools.reduce(override, changes, registry.recipe("bn_mlp").config)
    CONTENDERS[contender](config, pipe, without)


def policies() -> list[str]:
    """Return what is compared: every operation with such a layer, and the named policies."""
    return [*STOCK, *(name for name in POLICIES if name != "none")]


def augmentation_rows(text: str, rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Read an epoch of a policy per slice, from this package's pipeline and from the stock one."""
    config = override(registry.recipe("bn_mlp").config, changes)
    train, policy = load(config.data).train, parse(text)
    if batches := FEW.get(text):
        train = Images(*(array[: batches * BATCH] for array in train))
    # Layers that mix take labels as probabilities.
    options: dict[str, Any] = {"batch_size": BATCH, "seed": 0, "num_classes": 10}
    make = functools.partial(training_pipeline, train, soft_labels=mixes(policy), **options)
    ours, plain = make(policy=policy), make()
    stock = plain.batches.map(_stock_layers(policy), num_parallel_calls=2).prefetch(4)

    def read(batches) -> float:
        start = time.perf_counter()
        for _ in batches:
            pass
        return (time.perf_counter() - start) / len(ours.batches)

    contenders = {"fashion_zoo": lambda: read(ours.batches), "keras": lambda: read(stock)}
    for contender in contenders.values():  # to warm up
        contender()
    timed = interleave(contenders, rounds)
    row = functools.partial(figure, "augmentation", f"batch {BATCH}", text)
    for name, own in timed.items():
        yield row(name, [BATCH / one.seconds for one in own], "images/s", own)
    yield row("keras against it", ratios(timed["keras"], timed["fashion_zoo"]), "ratio")


def _stock_layers(policy: Policy) -> Callable[..., Any]:
    """Return a function that changes images and labels with Keras layers."""
    layers = [(operation, STOCK[operation.name](operation.values)) for operation in policy]

    def change(images, labels):
        images = keras.ops.cast(images, "float32")[..., None]
        for operation, layer in layers:
            if operation.mixes:
                mixed = layer({"images": images, "labels": labels}, training=True)
                images, labels = mixed["images"], mixed["labels"]
            else:
                images = layer(images, training=True)
        return images[..., 0], labels

    return change
