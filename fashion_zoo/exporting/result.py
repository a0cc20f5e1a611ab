"""What the proof of a run's own export found."""

from typing import Any, ClassVar

from fashion_zoo.runs.results import RESULTS, Result

IN_RUN = "saved_model"
"""Folder of the export that a training makes, in its run."""


class Parity(Result):
    """The content of its ``parity.json``; see ``export_run``."""

    file = f"{IN_RUN}/parity.json"
    files = (IN_RUN,)
    shape: ClassVar[dict[str, Any]] = {
        "images": int,
        "same_class": float,
        "largest_probability_difference": float,
    }


RESULTS.register(Parity, "parity")
