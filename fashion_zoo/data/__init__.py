"""Data: sources, split, batches and the pipeline that training reads."""

from fashion_zoo.data.sources import CLASS_NAMES, Dataset, Images, load, load_part, read_idx
from fashion_zoo.data.split import (
    Split,
    check_shape,
    check_sizes,
    fold,
    fold_positions,
    load_split,
    reshape,
    stratified,
    training_count,
    validation_indices,
)

__all__ = [
    "CLASS_NAMES",
    "Dataset",
    "Images",
    "Split",
    "check_shape",
    "check_sizes",
    "fold",
    "fold_positions",
    "load",
    "load_part",
    "load_split",
    "read_idx",
    "reshape",
    "stratified",
    "training_count",
    "validation_indices",
]
