"""The facade: one function a command, with the same name and arguments. Where folders meet."""

import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fashion_zoo import registry, runs, storage
from fashion_zoo.config import RunConfig
from fashion_zoo.errors import ConfigError, FashionZooError
from fashion_zoo.overrides import override
from fashion_zoo.runs import Run

if TYPE_CHECKING:
    import keras

    from fashion_zoo.training.lr_finder import RangeTest


def get(
    name: str, *, seed: int | None = None, precision: str | None = None, **overrides: Any
) -> "keras.Model":
    """Build and compile a recipe's model: ``get("bn_mlp").fit(x, y)`` works as it is.

    Args:
        name: a registered recipe.
        seed: key of the initial weights and the dropout masks; by default the recipe's.
        precision: float32, mixed_bfloat16, mixed_float16 or auto; by default the recipe's.
        **overrides: fields of the recipe's model config, such as ``hidden_units=(256, 128)``.

    Returns:
        A functional model from (batch, 28, 28) pixels in 0..255 to (batch, 10) float32 logits,
        compiled with the recipe's optimizer at its constant base rate, cross-entropy from
        integer labels, and accuracy. Schedules belong to ``train``.

    Raises:
        ConfigError: an unknown name or override, answered with the nearest one, or a value that
            is not allowed.
    """
    from fashion_zoo.training import build_model, compile_model

    entry = registry.recipe(name)
    changes: dict[str, Any] = {"model": overrides}
    changes |= {} if seed is None else {"seed": seed}
    changes |= {} if precision is None else {"precision": precision}
    config = override(entry.config, changes)
    return compile_model(build_model(entry, config), config)


def default_run_dir(name: str) -> Path:
    """Return ``runs/NAME-DATE-TIME``."""
    return Path("runs") / f"{name}-{datetime.datetime.now():%Y%m%d-%H%M%S}"


class Trained(NamedTuple):
    """What ``train`` returns."""

    run: Run
    """The run folder."""
    training: dict[str, Any]
    """``training.json``."""
    evaluation: dict[str, Any] | None
    """``evaluation.json``; None without evaluation, or after Ctrl-C."""
    parity: dict[str, Any] | None
    """``saved_model/parity.json``; None without export, or after Ctrl-C."""


def train(
    name: str,
    *,
    config: RunConfig | None = None,
    run_dir: str | Path | None = None,
    force: bool = False,
    resume: bool = False,
    fork: str | Path | None = None,
    evaluate: bool = True,
    export: bool = True,
    progress: bool = False,
    **overrides: Any,
) -> Trained:
    """Train a recipe into a run folder, then evaluate and export it.

    Ctrl-C ends the training cleanly: what is trained so far is saved, and nothing is evaluated.
    However a training ended, ``resume=True`` goes on after its last whole epoch, and the result
    equals that of a training that never stopped, bit for bit on the same machine.

    Args:
        name: a registered recipe.
        config: the whole config; by default that of the run to go on with or to fork, or else the
            recipe's.
        run_dir: the run folder; by default ``runs/NAME-DATE-TIME``.
        force: replace an older run in ``run_dir``.
        resume: go on with the run in ``run_dir``; where there is none, begin one.
        fork: a run whose weights, optimizer, history and epochs the new one starts from; its
            model and optimizer cannot change, all else can.
        evaluate: evaluate on the test images at the end.
        export: write a SavedModel into the run at the end.
        progress: show the progress on stderr.
        **overrides: fields of RunConfig, such as ``seed=3`` or ``training={"epochs": 5}``.

    Raises:
        FashionZooError: one of its children; see each.

    Example:
        ```python
        trained = fashion_zoo.train("bn_mlp", seed=3, training={"epochs": 5})
        trained.evaluation["accuracy"]
        ```
    """
    from fashion_zoo.evaluation import evaluate_run
    from fashion_zoo.exporting import check_backend, export_run
    from fashion_zoo.show.progress import TrainingDisplay
    from fashion_zoo.training import train_run

    entry = registry.recipe(name)
    if export:
        check_backend()  # before the minutes that the training takes
    path = Path(run_dir) if run_dir is not None else default_run_dir(name)
    runs.check_free(path, force=force, resume=resume)
    base = config or runs.stored_config(name, path if resume else None, fork)
    ended = train_run(
        entry,
        override(base, overrides),
        path,
        force=force,
        resume=resume,
        fork=fork,
        display=TrainingDisplay(enabled=progress),
    )
    run, training = ended.run, ended.run.read_json("training.json")
    going_on = not ended.interrupted
    try:
        if ended.interrupted and training["finished"]:  # Ctrl-C came with the last epoch
            raise KeyboardInterrupt
        evaluation = run.evaluation() or evaluate_run(run) if evaluate and going_on else None
        parity = (
            run.parity() or export_run(run, run.path / "saved_model")
            if export and going_on
            else None
        )
    except (FashionZooError, KeyboardInterrupt) as stopped:
        quoted = shlex.quote(str(run.path))
        stopped.add_note(
            f"The trained model is saved. Evaluate it with: python -m recipes.evaluate {quoted}"
        )
        raise
    return Trained(run, training, evaluation, parity)


