"""Export: a SavedModel for other programs, and the proof that it agrees."""

from fashion_zoo.exporting.saved_model import check_exportable, export_run

__all__ = ["check_exportable", "export_run"]
