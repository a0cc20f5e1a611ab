"""Data: sources, the data set and its parts, batches and the pipeline that training reads."""

from fashion_zoo.data.batches import check_shape, reshape, stratified
from fashion_zoo.data.dataset import Dataset, Description, Images, Positions
from fashion_zoo.data.loading import load, load_for

__all__ = [
    "Dataset",
    "Description",
    "Images",
    "Positions",
    "check_shape",
    "load",
    "load_for",
    "reshape",
    "stratified",
]
