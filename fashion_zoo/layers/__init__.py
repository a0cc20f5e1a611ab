"""Layers of this package, for any Keras backend."""

from fashion_zoo.layers.batch_norm import BatchNormalization as BatchNormalization
from fashion_zoo.layers.dropout import ScheduledDropout as ScheduledDropout
from fashion_zoo.layers.kernels import (
    SpectralDense as SpectralDense,
    StandardizedDense as StandardizedDense,
)
from fashion_zoo.layers.statistics import renew_statistics as renew_statistics
from fashion_zoo.layers.values import as_array as as_array
