"""Build and train."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fashion_zoo import registry, runs
from fashion_zoo.config import RunConfig
from fashion_zoo.config.overrides import override
from fashion_zoo.data import agreed, load
from fashion_zoo.errors import Call, ConfigError, Hint, Message, advice
from fashion_zoo.language.arguments import AnyPath, Place, checked
from fashion_zoo.language.wording import counted
from fashion_zoo.machine.devices import check_eager, releasing
from fashion_zoo.runs import Run
from fashion_zoo.show.waiting import waiting
from fashion_zoo.show.watching import Progress
from fashion_zoo.storage.paths import absolute

if TYPE_CHECKING:
    import keras


@checked
def get(
    name: str, *, seed: int | None = None, precision: str | None = None, **overrides: Any
) -> "keras.Model":
    """Build and compile a recipe's model, ready for Keras's own ``fit``.

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
            is not allowed; or the call is inside a ``tf.function`` or a ``tf.Graph``.

    Example:
        ```python
        data = fashion_zoo.data.load()
        model = fashion_zoo.get("bn_mlp")
        model.fit(*data.train, batch_size=256, epochs=5, validation_data=data.validation)
        ```
    """
    check_eager(scope=False)
    entry = registry.recipe(name)
    changes: dict[str, Any] = {"model": overrides}
    changes |= {} if seed is None else {"seed": seed}
    changes |= {} if precision is None else {"precision": precision}
    config = override(entry.config, changes)

    from fashion_zoo.training import build_model, compile_model

    return compile_model(build_model(entry, config), config)


@checked
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
    """``evaluation.json``; None without evaluation."""
    parity: dict[str, Any] | None
    """``saved_model/parity.json``; None without export."""

    def __fspath__(self) -> str:
        """Return the run folder, so that this is taken wherever the path of a run is."""
        return str(self.run.path)

    def __repr__(self) -> str:
        return repr(self.run)

    def _repr_html_(self) -> str:
        return self.run._repr_html_()

    @property
    def model(self) -> "keras.Model":
        """The trained model, loaded from the run."""
        return self.run.load_model()

    @property
    def history(self) -> dict[str, list[float]]:
        """What ``history.csv`` holds: column name to one value per epoch."""
        return self.run.history()


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a training, and what was trained so far is saved.

    It is raised, so that nothing goes on with a model that is not trained to its end.
    """

    def __init__(self, trained: Trained):
        epochs = counted(trained.training["epochs"], "whole epoch")
        super().__init__(f"Interrupted after {epochs}. What is trained so far is saved.")
        self.trained = trained
        """The run as it is."""


