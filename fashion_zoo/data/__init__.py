"""Data: sources, the data set and its parts, batches and the pipeline that training reads."""

from fashion_zoo.data.batches import (
    check_shape as check_shape,
    reshape as reshape,
    stratified as stratified,
)
from fashion_zoo.data.dataset import (
    Dataset as Dataset,
    Description as Description,
    Images as Images,
    Positions as Positions,
)
from fashion_zoo.data.imbalance import class_counts as class_counts, long_tail as long_tail
from fashion_zoo.data.loading import load as load, load_for as load_for
