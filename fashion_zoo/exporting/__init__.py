"""Export: a model for other programs, in one of several formats, and the proof that it agrees."""

from fashion_zoo.exporting.export import check_exportable, export_run
from fashion_zoo.exporting.format import WORDS, Format
from fashion_zoo.exporting.parity import IN_RUN

__all__ = ["IN_RUN", "WORDS", "Format", "check_exportable", "export_run"]
