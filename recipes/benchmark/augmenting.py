"""Speed of augmentation: this package's pipeline against stock Keras layers."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from fashion_zoo import registry
from fashion_zoo.augment.policies import POLICIES, Policy, mixes, parse
from fashion_zoo.config.overrides import override
from fashion_zoo.data import Images, load
from fashion_zoo.data.pipeline import Pipeline, training_pipeline
from fashion_zoo.experiments.experiment import Row
from recipes.benchmark.slices import interleave, ratios
from recipes.benchmark.speed import figure

BATCH = 512
FEW = {"elastic": 8, "standard": 50, "strong": 25}  # batches of a slice, if not those of an epoch
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


def policies() -> list[str]:
    """Return what is compared: every operation with such a layer, and the named policies."""
    return [*STOCK, *(name for name in POLICIES if name != "none")]


def augmentation_rows(text: str, rounds: int, changes: Mapping[str, Any]) -> Iterator[Row]:
    """Read an epoch of a policy per slice, from this package's pipeline and from the stock one."""
    config = override(registry.recipe("bn_mlp").config, changes)
    train, policy = load(config.data).train, parse(text)
    if batches := FEW.get(text):
        train = Images(*(array[: batches * BATCH] for array in train))
    ours = _pipeline(train, policy)
    stock = _stock(train, policy)
    contenders = {
        "fashion_zoo": lambda: _read(ours.batches) / len(ours.batches),
        "keras": lambda: _read(stock) / len(ours.batches),
    }
    for contender in contenders.values():  # to warm up
        contender()
    timed = interleave(contenders, rounds)
    row = functools.partial(figure, "augmentation", f"batch {BATCH}", text)
    for name, own in timed.items():
        yield row(name, [BATCH / one.seconds for one in own], "images/s", own)
    yield row("keras against it", ratios(timed["keras"], timed["fashion_zoo"]), "ratio")


def _pipeline(train: Images, policy: Policy, smoothing: float = 0.0) -> Pipeline:
    return training_pipeline(
        train,
        batch_size=BATCH,
        seed=0,
        num_classes=10,
        soft_labels=mixes(policy) or smoothing > 0,
        policy=policy,
        label_smoothing=smoothing,
    )


def _stock(train: Images, policy: Policy):
    """Return the batches of a pipeline whose augmentation is Keras layers."""
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

    # Layers that mix take labels as probabilities, which smoothing makes.
    plain = _pipeline(train, (), smoothing=1e-9 if mixes(policy) else 0.0)
    return plain.batches.map(change, num_parallel_calls=2).prefetch(4)


def _read(batches) -> float:
    """Return the seconds of an epoch."""
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start
