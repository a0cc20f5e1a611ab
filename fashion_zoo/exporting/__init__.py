"""Export: a model for other programs, in one of several formats, and the proof that it agrees."""

from fashion_zoo.exporting.export import (
    IN_RUN as IN_RUN,
    check_exportable as check_exportable,
    export_run as export_run,
)
from fashion_zoo.exporting.formats import WORDS as WORDS, Format as Format