def evaluate(run: str | Path) -> dict[str, Any]:
    """Evaluate a run on the test images; see ``fashion_zoo.evaluation.measure``.

    Raises:
        RunError: it is not a run, or has no model.
    """
    from fashion_zoo.evaluation import evaluate_run

    return evaluate_run(runs.open_run(run))


def export(run: str | Path, to: str | Path, *, force: bool = False) -> dict[str, Any]:
    """Export a run as a SavedModel and prove that it agrees.

    Raises:
        RunError: it is not a run, or has no model.
        ExportError: the export does not agree, or the backend cannot write one.
    """
    from fashion_zoo.exporting import export_run

    return export_run(runs.open_run(run), to, force=force)


def find_lr(
    name: str,
    *,
    config: RunConfig | None = None,
    to: str | Path | None = None,
    seeds: int = 3,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    progress: bool = False,
    **overrides: Any,
) -> "RangeTest":
    """Find a learning rate by a range test; see ``fashion_zoo.training.lr_finder``.

    It has no side effects: a training after it is the same, bit for bit.

    Args:
        name: a registered recipe.
        config: the whole config; by default the recipe's.
        to: a picture to draw the curves into.
        seeds: number of sweeps, at least 1.
        low: the first learning rate.
        high: the last one.
        steps: steps a sweep, at least 20.
        progress: show the progress on stderr.
        **overrides: fields of RunConfig, such as ``training={"batch_size": 512}``.

    Returns:
        Rates, losses and four suggestions, each with its range over the seeds.

    Raises:
        ConfigError: an unknown name or a value that is not allowed.
        TrainingError: the loss diverged at once.
        StorageError: the picture cannot be written.
    """
    from fashion_zoo.show import plots
    from fashion_zoo.show.progress import SweepDisplay
    from fashion_zoo.training.lr_finder import range_test

    if to is not None:
        storage.check_picture(to)  # before the seconds that the sweeps take
    entry = registry.recipe(name)
    with SweepDisplay(seeds * steps, enabled=progress) as display:
        found = range_test(
            entry,
            override(config or entry.config, overrides),
            seeds=seeds,
            low=low,
            high=high,
            steps=steps,
            tick=lambda seed, step: display.advance(seed * steps + step + 1),
        )
    if to is not None:
        title = f"{name}: learning-rate range test"
        figure = plots.range_test(
            found.rates, found.losses, found.smoothed, found.suggestions, title
        )
        storage.write_figure(to, figure)
    return found


class Prediction(NamedTuple):
    """What a model says of one picture."""

    picture: str
    """The path as given."""
    notes: tuple[str, ...]
    """What was done to the picture."""
    looks_inverted: bool
    """Whether it looks inverted."""
    classes: tuple[tuple[str, float], ...]
    """Class name and probability, the most probable first."""


