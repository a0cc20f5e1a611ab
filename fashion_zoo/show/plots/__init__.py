"""Figures: functions of arrays that return a matplotlib figure, without global state."""

from fashion_zoo.show.plots.evaluation import (
    confusion as confusion,
    errors as errors,
    gallery as gallery,
    pictures as pictures,
    reliability as reliability,
)
from fashion_zoo.show.plots.layers import bands as bands, levels as levels
from fashion_zoo.show.plots.search import (
    front as front,
    history as history,
    importances as importances,
    parallel as parallel,
    slices as slices,
)
from fashion_zoo.show.plots.training import (
    curves as curves,
    range_test as range_test,
    schedules as schedules,
)
