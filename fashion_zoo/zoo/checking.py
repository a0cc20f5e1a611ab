"""What a config asks of the data, checked before keras is loaded, which takes seconds."""

from fashion_zoo.config import RunConfig
from fashion_zoo.data import CLASS_NAMES, check_shape, check_sizes, load_split, training_count
from fashion_zoo.data.sources import IMAGE_SHAPE
from fashion_zoo.errors import ConfigError


def check_data(config: RunConfig, *, batches: bool = True) -> None:
    """Check that the model fits the data, and that files of the user's own can be read.

    A family of models without ``num_classes`` or ``input_shape`` is checked when it is built.

    Args:
        config: the config.
        batches: whether its batch size is what is trained with; a search has its own.

    Raises:
        ConfigError: the model has another input or other classes, or there are fewer images than
            the limit or a batch asks for.
        DataError: a file in a folder of the user's own is missing, damaged or not the published
            one.
    """
    check_sizes(config) if batches else training_count(config.data)
    classes = getattr(config.model, "num_classes", None)
    if classes not in (None, len(CLASS_NAMES)):
        raise ConfigError(
            f"model.num_classes is {classes}, but the data has {len(CLASS_NAMES)} classes."
        )
    if (shape := getattr(config.model, "input_shape", None)) is not None:
        check_shape(shape, IMAGE_SHAPE)
    if config.data.folder is not None:
        load_split(config.data)
