"""Ensembles: one model of several runs, and the methods that make one."""

from fashion_zoo.ensembles.making import combine as combine, ensemble as ensemble
from fashion_zoo.ensembles.methods import (
    WORDS as WORDS,
    Method as Method,
    average as average,
    greedy as greedy,
    soup as soup,
    stack as stack,
)
from fashion_zoo.ensembles.values import Combination as Combination, Members as Members
