"""One training, from a config to a run folder: new, resumed, or forked from another run."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

import fashion_zoo.training.ending as ending
import fashion_zoo.training.tensorboard as tensorboard
from fashion_zoo import runs, storage
from fashion_zoo.augment.policies import mixes
from fashion_zoo.callbacks import StopOnInterrupt, check_callbacks
from fashion_zoo.config import RunConfig, TrainingConfig
from fashion_zoo.data import Dataset, Description, Images, check_shape, class_counts
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
from fashion_zoo.training.fit import build_model, fit
from fashion_zoo.training.parallel import Asked, Devices, find
from fashion_zoo.training.plan import Plan, plan
from fashion_zoo.training.recorder import Recorder, fork_checkpoint, identity, load_checkpoint
from fashion_zoo.training.snapshots import keeping

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@precision.keras_defaults()
def train_run(
    entry: Recipe,
    config: RunConfig,
    path: str | Path,
    *,
    data: Dataset,
    display: TrainingDisplay,
    force: bool = False,
    resume: bool = False,
    fork: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    next_free: bool = False,
    devices: Asked | None = None,
) -> tuple[Run, bool]:
    """Train a recipe into a run folder; return the run, and whether Ctrl-C was pressed.

    The arguments are those of ``zoo.train``. ``next_free`` takes the first free folder of PATH,
    PATH-2, PATH-3, ... Ctrl-C stops cleanly: the weights trained so far are saved.

    Raises:
        ConfigError: if the model does not fit the data, or a callback is refused.
        DataError: if a data file is damaged, or the run to resume had other images.
        RunError: if there is a run already; or the one to resume has another config or no whole
            checkpoint. RunLockedError: if another process trains there.
        StorageError: if the run cannot be written; what was written before stays.
        TrainingError: if the loss diverges.
    """
    path = absolute(path)
    if not next_free:
        runs.check_free(path, force=force, resume=resume)
    check_callbacks(callbacks)
    resuming = resume and runs.is_run(path)
    if resuming:
        runs.check_same(runs.open_run(path), entry.name, config)
    found = _devices(devices, path if resuming else None, config.training, display)
    with waiting("Reading the images and building the model", display.enabled):
        planned, model = _build(entry, config, data, found)
    began = resuming and runs.open_run(path).has_checkpoint
    origin = fork_checkpoint(fork, planned.epochs) if fork and not began else None
    surroundings = _surroundings(planned, found, callbacks)
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
            if not (run.path / "curves.png").exists():  # the process was killed before
                _draw_curves(run)
            return run, False
        _describe(run, planned, data, display)
        known = identity(run, data)
        start = load_checkpoint(run, known) or origin
        if start:
            display.say(f"Resuming after epoch {start.epochs} of {planned.epochs}.")
        _record_environment(run, surroundings, start, fork)
        run.drop_results()
        recorder = Recorder(run, planned.batch_size, start, known)
        with advice(lambda error: ending.how_to_resume(run, force, error)):
            return _train(model, planned, data, callbacks, display, recorder, found)


def _devices(
    asked: Asked | None, resumed: Path | None, training: TrainingConfig, display: TrainingDisplay
) -> Devices:
    """Find the devices of a training, by default as those of the run that it resumes."""
    if asked is None and resumed and runs.open_run(resumed).devices > 1:
        asked = "all"
    found = find(asked or "one", training.batch_size, training.accumulation)
    if asked == "all":
        display.say(f"Training on {counted(found.count, 'device')} of this machine.")
    return found


def _build(
    entry: Recipe, config: RunConfig, data: Dataset, devices: Devices
) -> tuple[Plan, keras.Model]:
    """Plan a training, which reads the images, and build its model."""
    planned = plan(config, class_counts(data))
    with devices.creating():
        model = build_model(entry, config.model, planned)
    _check_fit(model, entry.name, config.training, data)
    return planned, model


def _surroundings(
    planned: Plan, devices: Devices, callbacks: Sequence[keras.callbacks.Callback]
) -> dict[str, Any]:
    """Describe what a training runs on, and what the caller adds to it."""
    return {
        **environment.describe(),
        "devices": devices.count,
        "precision": planned.precision._asdict(),
        "callbacks": [type(one).__name__ for one in callbacks],
    }


def _describe(run: Run, planned: Plan, data: Dataset, display: TrainingDisplay) -> None:
    """Write which image is where, and say once what was done to them and how many are an update."""
    if not (run.path / runs.POSITIONS).exists():  # it is new, or of an older version
        runs.write_positions(run.to_write(runs.POSITIONS), data.used)
        for note in data.notes:
            display.say(f"{run.config.data.title}: {note}")
        if planned.accumulation > 1:
            display.say(
                f"An update takes {counted(planned.effective_batch, 'image')}, in "
                f"{planned.accumulation} batches of {planned.batch_size}; an epoch leaves out "
                f"{counted(data.count - planned.steps * planned.batch_size, 'image')}."
            )


def _train(
    model: keras.Model,
    planned: Plan,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    display: TrainingDisplay,
    recorder: Recorder,
    devices: Devices,
) -> tuple[Run, bool]:
    """Fit the model until the end or until Ctrl-C, and save it."""
    finished = True
    say = display.say if display.enabled else streams.say  # Ctrl-C is always answered
    with StopOnInterrupt(say=say) as stop:
        try:
            watching = tensorboard.watching(recorder.run, planned, dataset)
            every = [stop, *callbacks, *watching, *keeping(recorder.run, planned)]
            fit(model, planned, dataset, every, display, recorder, devices=devices)
        except KeyboardInterrupt:
            if stop.forced:
                raise
            finished = False
        with waiting("Validating and saving the model", display.enabled):
            _finish(model, recorder, dataset.validation, finished, display)
    return recorder.run, stop.requested or not finished


def _record_environment(
    run: Run, surroundings: Mapping[str, Any], start: Checkpoint | None, fork: str | Path | None
) -> None:
    """Store in what and from what a training begins, or print and store what has changed."""
    if start is None:
        runs.begin(run, surroundings)
    elif start.forked:
        runs.begin(run, surroundings, fork, start.epochs)
    elif changed := runs.move(run, surroundings, start.epochs):
        streams.say(
            f"{run.path} is resumed in another environment: {'; '.join(changed)}. The result may "
            "differ from that of an uninterrupted training."
        )


def _finish(
    model: keras.Model,
    recorder: Recorder,
    validation: Images,
    finished: bool,
    display: TrainingDisplay,
) -> None:
    """Write the model, ``training.json``, and after both the picture."""
    run = recorder.run
    summary = ending.summary(model, recorder, validation, finished)
    if needed := run.save_model(model):
        summary["model_needs"] = needed
    storage.write_json(run.to_write("training.json"), summary)
    if early := ending.stop_message(summary, run.config.training.epochs):
        display.say(early)
    for message in ending.model_messages(summary, run.config.training.optimizer):
        display.say(message)
    if recorder.rows:
        _draw_curves(run)


def _draw_curves(run: Run) -> None:
    figures.try_save(run.to_write("curves.png"), lambda: run_curves(run))


def run_curves(run: Run) -> "Figure":
    """Return the figure of a run's history, as in ``curves.png``."""
    training = run.read_json("training.json")
    images = counted(run.data.train, "training image")
    validation = counted(training["validation_images"], "validation image")
    return plots.curves(
        run.history(),
        f"Training of {run.recipe}",
        kept=training.get("weights_of_epoch"),
        within=_within(run.config),
        metrics=run.config.training.watched,
        caption=f"{run.caption}; {run.config.data.title}, {images}, {validation}.",
    )


