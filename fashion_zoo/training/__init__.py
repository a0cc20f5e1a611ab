"""Training: build and compile a recipe, fit it, keep everything in a run folder."""

import lazy_loader as _lazy_loader

__getattr__, __dir__, __all__ = _lazy_loader.attach_stub(__name__, __file__)
