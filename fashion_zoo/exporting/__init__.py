"""Export: a SavedModel for other programs, and the proof that it agrees."""

from fashion_zoo.exporting.saved_model import check_backend, export_run

__all__ = ["check_backend", "export_run"]
