"""From what names a data set, or is one, to its value."""

from fashion_zoo.config import DataConfig
from fashion_zoo.data.dataset import Dataset
from fashion_zoo.data.sources import WORDS
from fashion_zoo.language.arguments import AnyPath, checked


@checked
def load(
    data: DataConfig | str = "fashion_mnist",
    *,
    folder: AnyPath | None = None,
    limit: int | None = None,
) -> Dataset:
    """Return a data set. Its images are read, and verified, when they are first asked for.

    Args:
        data: the name of a data set, or a whole config.
        folder: where its files are; by default those that come with the package.
        limit: train on a stratified slice of this many images only.

    Raises:
        ConfigError: an unknown name, or a limit that there are no images for.

    Example:
        ```python
        data = fashion_zoo.data.load()
        model.fit(*data.train, validation_data=data.validation)
        ```
    """
    if isinstance(data, str):
        data = DataConfig(data, folder, limit)
    return WORDS.parse(data.dataset)(data)
