"""An ensemble of runs, as a run."""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fashion_zoo import storage
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.ensembles.choosing import score
from fashion_zoo.ensembles.members import check_members, members_of, name_of, open_members
from fashion_zoo.ensembles.methods import WORDS, Method
from fashion_zoo.ensembles.values import Members
from fashion_zoo.errors import ConfigError
from fashion_zoo.evaluation.calibration import temperature as fitted_temperature
from fashion_zoo.evaluation.cost import parameters
from fashion_zoo.evaluation.metrics import Predictions
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.machine import environment, precision
from fashion_zoo.machine.devices import releasing
from fashion_zoo.runs import (
    POSITIONS,
    Ensemble,
    Run,
    create,
    create_next,
    dataset_of,
    default_run_dir,
    is_run,
    open_run,
    write_positions,
)
from fashion_zoo.show.waiting import Progress, waiting
from fashion_zoo.storage import absolute

if TYPE_CHECKING:
    import keras


@checked
@releasing()
def ensemble(
    runs: "Sequence[AnyPath]",
    method: str = "average",
    *,
    to: Place | None = None,
    temperature: bool = False,
    snapshots: bool = False,
    data: Any = None,
    force: bool = False,
    progress: Progress = "auto",
) -> Run:
    """Make one model of several runs, in a folder that is a run itself.

    ``evaluate``, ``export`` and ``predict`` take it as any run. Its model is of Keras's own classes
    alone. Everything is chosen by the validation images; the test images are not read.

    Args:
        runs: a list of at least 2 runs that were trained and validated on the same images; with
            ``snapshots``, at least 1.
        method: how they are combined, a word of ``fashion_zoo.ensembles.WORDS``, such as
            ``"average"``, ``"greedy(10)"`` or ``"stack"``.
        to: the folder of the ensemble, by default ``runs/ensemble-DATE-TIME``, or with -2, -3, ...
            if it is there.
        temperature: whether to divide the logits by a number that is fitted on the validation
            images, which makes the probabilities fit better and leaves the classes as they are.
        snapshots: whether the members are the snapshots that each run has of its training
            (``training.snapshots``), in place of its trained model.
        data: the images of the runs, if they were arrays or have moved; see
            ``fashion_zoo.data.load``.
        force: replace an older run or ensemble there.
        progress: show progress on a terminal: True, False, or "auto".

    Returns:
        The run of the ensemble, whose ``ensemble`` says what it is made of, with the validation
        accuracies of all members.

    Raises:
        ConfigError: if there are fewer than 2 different members, or they do not fit the method.
        RunError: if one is not a run or has no model or snapshots, or something is at ``to``.
        DataError: if they are of different images.
        StorageError: if the folder cannot be written.

    Example:
        ```python
        runs = [fashion_zoo.train("bn_mlp", seed=seed, export=False) for seed in range(5)]
        fashion_zoo.evaluate(fashion_zoo.ensemble(runs, "greedy(10)", to="ensembles/five"))
        ```
    """
    began, chosen = time.perf_counter(), WORDS.parse(method)
    members = open_members(runs, snapshots)
    if to is not None:
        _check_place(to, members, force)
    make = create_next if to is None else partial(create, force=force)
    check_members(members, data)
    with waiting("Combining the members", progress):
        dataset = dataset_of(members[0], data)
        known = members_of(members, dataset)
        made = combine(known, chosen, temperature)
        part = _described(members, method.strip(), known, made)
        summary = _summary(made.log_probabilities, known.labels)
        first = members[0]
        with make(
            absolute(default_run_dir("ensemble")) if to is None else to,
            first.recipe, first.config, environment.describe(), data=first.data, ensemble=part,
        ) as run:  # fmt: skip
            write_positions(run.to_write(POSITIONS), dataset.used)
            if needed := run.save_model(made.model):
                summary["model_needs"] = needed
            summary["seconds"] = round(time.perf_counter() - began, 2)
            storage.write_json(run.to_write("training.json"), summary)
    return open_run(run.path)


def _check_place(to: AnyPath, members: Sequence[Run], force: bool) -> None:
    """Check that an ensemble may be made at a place, which is not that of a member."""
    place = storage.resolve(to)
    if any(place in (one, *one.parents) for one in (storage.resolve(run.path) for run in members)):
        raise ConfigError(f"{to} is or holds one of the members. Choose another place.")
    storage.check_free(to, "a run", is_run, force=force)


class Made(NamedTuple):
    """The model that a method made of members."""

    model: "keras.Model"
    log_probabilities: np.ndarray
    """(images, classes) float64 of the validation images, by which it is measured."""
    weights: Sequence[float] | None
    """(members,) the share of each member, if it has one."""
    temperature: float | None
    """What the logits are divided by, if they are."""


@precision.keras_defaults()
def combine(members: Members, method: Method, temperature: bool = False) -> Made:
    """Make a model of members; see ``ensemble``."""
    from fashion_zoo.ensembles.building import calibrated

    found = method.combine(members)
    model, predictions, divisor = found.build(), found.log_probabilities, None
    if temperature:
        divisor = fitted_temperature(predictions, members.labels)
        model, predictions = calibrated(model, divisor), predictions / divisor
    return Made(model, predictions, found.weights, divisor)


def _described(runs: Sequence[Run], method: str, members: Members, made: Made) -> Ensemble:
    """Return the part ``ensemble`` of ``config.json``."""
    images = len(members.labels)
    correct = [score(one, members.labels)[0] for one in members.log_probabilities]
    rows = [
        {
            "path": name_of(run),
            "recipe": run.recipe,
            "seed": run.config.seed,
            "digest": digest_of(run.path, run.model_name, role="The member"),
            "validation_accuracy": correct[place] / images,
            "weight": None if made.weights is None else made.weights[place],
        }
        for place, run in enumerate(runs)
    ]
    return Ensemble(
        method=method,
        members=rows,
        temperature=made.temperature,
        validation_accuracy=score(made.log_probabilities, members.labels)[0] / images,
        parameters=parameters(made.model),
        member_parameters=parameters(members.load(int(np.argmax(correct)))),
    )


def _summary(log_probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the content of ``training.json``, as of a training without epochs."""
    recalls = Predictions(log_probabilities, labels, ()).recalls
    return {
        "finished": True,
        "epochs": 0,
        "validation_correct": int(recalls.correct.sum()),
        "validation_images": len(labels),
        "validation_accuracy": int(recalls.correct.sum()) / len(labels),
        "validation_balanced_accuracy": recalls.balanced_accuracy,
        "validation_worst_recall": recalls.worst,
    }
