"""Draw schedules and augmentation policies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import checks, policies, schedules

ROWS = 4  # results of a policy, one below the other


def plot_schedules(expressions: Sequence[str], to: str | Path) -> None:
    """Draw schedules side by side into a picture file.

    Args:
        expressions: what ``schedules.get`` reads; all of the vocabulary with its defaults when
            there are none.
        to: the file, PNG or what else matplotlib writes.

    Raises:
        ConfigError: an expression cannot be read, or the file's ending is not a picture's.
        StorageError: the file cannot be written.
    """
    from fashion_zoo.show import figures, plots

    if not expressions:
        plain = [name for name in schedules.SCHEDULES if name != "join"]
        expressions = [*plain, "warmup >> cosine", "join([constant, linear], [0.5])"]
    drawn = {text: schedules.get(text) for text in expressions}
    factors = {
        text: [schedule(step / 1000) for step in range(1001)] for text, schedule in drawn.items()
    }
    figures.save(to, lambda: plots.schedules(factors))


def plot_augmentation(policy: str, to: str | Path, *, seed: int = 0, images: int = 10) -> None:
    """Draw training images, and below them what a policy makes of them at four steps.

    Args:
        policy: what ``policies.parse`` reads, such as ``"flip | shift(2)"``.
        to: the file, PNG or what else matplotlib writes.
        seed: key of the augmentation.
        images: how many, one of each class in turn; 1 to 100.

    Raises:
        ConfigError: the policy cannot be read, a number is out of range, the file's ending is not
            a picture's, or the backend is not tensorflow.
        DataError: a data file is damaged.
        StorageError: the file cannot be written.
    """
    checks.whole("images", images, 1, 100)
    checks.whole("seed", seed, 0)
    operations = policies.parse(policy)  # before tensorflow, which takes its time to import

    import numpy as np

    from fashion_zoo.data.pipeline import need_tensorflow
    from fashion_zoo.show import figures, plots

    figures.check_ending(to)
    need_tensorflow()
    from fashion_zoo.augment import Augmenter
    from fashion_zoo.config import DataConfig
    from fashion_zoo.data import CLASS_NAMES, load_split
    from fashion_zoo.data.batches import encode

    train = load_split(DataConfig()).train
    classes = len(CLASS_NAMES)
    chosen = [
        np.flatnonzero(train.labels == number % classes)[number // classes]
        for number in range(images)
    ]
    labels = encode(train.labels[chosen], classes, 0.0)
    augmenter = Augmenter(operations, seed)
    rows: list[Any] = [(train.images[chosen], _texts(labels, CLASS_NAMES))]
    for step in range(ROWS):
        changed, mixed = augmenter(train.images[chosen], labels, 0, step)
        texts = _texts(np.asarray(mixed), CLASS_NAMES) if policies.mixes(operations) else None
        rows.append((np.asarray(changed), texts))
    figures.save(to, lambda: plots.pictures(rows, policy))


def _texts(labels, names: Sequence[str]) -> list[str]:
    """Return the classes of each row, the largest first, with their shares where there are two."""
    texts = []
    for row in labels:
        present = [number for number in row.argsort()[::-1] if row[number] >= 0.005]
        shares = [f" {row[number]:.2f}" if len(present) > 1 else "" for number in present]
        texts.append("\n".join(f"{names[n]}{s}" for n, s in zip(present, shares, strict=True)))
    return texts
