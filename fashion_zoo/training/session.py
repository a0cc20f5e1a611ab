"""One training, from a config to a run folder; begun, gone on with, or forked from another."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

import fashion_zoo.training.ending as ending
from fashion_zoo import runs, storage
from fashion_zoo.augment.policies import mixes
from fashion_zoo.callbacks import StopOnInterrupt, check_callbacks
from fashion_zoo.config import RunConfig
from fashion_zoo.data import Dataset, Images, check_shape
from fashion_zoo.errors import ConfigError, advice
from fashion_zoo.language.wording import counted
from fashion_zoo.machine import environment, precision
from fashion_zoo.machine.devices import releasing
from fashion_zoo.registry import Recipe
from fashion_zoo.runs import Run
from fashion_zoo.show import figures, plots, streams
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.waiting import waiting
from fashion_zoo.storage import absolute
from fashion_zoo.training.checkpoint import Checkpoint
from fashion_zoo.training.compile import build_model
from fashion_zoo.training.fit import fit
from fashion_zoo.training.plan import Plan, plan
from fashion_zoo.training.recorder import Recorder, belonging, fork_checkpoint, load_checkpoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Ended(NamedTuple):
    """How a training ended."""

    run: Run
    interrupted: bool
    """Whether Ctrl-C was pressed; then nothing should follow."""


@precision.keras_defaults()
def train_run(
    entry: Recipe,
    config: RunConfig,
    path: str | Path,
    *,
    data: Dataset,
    force: bool = False,
    resume: bool = False,
    fork: str | Path | None = None,
    display: TrainingDisplay | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    next_free: bool = False,
) -> Ended:
    """Train a recipe into a run folder.

    Ctrl-C ends it cleanly: the weights trained so far are saved.

    Args:
        entry: the recipe.
        config: what to train it with.
        path: the run folder.
        data: the images.
        force: replace an older run there.
        resume: go on with the run there, after its last whole epoch. A finished run is left as it
            is, and where there is none a new one begins.
        fork: a run whose state the new one starts from.
        display: what shows the progress.
        callbacks: of the caller; see ``fit``.
        next_free: take the first of PATH, PATH-2, PATH-3, ... where nothing is.

    Raises:
        ConfigError: the model does not fit the data, or a callback cannot be one.
        DataError: a data file is damaged; or the run to go on with had other images.
        RunError: there is a run already; or the one to go on with has another config, or has no
            state that is whole. RunLockedError: another process trains there.
        StorageError: the run cannot be written; what was written before stays.
        TrainingError: the loss diverged.
    """
    display, path = display or TrainingDisplay(enabled=False), absolute(path)
    if not next_free:
        runs.check_free(path, force=force, resume=resume)
    check_callbacks(callbacks)
    going_on = resume and runs.is_run(Path(path))
    if going_on:
        runs.check_same(runs.open_run(path), entry.name, config)
    with waiting("Reading the images and building the model", display.enabled):
        planned = plan(config, data.count)
        model = build_model(entry, config.model, planned)
        _check_fit(model, entry.name, data)
    origin = fork_checkpoint(fork, planned.epochs) if fork and not going_on else None
    surroundings = {**environment.describe(), "precision": planned.precision._asdict()}
    if resume and runs.is_run(path):
        opened = runs.reopen(path, surroundings)
    else:
        create = runs.create_next if next_free else functools.partial(runs.create, force=force)
        opened = create(path, entry.name, config, surroundings, data=data.describe())
    with opened as run:
        if resume:
            runs.check_same(run, entry.name, config)
            runs.check_images(run, data)
        if run.finished:
            display.say(f"{run.path} is finished: nothing is left to train.")
            if not (run.path / "curves.png").exists():  # a kill came before it
                _draw_curves(run)
            return Ended(run, interrupted=False)
        whose = belonging(run, data)
        start = load_checkpoint(run, whose) or origin
        if start:
            display.say(f"Going on after epoch {start.epochs} of {planned.epochs}.")
            _go_on(run, start, surroundings)
        run.drop_results()
        recorder = Recorder(run, planned.batch_size, start, whose)
        with advice(lambda error: ending.how_to_go_on(run, force, error)):
            return _train(model, planned, data, callbacks, display, recorder)


def _train(
    model: keras.Model,
    planned: Plan,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    display: TrainingDisplay,
    recorder: Recorder,
) -> Ended:
    """Fit the model until the end or until Ctrl-C, and save it."""
    finished = True
    say = display.say if display.enabled else streams.say  # Ctrl-C is always answered
    with StopOnInterrupt(say=say) as stop:
        try:
            fit(model, planned, dataset, [stop, *callbacks], display, recorder)
        except KeyboardInterrupt:
            if stop.insisted:
                raise
            finished = False
        with waiting("Validating and saving the model", display.enabled):
            _finish(model, dataset.validation, recorder, finished, display)
    return Ended(recorder.run, interrupted=stop.asked or not finished)


def _go_on(run: Run, start: Checkpoint, surroundings: Mapping[str, Any]) -> None:
    """Drop what is after the state; say what is different where a run goes on, and keep it."""
    run.prune_checkpoints(start.epochs)
    if not start.forked and (changed := run.record_environment(surroundings, start.epochs)):
        streams.say(
            f"{run.path} goes on elsewhere: {'; '.join(changed)}. The result may not be that of a "
            "training that never stopped, bit for bit."
        )


def _finish(
    model: keras.Model,
    validation: Images,
    recorder: Recorder,
    finished: bool,
    display: TrainingDisplay,
) -> None:
    """Write the model, how training ended, and, when all that counts is there, the picture."""
    run = recorder.run
    epochs = len(recorder.rows)
    summary = ending.summary(run, model, validation, recorder.others, epochs, finished)
    summary["seconds"] = round(sum(row["seconds"] for row in recorder.times), 2)
    run.save_model(model)
    storage.write_json(run.to_write("training.json"), summary)
    if early := ending.spoken(summary, run.config.training.epochs):
        display.say(early)
    if recorder.rows:
        _draw_curves(run)


def _draw_curves(run: Run) -> None:
    figures.try_save(run.to_write("curves.png"), lambda: run_curves(run))


def run_curves(run: Run) -> "Figure":
    """Return the figure of a run that has a history, as in ``curves.png``.

    Raises:
        RunError: it has none.
    """
    training = run.read_json("training.json")
    images = counted(run.data.train, "training image")
    validation = counted(training["validation_images"], "validation image")
    return plots.curves(
        run.history(),
        f"Training of {run.recipe}",
        kept=training.get("weights_of_epoch"),
        within=_within(run.config),
        caption=f"{run.caption}; {run.config.data.dataset}, {images}, {validation}.",
    )


def _within(config: RunConfig) -> list[str]:
    """Return what the training figures have in them and the validation figures do not."""
    policy = config.training.policy
    parts = {
        "dropout": any(getattr(config.model, "dropout_rates", ())),
        "augmented images": any(not operation.mixes for operation in policy),
        "mixed images": mixes(policy),
        "smoothed labels": config.training.label_smoothing > 0,
    }
    return [name for name, there in parts.items() if there]


def _check_fit(model: keras.Model, name: str, dataset: Dataset) -> None:
    """Check that the model can read the images and tell their classes apart."""
    classes, known = model.output_shape[-1], len(dataset.class_names)
    if classes != known:
        raise ConfigError(f"{name} has num_classes={classes}, but the data has {known} classes.")
    check_shape(model.input_shape[1:], dataset.image_shape)
    _ = dataset.train  # it is waited for here


def train_once(
    entry: Recipe,
    config: RunConfig,
    path: Path,
    display: TrainingDisplay,
    data: Dataset,
) -> Run:
    """Return the finished run at ``path``.

    A run with the same config in the same environment is gone on with where it was left; any
    other is replaced.

    Raises:
        KeyboardInterrupt: Ctrl-C; a next call goes on.
    """
    run = _same_run(path, entry.name, config)
    if run is None or not run.finished:
        same = run is not None
        with releasing():
            ended = train_run(
                entry, config, path, force=not same, resume=same, display=display, data=data
            )
        if ended.interrupted:
            raise KeyboardInterrupt
        run = ended.run
    return run


def _same_run(path: Path, name: str, config: RunConfig) -> Run | None:
    """Return the run there if it has this config, and was begun in this environment."""
    if not (runs.is_run(path) and (path / "environment.json").is_file()):
        return None
    run = runs.open_run(path)
    surroundings = run.read_json("environment.json")
    del surroundings["precision"]
    same = (run.recipe, surroundings) == (name, environment.describe())
    return run if same and runs.as_stored(run.config) == runs.as_stored(config) else None
