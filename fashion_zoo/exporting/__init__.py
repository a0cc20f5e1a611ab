"""Export: a model for other programs, in one of several formats, and the proof that it agrees."""

from fashion_zoo.exporting.export import check_exportable, export_run
from fashion_zoo.exporting.format import WORDS, Format

__all__ = ["WORDS", "Format", "check_exportable", "export_run"]
