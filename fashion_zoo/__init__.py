"""fashion_zoo: multilayer-perceptron recipes for small images, with numbers you can check."""

import lazy_loader as _lazy_loader

from fashion_zoo.machine import serialization as _serialization

__version__ = "0.2.0"

# The public names stand in __init__.pyi. Each is imported when it is first used, so that
# ``import fashion_zoo`` loads neither keras nor tensorflow.
__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)

# What loads keras is no part of a star import.
_HEAVY = {"augment", "callbacks", "layers", "optimizers", "tuning"}
__all__ = [name for name in __all__ if name not in _HEAVY]

_serialization.register_with_keras()
