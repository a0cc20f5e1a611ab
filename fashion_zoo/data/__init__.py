"""Data: sources, the data set and its parts, batches and the pipeline that training reads."""

from fashion_zoo.data.agreement import agreed
from fashion_zoo.data.dataset import Dataset, Images, Positions
from fashion_zoo.data.loading import load
from fashion_zoo.data.split import check_shape, reshape, stratified

__all__ = [
    "Dataset",
    "Images",
    "Positions",
    "agreed",
    "check_shape",
    "load",
    "reshape",
    "stratified",
]
