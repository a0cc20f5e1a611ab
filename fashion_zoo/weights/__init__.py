"""Published weights: how they are stored, bound to what they are of, checked and loaded."""

from fashion_zoo.weights.manifest import (
    FOLDER as FOLDER,
    Figures as Figures,
    Published as Published,
    list_weights as list_weights,
)
from fashion_zoo.weights.publishing import publish as publish