def predict(
    run: str | Path, pictures: Sequence[str | Path], *, top: int = 3, invert: bool = False
) -> list[Prediction]:
    """Predict the classes of picture files of any size and colour.

    Args:
        run: the run folder.
        pictures: files that Pillow reads.
        top: how many classes to return.
        invert: whether to swap light and dark first.

    Raises:
        DataError: a file is not a picture.
        RunError: it is not a run, or has no model.
        ConfigError: no pictures, or ``top`` is not in 1..10.
    """
    from fashion_zoo.data import CLASS_NAMES
    from fashion_zoo.data.pictures import read_picture
    from fashion_zoo.evaluation.report import probabilities

    if not pictures:
        raise ConfigError("predict needs at least one picture, received none.")
    if not 1 <= top <= len(CLASS_NAMES):
        raise ConfigError(f"top must be in 1..{len(CLASS_NAMES)}, received {top}.")
    opened = runs.open_run(run)
    read = [read_picture(path, invert=invert) for path in pictures]
    found = probabilities(opened.load_model(), np.stack([entry.image for entry in read]))
    return [
        Prediction(
            str(path),
            entry.notes,
            entry.looks_inverted,
            tuple((CLASS_NAMES[place], float(row[place])) for place in np.argsort(-row)[:top]),
        )
        for path, entry, row in zip(pictures, read, found, strict=True)
    ]


def plot_schedules(expressions: Sequence[str], to: str | Path) -> None:
    """Draw schedules side by side into a picture file.

    Args:
        expressions: what ``schedules.get`` reads; all of the vocabulary with its defaults when
            there are none.
        to: the file, PNG or what else matplotlib writes.

    Raises:
        ConfigError: an expression cannot be read, or the file's ending is not a picture's.
        StorageError: the file cannot be written.
    """
    from fashion_zoo import schedules
    from fashion_zoo.show import plots

    if not expressions:
        plain = [name for name in schedules.SCHEDULES if name != "join"]
        expressions = [*plain, "warmup >> cosine", "join([constant, linear], [0.5])"]
    drawn = {text: schedules.get(text) for text in expressions}
    figure = plots.schedules(
        {text: [schedule(step / 1000) for step in range(1001)] for text, schedule in drawn.items()}
    )
    storage.write_figure(to, figure)


def benchmark_accuracy(
    *, seeds: int = 3, folder: str | Path = "runs/benchmark", page: str | Path = "README.md"
) -> Mapping[str, Any]:
    """Measure every registered recipe and write ``assets/results.csv`` and the README's table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time.

    Args:
        seeds: trainings a recipe, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.

    Returns:
        Recipe name to its ``Result``.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    from fashion_zoo.board.accuracy import measure_recipe
    from fashion_zoo.board.results import (
        around_table,
        replace_table,
        results_table,
        write_results,
    )
    from fashion_zoo.show.progress import TrainingDisplay

    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, for an interval; received {seeds}.")
    around_table(Path(page))  # before the minutes that the trainings take
    results = [
        measure_recipe(name, seeds, Path(folder), TrainingDisplay())
        for name in registry.list_recipes()
    ]
    write_results(results)
    replace_table(Path(page), results_table(results))
    return {result.recipe: result for result in results}


def benchmark_dropout(
    *,
    seeds: int = 5,
    folder: str | Path = "runs/dropout",
    page: str | Path = "docs/dropout.md",
    **overrides: Any,
) -> str:
    """Compare dropout rates that move with the best one that does not, and write the table.

    Finished runs in ``folder`` are not run again, so it can be broken off at any time. The rows
    of the table go into a CSV file beside the page.

    Args:
        seeds: trainings a row, at least 2.
        folder: where the runs are kept.
        page: the page whose table is replaced.
        **overrides: fields of every RunConfig, for a quick look.

    Returns:
        The table, in Markdown.

    Raises:
        ConfigError: fewer than two seeds.
        DataError: the page is missing or has no place for the table.
    """
    from fashion_zoo.board.dropout import dropout_table, measure_dropout, write_dropout
    from fashion_zoo.board.results import around_table, replace_table
    from fashion_zoo.show.progress import TrainingDisplay

    if seeds < 2:
        raise ConfigError(f"seeds must be at least 2, for an interval; received {seeds}.")
    around_table(Path(page))  # before the minutes that the trainings take
    arms = measure_dropout(seeds, Path(folder), TrainingDisplay(), overrides)
    write_dropout(arms, Path(page).with_suffix(".csv"))
    table = dropout_table(arms)
    replace_table(Path(page), table)
    return table
