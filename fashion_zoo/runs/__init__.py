"""The run folder: what it holds, and how one is made, gone on with and read."""

from fashion_zoo.runs.config_file import is_run, read_config, write_config
from fashion_zoo.runs.images import check_images, dataset_of
from fashion_zoo.runs.places import (
    check_beginning,
    check_free,
    check_same,
    create,
    create_next,
    default_run_dir,
    reopen,
)
from fashion_zoo.runs.run import Run, open_run
from fashion_zoo.runs.settings import as_stored, contradictions
from fashion_zoo.runs.trained import Trained, TrainingInterrupted, finished, stored_config

__all__ = [
    "Run",
    "Trained",
    "TrainingInterrupted",
    "as_stored",
    "check_beginning",
    "check_free",
    "check_images",
    "check_same",
    "contradictions",
    "create",
    "create_next",
    "dataset_of",
    "default_run_dir",
    "finished",
    "is_run",
    "open_run",
    "read_config",
    "reopen",
    "stored_config",
    "write_config",
]  # fmt: skip
