"""Ensembles: one model of several runs, the methods that make one, and trainings of members."""

from fashion_zoo.ensembles.making import combine as combine, ensemble as ensemble
from fashion_zoo.ensembles.methods import (
    WORDS as WORDS,
    Method as Method,
    average as average,
    boost as boost,
    greedy as greedy,
    soup as soup,
    stack as stack,
)
from fashion_zoo.ensembles.training import (
    Training as Training,
    train_ensemble as train_ensemble,
    train_members as train_members,
)
from fashion_zoo.ensembles.values import Combination as Combination, Members as Members
