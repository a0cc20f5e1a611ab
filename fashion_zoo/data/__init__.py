"""Data: sources, split, batches and the pipeline that training reads."""

from fashion_zoo.data.sources import CLASS_NAMES, Dataset, Images, load, load_part, read_idx
from fashion_zoo.data.split import (
    Split,
    fold,
    load_split,
    reshape,
    stratified,
    validation_indices,
)

__all__ = [
    "CLASS_NAMES",
    "Dataset",
    "Images",
    "Split",
    "fold",
    "load",
    "load_part",
    "load_split",
    "read_idx",
    "reshape",
    "stratified",
    "validation_indices",
]
