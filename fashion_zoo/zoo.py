"""The functions of the package. Each checks as much as possible before it loads Keras.

``name`` is that of a registered recipe, ``config`` a RunConfig, by default the recipe's, and
``**overrides`` are fields of it: ``seed=3``, ``training={"epochs": 5}``. ``data`` is a source,
fields of DataConfig, a Dataset, or arrays, ``(x, y)`` or ``(x, y, x_test, y_test)``, with their
``data_settings``: see ``fashion_zoo.data.load``. A run is its folder, or a result of ``open_run``
or ``train``; if it was trained on arrays, pass the same ``data`` again. ``force`` replaces existing
output. ``progress`` is True, False, or "auto": on a terminal and in a notebook. All raise
ConfigError for a name or a value that is not allowed.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fashion_zoo import registry, runs, spaces
from fashion_zoo.config import DataConfig, RunConfig, SearchConfig
from fashion_zoo.config.overrides import override, override_each
from fashion_zoo.config.switches import check_switches
from fashion_zoo.data import Dataset, load_for
from fashion_zoo.errors import Call, Message, advice
from fashion_zoo.evaluation import evaluate
from fashion_zoo.exporting import IN_RUN, check_exportable
from fashion_zoo.exporting.export import export
from fashion_zoo.language import checks
from fashion_zoo.language.arguments import Place, checked
from fashion_zoo.machine.devices import check_eager, releasing
from fashion_zoo.runs import Trained, TrainingInterrupted
from fashion_zoo.show import figures
from fashion_zoo.show.progress import TrainingDisplay
from fashion_zoo.show.waiting import Progress, is_shown, waiting
from fashion_zoo.spaces import TrainingSpace
from fashion_zoo.storage import absolute, databases
from fashion_zoo.weights.starting import Head, Weights, find_start

if TYPE_CHECKING:
    import keras

    from fashion_zoo.training.lr_finder import RangeTest
    from fashion_zoo.tuning import Tuned


@checked
def get(
    name: str,
    *,
    weights: Weights | None = None,
    head: Head = "stored",
    seed: int | None = None,
    precision: str | None = None,
    **overrides: Any,
) -> "keras.Model":
    """Build and compile a recipe's model, ready for Keras's own ``fit``.

    Args:
        name: the recipe.
        weights: what to start from: the word of published weights, such as ``"fashion_mnist"``, or
            a run of the recipe, whose model config is then the default. By default initial weights.
        head: ``"new"`` leaves the last layer untrained, so that ``num_classes`` may be another.
        seed: seed of the initial weights and the dropout masks; by default the recipe's.
        precision: precision of the layers, as in RunConfig; by default the recipe's.
        **overrides: fields of the recipe's model config, such as ``hidden_units=(256, 128)``.

    Returns:
        A functional model from (batch, *input_shape) pixels in 0..255 to (batch, num_classes)
        float32 logits, compiled with the recipe's optimizer at its constant base learning rate,
        cross-entropy from integer labels, and accuracy. Only ``train`` applies schedules.

    Raises:
        WeightsError: if published weights are missing, damaged, or of other settings than these.

    Example:
        ```python
        data = fashion_zoo.data.load()
        model = fashion_zoo.get("bn_mlp")
        model.fit(*data.train, batch_size=256, epochs=5, validation_data=data.validation)
        ```
    """
    check_eager(scope=False)
    entry = registry.recipe(name)
    given = {"seed": seed, "precision": precision}
    changes = {field: value for field, value in given.items() if value is not None}
    start = find_start(entry, weights, head)
    base = override(entry.config, {"model": start.model} if start else {})
    config = override(base, {"model": overrides, **changes})

    from fashion_zoo.training.fit import build_model, compile_model
    from fashion_zoo.training.plan import plan

    still = plan(config)
    model = build_model(entry, config.model, still)
    if start:
        start.restore(model, config.model, head)
    return compile_model(model, still)


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
    data: Any = None,
    data_settings: Mapping[str, Any] | None = None,
    devices: Literal["one", "all"] | None = None,
    **overrides: Any,
) -> Trained:
    """Train a recipe into a run folder, then evaluate it on the test images and export it.

    ``resume=True`` resumes the training in ``run_dir`` after its last whole epoch, or begins one if
    there is none. The result equals that of an uninterrupted training, bit for bit on the same
    machine. ``fork`` is a run from whose weights, optimizer, history and epochs the new one starts;
    it must have the same model and optimizer. With either, ``config`` is by default that of the
    run. ``run_dir`` is by default ``runs/NAME-DATE-TIME``, or with -2, -3, ... if it is there.
    ``devices="all"`` divides each batch among all devices of this machine; by default one trains.

    ``callbacks`` are your own Keras callbacks, called before an epoch is stored: numbers that they
    add to the logs are written to ``history.csv``. To keep its state in the checkpoint, a callback
    has ``state()``, which returns a dictionary of JSON values and lists of arrays, and
    ``restore(state)``. A run does not store callbacks: pass them again with ``resume``.

    Raises:
        TrainingInterrupted: after Ctrl-C, a KeyboardInterrupt; the training so far is saved.
    """
    entry = registry.recipe(name)
    runs.check_free(run_dir, force=force, resume=resume)
    path = absolute(runs.default_run_dir(name) if run_dir is None else run_dir)
    base = config or runs.stored_config(name, path if resume else None, fork)
    data = {"source": fspath(data)} if isinstance(data, str | PathLike) else data
    fields = {"data": data} if isinstance(data, Mapping | DataConfig) else {}
    chosen = override(base, {**overrides, **fields})
    if not (resume and runs.is_run(path)):  # whose settings never change
        check_switches(chosen.training)
    display = TrainingDisplay(enabled=progress)
    results = [word for word, asked in (("evaluation", evaluate), ("parity", export)) if asked]
    given = data_settings is not None or (data is not None and not fields)
    if resume and not given and (done := runs.finished(path, name, chosen, results)):
        display.say(f"{path} is finished: nothing is left to train.")
        return _measured(done, None, evaluate, export, progress)
    with runs.naming_again(chosen.data.source if resume else ""):
        chosen, images = load_for(chosen, entry.config.model, data, data_settings, overrides)
    runs.check_teacher(chosen.training.distillation, images)
    from fashion_zoo.training.session import train_run

    if export:
        check_exportable(path / IN_RUN)  # before the training, which takes minutes
    run, interrupted = train_run(
        entry, chosen, path, fork=Path(fork) if fork else None, display=display, devices=devices,
        callbacks=callbacks, force=force, resume=resume, next_free=run_dir is None, data=images,
    )  # fmt: skip
    trained = Trained(run, run.read_json("training.json"), None, None)
    if interrupted and not trained.training["finished"]:
        raise TrainingInterrupted(trained)
    call = Call("evaluate", (str(run.path),))
    with advice(lambda _: Message("The trained model is saved. Evaluate it with: ", call)):
        if interrupted:  # Ctrl-C came with the last epoch
            raise KeyboardInterrupt
        return _measured(trained, images, evaluate, export, progress)


def _measured(
    trained: Trained, images: Dataset | None, evaluates: bool, exports: bool, progress: Progress
) -> Trained:
    """Evaluate and export a trained run unless that is done."""
    run, evaluation, parity = trained.run, None, None
    if evaluates:
        evaluation = run.result("evaluation") or evaluate(run, data=images, progress=progress)
    if exports:
        to = run.path / IN_RUN
        parity = run.result("parity") or export(run, to, data=images, progress=progress)
    return trained._replace(evaluation=evaluation, parity=parity)


@checked
@releasing()
def tune(
    name: str,
    *,
    search: SearchConfig | None = None,
    space: TrainingSpace | Mapping[str, Any] | None = None,
    config: RunConfig | None = None,
    study_dir: Place | None = None,
    storage_url: str | None = None,
    study_name: str | None = None,
    progress: Progress = "auto",
    command: str | None = None,
    data: Any = None,
    data_settings: Mapping[str, Any] | None = None,
    **settings: Any,
) -> "Tuned":
    """Search for the hyperparameters of a recipe, on the validation images.

    The first trial is the recipe with its defaults. Everything is kept in one Optuna study, in a
    SQLite file or on a server: the same call resumes the search, and any number of processes may
    make it at the same time. At the end the best trials are trained again with fresh seeds, because
    the score that selects a trial is too good on average. The test images are not used.

    ``search`` holds the settings of the search, and ``**settings`` are fields of it, such as
    ``trials=20``, and of RunConfig. ``space`` is a space, or ranges that replace some of the
    recipe's. The study folder is by default ``studies/NAME``, ``storage_url`` a file in it (else
    ``sqlite:///FILE`` or ``postgresql://...``), ``study_name`` the recipe's. ``report.html`` shows
    ``command`` as the command of the search.

    Raises:
        StudyError: if the storage cannot be opened, or holds another search.
        KeyboardInterrupt: after Ctrl-C; the next call runs the trial again.

    Example:
        ```python
        found = fashion_zoo.tune("bn_mlp", trials=20, training={"epochs": 10})
        fashion_zoo.train("bn_mlp", config=fashion_zoo.read_config(found.best, "bn_mlp"))
        ```
    """
    entry, shown = registry.recipe(name), is_shown(progress)
    base, asked = override_each([config or entry.config, search or SearchConfig()], settings)
    check_switches(base.training)
    base, images = load_for(base, entry.config.model, data, data_settings, settings, batches=False)
    chosen = spaces.narrowed(entry.space, space, base)
    spaces.check_images(chosen.parameters(base), base, asked.folds, images)
    runs.check_teacher(base.training.distillation, images, folds=asked.folds)
    folder, url = databases.study_place(name, study_dir, storage_url, study_name)
    databases.check_folder(folder, url)
    with waiting("Opening the study", shown):
        from fashion_zoo import tuning  # seconds

    return tuning.tune(
        entry, base, chosen, asked, folder, url, study_name or name,
        data=images, progress=shown, command=command,
    )  # fmt: skip


@checked
def dashboard(
    name: str, *, study_dir: Place | None = None, storage_url: str | None = None, port: int = 8080
) -> None:
    """Serve Optuna's dashboard of a search by ``tune`` at ``http://localhost:PORT`` until Ctrl-C.

    Raises:
        StudyError: if there is no study, or its storage cannot be opened.
    """
    registry.recipe(name)
    checks.whole("port", port, 1, 65535)

    from fashion_zoo.tuning import serve

    serve(databases.study_place(name, study_dir, storage_url)[1], port)


@checked
@releasing()
def find_lr(
    name: str,
    *,
    config: RunConfig | None = None,
    to: Place | None = None,
    force: bool = False,
    show: "Callable[[RangeTest], None] | None" = None,
    seeds: int = 3,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    progress: Progress = "auto",
    data: Any = None,
    data_settings: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> "RangeTest":
    """Find a learning rate by a range test: one sweep per seed, from ``low`` to ``high``.

    It has no side effects: a training after it is the same, bit for bit. ``show`` is called with
    the result, before the curves are plotted into the picture ``to``. The result has rates, losses
    and four suggestions, each with its range over the seeds; ``fashion_zoo.training.lr_finder``
    explains them.

    Raises:
        TrainingError: if the loss diverged at once.
        StorageError: if another file is at ``to``.
    """
    figures.check_place(to, force=force)
    entry = registry.recipe(name)
    chosen = override(config or entry.config, overrides)
    checks.sweep(seeds, low, high, steps)
    chosen, images = load_for(chosen, entry.config.model, data, data_settings, overrides)
    runs.check_teacher(chosen.training.distillation, images)

    from fashion_zoo.training import lr_finder

    return lr_finder.find_lr(
        entry, chosen, images, to, show=show, progress=progress,
        seeds=seeds, low=low, high=high, steps=steps,
    )  # fmt: skip
