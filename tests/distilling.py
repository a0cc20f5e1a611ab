"""Small trainings of a student; the fixture ``teacher`` is the run that it learns from."""

from fashion_zoo import override, recipe
from fashion_zoo.data import class_counts, load
from fashion_zoo.training.fit import build_model
from fashion_zoo.training.plan import plan

SMALL = {"model": {"hidden_units": (8,), "dropout": (0.1,)}, "data": {"limit": 420}}
TEACHING = {"epochs": 2, "batch_size": 50}


def config(teacher, name="bn_mlp", precision="float32", distilling=(), **training):
    """Return the config of a student."""
    chosen = {"distillation": {"teacher": teacher, **dict(distilling)}}
    options = {**TEACHING, **training, **chosen}
    return override(recipe(name).config, {**SMALL, "precision": precision, "training": options})


def student(chosen):
    """Return plan, model and data of a training."""
    data = load(chosen.data)
    planned = plan(chosen, class_counts(data))
    return planned, build_model(recipe("bn_mlp"), chosen.model, planned), data
