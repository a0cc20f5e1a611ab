"""The families of models, one file each. Importing them registers their recipes."""

from fashion_zoo.models import mlp

__all__ = ["mlp"]