@checked
@releasing()
def train(
    name: str,
    *,
    config: RunConfig | None = None,
    run_dir: Place | None = None,
    force: bool = False,
    resume: bool = False,
    fork: Place | None = None,
    evaluate: bool = True,
    export: bool = True,
    progress: Progress = "auto",
    callbacks: Sequence[Any] = (),
    **overrides: Any,
) -> Trained:
    """Train a recipe into a run folder, then evaluate and export it.

    Ctrl-C ends the training cleanly: what is trained so far is saved, nothing is evaluated, and
    ``TrainingInterrupted``, a KeyboardInterrupt, is raised.
    However a training ended, ``resume=True`` goes on after its last whole epoch, and the result
    equals that of a training that never stopped, bit for bit on the same machine.

    Args:
        name: a registered recipe.
        config: the whole config; by default that of the run to go on with or to fork, or else the
            recipe's.
        run_dir: the run folder; by default ``runs/NAME-DATE-TIME``, and -2, -3, ... behind it where
            another training began in the same second.
        force: replace an older run in ``run_dir``.
        resume: go on with the run in ``run_dir``; where there is none, begin one.
        fork: a run whose weights, optimizer, history and epochs the new one starts from; its
            model and optimizer cannot change, all else can.
        evaluate: evaluate on the test images at the end.
        export: write a SavedModel into the run at the end.
        progress: show the progress: True, False, or "auto" in a terminal and in a notebook.
        callbacks: Keras callbacks of your own. They are called after those of this package, so that
            they see the complete logs of an epoch, and before it is stored: numbers that they add
            to the logs go into ``history.csv``. What one has to remember over a kill it returns
            from ``state()``, a dictionary of what JSON holds and of lists of arrays, and takes back
            in ``restore(state)``; any other begins anew. A run does not store them: give them again
            with ``resume``.
        **overrides: fields of RunConfig, such as ``seed=3`` or ``training={"epochs": 5}``.

    Raises:
        FashionZooError: one of its children; see each.
        TrainingInterrupted: Ctrl-C; what is trained so far is saved.

    Example:
        ```python
        trained = fashion_zoo.train("bn_mlp", seed=3, training={"epochs": 5})
        trained.evaluation["accuracy"]
        ```
    """
    from fashion_zoo.show.progress import TrainingDisplay

    entry = registry.recipe(name)
    _check_resume(run_dir, force, resume)
    path = absolute(default_run_dir(name) if run_dir is None else run_dir)
    if run_dir is not None:
        runs.check_free(path, force=force, resume=resume)
    base = config or runs.stored_config(name, path if resume else None, fork)
    chosen, display = override(base, overrides), TrainingDisplay(enabled=progress)
    if resume and (done := _done(path, name, chosen, evaluate, export)):
        display.say(f"{path} is finished: nothing is left to train.")
        return done
    agreed(chosen, load(chosen.data))

    from fashion_zoo.exporting import check_exportable
    from fashion_zoo.training import train_run

    if export:
        check_exportable(path / "saved_model")  # before the minutes that the training takes
    ended = train_run(
        entry,
        chosen,
        path,
        force=force,
        resume=resume,
        fork=None if fork is None else Path(fork),
        display=display,
        callbacks=callbacks,
        next_free=run_dir is None,
    )
    training = ended.run.read_json("training.json")
    if ended.interrupted and not training["finished"]:
        raise _interrupted(Trained(ended.run, training, None, None))
    with advice(lambda _: _how_to_evaluate(ended.run)):
        if ended.interrupted:  # Ctrl-C came with the last epoch
            raise KeyboardInterrupt
        return _measured(ended.run, training, evaluate, export, progress)


def _measured(
    run: Run, training: dict[str, Any], evaluate: bool, export: bool, progress: Progress
) -> Trained:
    """Evaluate and export a run that is trained."""
    from fashion_zoo.evaluation import evaluate_run

    evaluation = parity = None
    if evaluate:
        with waiting("Evaluating on the test images", progress):
            evaluation = run.evaluation() or evaluate_run(run)
    if export:
        with waiting("Exporting, and comparing the export with the model", progress):
            parity = _parity(run)
    return Trained(run, training, evaluation, parity)


def _done(path: Path, name: str, config: RunConfig, evaluate: bool, export: bool) -> Trained | None:
    """Return a run to go on with that lacks nothing; this needs no keras.

    Raises:
        RunError: it is a run of another recipe, or with another config.
    """
    if not runs.is_run(path):
        return None
    run = runs.open_run(path)
    runs.check_same(run, name, config)
    evaluation, parity = run.evaluation(), run.parity()
    lacks = (evaluate and not evaluation) or (export and not parity)
    if lacks or not run.finished or not (path / "curves.png").exists():
        return None
    training = run.read_json("training.json")
    return Trained(run, training, evaluation if evaluate else None, parity if export else None)


def _interrupted(trained: Trained) -> TrainingInterrupted:
    interrupt = TrainingInterrupted(trained)
    hints = (Hint("run_dir", str(trained.run.path)), Hint("resume", True))
    call = Call("train", (trained.run.recipe,), hints)
    interrupt.add_note(Message(f"{interrupt} Go on with: ", call))
    return interrupt


def _check_resume(run_dir: AnyPath | None, force: bool, resume: bool) -> None:
    if resume and (force or run_dir is None):
        raise ConfigError(
            "resume needs a run folder and goes on with the run there; it cannot be combined with "
            "force, which replaces it. Set ",
            Hint("run_dir"),
            ", and leave out ",
            Hint("force"),
            ".",
        )


def _parity(run: Run) -> dict[str, Any]:
    from fashion_zoo.exporting import export_run

    return run.parity() or export_run(run, run.path / "saved_model")


def _how_to_evaluate(run: Run) -> Message:
    call = Call("evaluate", (str(run.path),))
    return Message("The trained model is saved. Evaluate it with: ", call)
