"""What a search may be asked for."""

from typing import Literal

Sampler = Literal["tpe", "random", "quasi_random"]
Pruner = Literal["asha", "median", "none"]
Cost = Literal["parameters", "latency"]
