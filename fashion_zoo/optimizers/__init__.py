"""Optimizers: ``WORDS``, one per file, and the Keras classes and functions that they use."""

import lazy_loader as _lazy_loader

__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)
