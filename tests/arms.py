"""An experiment of one's own, trainings of arms that cost nothing, and what was measured of any."""

from matplotlib.text import Text

from fashion_zoo.experiments import Measured

MACHINE = {"machine": "a CPU, 2 cores, Python 3.11.7, Keras 3.15.1", "commit": "a" * 40}

OWN = """
from fashion_zoo.experiments import Arm, Experiment, columns

EXPERIMENT = Experiment(
    name="width",
    question="Does a wider first layer help?",
    arms=[
        Arm("as it is"),
        Arm("wide", changes={"model": {"hidden_units": (32, 16)}}),
    ],
    columns=[
        columns.name("bn_mlp", code=lambda arm: False),
        columns.accuracy("validation accuracy", "validation_accuracy"),
        columns.against("against it as it is", "validation_accuracy", "as it is"),
        columns.number("seconds", "seconds", ".0f"),
    ],
    settings={"training": {"epochs": 3}},
)
"""


def measured(experiment, arms):
    """What was measured of some arms: arm to one row of figures a seed."""
    return Measured(
        experiment,
        [
            {"arm": arm, "seed": seed, **row, **MACHINE}
            for arm, rows in arms.items()
            for seed, row in enumerate(rows)
        ],
    )


def letters(figure):
    """The size of the smallest letters of a figure, in points."""
    return min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text())


class FakeRun:
    """A run that was not trained."""

    def __init__(self, recipe, config, commit):
        self.recipe, self.config, self.commit = recipe, config, commit

    def result(self, word):
        return {"evaluation": {"accuracy": {"value": 0.9}}}[word]

    def read_json(self, name):
        return {
            "training.json": {
                "validation_accuracy": 0.8 + 0.05 * len(self.config.model.hidden_units),
                "seconds": 2.0 + self.config.seed,
            },
            "environment.json": {
                "versions": {"python": "3.11.7", "keras": "3.15.1", "tensorflow": "2.21.0"},
                "backend": "tensorflow", "device": "a CPU", "cores": 2, "commit": self.commit,
            },
        }[name]  # fmt: skip


class Made(list):
    """(place, config) of each training, its data in ``data``; ``commit`` is where one is made."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.commit, self.data = "a" * 40, []
        monkeypatch.setattr("fashion_zoo.training.session.train_once", self.train_once)

    def train_once(self, entry, config, path, display, data):
        """Train nothing."""
        self.append((path, config))
        self.data.append(data)
        return FakeRun(entry.name, config, self.commit)