def _within(config: RunConfig) -> list[str]:
    """Return what makes the training figures differ from the validation figures."""
    training = config.training
    parts = {
        "dropout": any(getattr(config.model, "dropout_rates", ())),
        "augmented images": any(not one.mixes for one in training.policy),
        "mixed images": mixes(training.policy),
        "smoothed labels": training.label_smoothing > 0,
        "class weights": training.class_weight != "none",
        "image weights": training.weighting.enabled,
        "balanced classes": training.sampling == "balanced",
        "distillation": training.distillation.enabled,
        f"loss {training.loss}": training.loss != "cross_entropy",
    }
    return [name for name, applies in parts.items() if applies]


def _check_fit(model: keras.Model, name: str, fit: TrainingConfig, dataset: Dataset) -> None:
    """Check that the model fits the classes and the shape of the images, and what watches it."""
    tensorboard.check(fit)
    runs.check_teacher(fit.distillation, dataset)
    classes, known = model.output_shape[-1], len(dataset.class_names)
    if classes != known:
        raise ConfigError(f"{name} has num_classes={classes}, but the data has {known} classes.")
    check_shape(model.input_shape[1:], dataset.image_shape)


def train_once(
    entry: Recipe, config: RunConfig, path: Path, display: TrainingDisplay, data: Dataset
) -> Run:
    """Return the finished run at ``path``.

    A run with the same config and images in the same environment is resumed; any other is replaced,
    and so are a fork and one with callbacks of its own.
    Ctrl-C raises KeyboardInterrupt, and a next call resumes.
    """
    run = _same_run(path, entry.name, config)
    if run is not None and run.stored_data and _images(run.stored_data) != _images(data.describe()):
        run = None  # the config of arrays does not have the images
    if run is not None and run.finished:
        return run
    new = run is None
    with releasing():
        run, interrupted = train_run(
            entry, config, path, display=display, data=data, force=new, resume=not new
        )
    if interrupted:
        raise KeyboardInterrupt
    return run


def _images(data: Description) -> tuple[Any, ...]:
    """Return what tells images and classes from others; an older description has nothing else."""
    return data.digest, data.test_digest, data.class_names


def _same_run(path: Path, name: str, config: RunConfig) -> Run | None:
    """Return the run there if this config alone made it, in this environment from its beginning."""
    if not runs.is_run(path):
        return None
    run = runs.open_run(path)
    trained_in = run.environments
    moved = len(trained_in) != 1 or environment.changes(trained_in[0], environment.describe())
    same = (run.recipe, runs.as_stored(run.config)) == (name, runs.as_stored(config))
    return run if same and not moved and not run.ensemble and not runs.aside(run) else None
