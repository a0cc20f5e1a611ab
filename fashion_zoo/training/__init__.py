"""Training: build and compile a recipe, fit it, keep everything in a run folder."""

from fashion_zoo.training.compile import build_model, compile_model, untrained_loss
from fashion_zoo.training.session import train_once, train_run

__all__ = ["build_model", "compile_model", "train_once", "train_run", "untrained_loss"]
