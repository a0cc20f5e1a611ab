"""Draw schedules and augmentation policies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fashion_zoo import policies, schedules
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.seeds import derive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 4  # results of a policy, one below the other
_BATCH = 256  # images that are augmented together


@checked
def plot_schedules(
    expressions: str | Sequence[str] = (),
    to: Place | None = None,
    *,
    overlay: bool = False,
    force: bool = False,
) -> "Figure":
    """Draw schedules, side by side or over each other.

    Args:
        expressions: what ``schedules.get`` reads, one or several; all of the vocabulary with its
            defaults when there are none.
        to: a file, PNG or what else matplotlib writes; by default there is none.
        overlay: whether all are drawn on the same axes, to be compared.
        force: replace a file there that is no picture of this package.

    Returns:
        The figure, which a notebook shows.

    Raises:
        ConfigError: an expression cannot be read, or the file's ending is not a picture's.
        StorageError: something else is there, or the file cannot be written.
    """
    from fashion_zoo.show import figures, plots

    if to is not None:
        figures.check_place(to, force=force)
    if not expressions:
        plain = [name for name in schedules.SCHEDULES if name != "join"]
        expressions = [*plain, "warmup >> cosine", "join([constant, linear], [0.5])"]
    expressions = [expressions] if isinstance(expressions, str) else expressions
    drawn = {text: schedules.get(text) for text in expressions}
    factors = {
        text: [schedule(step / 1000) for step in range(1001)] for text, schedule in drawn.items()
    }
    return figures.shown(lambda: plots.schedules(factors, overlay=overlay), to)


@checked
def plot_augmentation(
    policy: str,
    to: Place | None = None,
    *,
    seed: int = 0,
    images: int = 10,
    force: bool = False,
) -> "Figure":
    """Draw training images, and below them what a policy makes of them at four steps.

    Args:
        policy: what ``policies.parse`` reads, such as ``"flip | shift(2)"``.
        to: a file, PNG or what else matplotlib writes; by default there is none.
        seed: key of the augmentation.
        images: how many, one of each class in turn; 1 to 100.
        force: replace a file there that is no picture of this package.

    Returns:
        The figure, which a notebook shows.

    Raises:
        ConfigError: the policy cannot be read, a number is out of range, the file's ending is not
            a picture's, or the backend is not tensorflow.
        DataError: a data file is damaged.
        StorageError: something else is there, or the file cannot be written.
    """
    checks.whole("images", images, 1, 100)
    checks.whole("seed", seed, 0)
    operations = policies.parse(policy)  # before tensorflow, which takes its time to import

    import numpy as np

    from fashion_zoo.data.pipeline import need_tensorflow
    from fashion_zoo.show import figures, plots

    if to is not None:
        figures.check_place(to, force=force)
    need_tensorflow()
    from fashion_zoo.augment import Augmenter
    from fashion_zoo.data import load
    from fashion_zoo.data.batches import encode

    data = load()
    train, names = data.train, data.class_names
    classes = len(names)
    chosen = np.array(
        [
            np.flatnonzero(train.labels == number % classes)[number // classes]
            for number in range(images)
        ]
    )
    augmenter = Augmenter(operations, seed)
    plain = encode(train.labels[chosen], classes, 0.0)
    rows: list[Any] = [(train.images[chosen], _texts(plain, names))]
    for step in range(ROWS):
        # As in a training, they are part of a batch in random order: a partner is any image.
        batch, place = _batch(chosen, len(train.labels), seed, step)
        labels = encode(train.labels[batch], classes, 0.0)
        changed, mixed = (
            np.asarray(one) for one in augmenter(train.images[batch], labels, 0, step)
        )
        texts = _texts(mixed[place], names) if policies.mixes(operations) else None
        rows.append((changed[place], texts))
    labels = ["training\nimage", *(f"step {step + 1}" for step in range(ROWS))]
    caption = f"{data.origin.dataset}, {counted(images, 'training image')}; seed {seed}."
    spelled = policies.POLICIES.get(policy)
    title = f"{policy}: {spelled}" if spelled else policy
    return figures.shown(lambda: plots.pictures(rows, title, labels=labels, caption=caption), to)


def _batch(chosen, count: int, seed: int, step: int):
    """Return a batch in random order with these images in it, and where in it they are."""
    import numpy as np

    generator = np.random.default_rng(derive(seed, "partners", step))
    others = np.setdiff1d(generator.choice(count, _BATCH, replace=False), chosen)
    order = generator.permutation(len(chosen) + len(others))
    return np.concatenate([chosen, others])[order], np.argsort(order)[: len(chosen)]


def _texts(labels, names: Sequence[str]) -> list[str]:
    """Return the classes of each row, the largest first, with their shares where there are two."""
    texts = []
    for row in labels:
        present = [number for number in row.argsort()[::-1] if row[number] >= 0.005]
        shares = [f" {100 * row[number]:.0f} %" if len(present) > 1 else "" for number in present]
        texts.append("\n".join(f"{names[n]}{s}" for n, s in zip(present, shares, strict=True)))
    return texts
