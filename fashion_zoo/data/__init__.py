"""Data: sources, the data set and its parts, batches and the pipeline that training reads."""

from fashion_zoo.data.agreement import load_for
from fashion_zoo.data.dataset import Dataset, Description, Images, Positions
from fashion_zoo.data.loading import load, settings_of
from fashion_zoo.data.split import check_shape, reshape, stratified

__all__ = [
    "Dataset",
    "Description",
    "Images",
    "Positions",
    "check_shape",
    "load",
    "load_for",
    "reshape",
    "settings_of",
    "stratified",
]
