"""Pictures of augmented images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_zoo.augment import policies
from fashion_zoo.data.dataset import Dataset
from fashion_zoo.data.loading import load
from fashion_zoo.data.pipeline import need_tensorflow
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.seeds import derive
from fashion_zoo.show import figures, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 4  # results of a policy, one below the other
_BATCH = 256  # images that are augmented together


@checked
def plot_augmentation(
    policy: str,
    to: Place | None = None,
    *,
    seed: int = 0,
    images: int = 10,
    force: bool = False,
    data: Any = None,
) -> "Figure":
    """Draw training images, and below them the results of a policy at four steps.

    Args:
        policy: an augmentation policy, such as ``"flip | shift(2)"``.
        to: a picture file in a format of matplotlib, such as PNG; by default none is written.
        seed: key of the augmentation.
        images: number of images, one of each class in turn; 1 to 100.
        force: replace a file that this package has not drawn.
        data: the images, by default Fashion-MNIST; see ``fashion_zoo.data.load``.

    Returns:
        The figure, which a notebook shows.

    Raises:
        ConfigError: if an argument is not allowed, or the backend is not tensorflow.
        StorageError: if another file is there, or the file cannot be written.
    """
    checks.whole("images", images, 1, 100)
    checks.whole("seed", seed, 0)
    operations = policies.parse(policy)  # before tensorflow is loaded

    figures.check_place(to, force=force)
    need_tensorflow()
    dataset = load(data)
    policies.check_size(operations, dataset.image_shape)
    rows = _rows(operations, dataset, images, seed)
    titles = ["training\nimage", *(f"step {step + 1}" for step in range(ROWS))]
    caption = f"{dataset.origin.title}, {counted(images, 'training image')}; seed {seed}."
    spelled = policies.POLICIES.get(policy)
    title = f"{policy}: {spelled}" if spelled else policy
    return figures.shown(lambda: plots.pictures(rows, title, labels=titles, caption=caption), to)


def _rows(operations: policies.Policy, dataset: Dataset, count: int, seed: int) -> list[Any]:
    """Return training images with their classes, and the results of a policy at each step."""
    from fashion_zoo.augment import Augmenter  # it loads tensorflow

    (images, labels), names = dataset.train, dataset.class_names
    classes = len(names)
    one_hot = np.eye(classes, dtype=np.float32)
    each = [np.flatnonzero(labels == label) for label in range(classes)]
    # Again from the first where a class has too few.
    places = ((each[number % classes], number // classes) for number in range(count))
    chosen = np.array([members[place % len(members)] for members, place in places])
    augmenter = Augmenter(operations, seed)
    rows: list[Any] = [(images[chosen], _texts(one_hot[labels[chosen]], names))]
    for step in range(ROWS):
        # As in a training, a batch has a random order, and an image is mixed with any other.
        batch, place = _batch(chosen, len(labels), seed, step)
        results = augmenter(images[batch], one_hot[labels[batch]], 0, step)
        changed, mixed = (np.asarray(one) for one in results)
        texts = _texts(mixed[place], names) if policies.mixes(operations) else None
        rows.append((changed[place], texts))
    return rows


def _batch(chosen, count: int, seed: int, step: int):
    """Return a batch in random order that has the chosen images, and their places in it."""
    generator = np.random.default_rng(derive(seed, "partners", step))
    others = np.setdiff1d(generator.choice(count, min(_BATCH, count), replace=False), chosen)
    order = generator.permutation(len(chosen) + len(others))
    return np.concatenate([chosen, others])[order], np.argsort(order)[: len(chosen)]


def _texts(labels, names: Sequence[str]) -> list[str]:
    """Return the classes of each row, the largest first, with their shares if there are two."""
    texts = []
    for row in labels:
        present = [number for number in row.argsort()[::-1] if row[number] >= 0.005]
        shares = [f" {100 * row[number]:.0f} %" if len(present) > 1 else "" for number in present]
        texts.append("\n".join(f"{names[n]}{s}" for n, s in zip(present, shares, strict=True)))
    return texts
