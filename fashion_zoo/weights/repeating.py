"""The calls that train a run again, after those that train its teacher or its members.

They are lines of Python, which run in any folder: what they make is in ``runs/teacher`` and beside
it. Only what the settings of runs say is repeated.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fashion_zoo.config.distillation import digest_of
from fashion_zoo.config.overrides import changes
from fashion_zoo.errors import Call, Hint, RunError, advice
from fashion_zoo.registry import recipe, source_of
from fashion_zoo.runs import Run, aside, check_finished, open_run

WORD = re.compile(r"[\w:.-]+")
"""A source of images that is the same everywhere: its word has no arguments, such as paths."""
_TEACHER = "runs/teacher"


def command_of(run: Run) -> str:
    """Return the calls that train a run again, one a line.

    The recipe of the run is taken to be known there, and those of other runs are loaded first.

    Raises:
        RunError: if a run, its teacher, or a member of that is not finished, has moved, has another
            model by now, or was made by more than its settings.
        ConfigError: if the model of one cannot be read.
    """
    return "\n".join(dict.fromkeys(_lines(run)))  # members may load the same recipes


def _lines(run: Run, place: str = "") -> list[str]:
    """Return the calls that make a run in a folder, by default that which ``train`` chooses."""
    check_finished(run)
    if run.ensemble:
        return _combining(run, place)
    entry = recipe(run.recipe)
    changed = changes(entry.config, run.config)
    source = source_of(entry) if place else None
    lines = [f'fashion_zoo.load_recipes("{source}")'] if source else []
    chosen = run.config.training.distillation
    if chosen.teacher is not None:
        folder = f"{place}.teacher" if place else _TEACHER
        lines += _lines(_used(chosen.teacher, chosen.digest, run), folder)
        training = changed["training"]
        its = {name: one for name, one in training["distillation"].items() if name != "digest"}
        changed["training"] = {**training, "distillation": {**its, "teacher": folder}}
    train = Call("train", (entry.name,), _hints(changed))
    if reason := _beside(run, changed):
        raise RunError(
            f"{run.path} {reason}, which the command of a row does not repeat. Train it again by "
            "its settings alone: ",
            train,
            ".",
        )
    if place:
        train = Call("train", (entry.name,), _hints({**changed, "run_dir": place}))
    return [*lines, str(train)]


def _hints(settings: Mapping[str, Any]) -> tuple[Hint, ...]:
    return tuple(map(Hint, settings, settings.values()))


def _combining(run: Run, place: str) -> list[str]:
    """Return the calls that train the members of an ensemble and combine them in a folder."""
    made, lines, places = dict(run.ensemble or {}), [], []
    for number, member in enumerate(made["members"], start=1):
        if member["path"].endswith(".keras"):
            raise RunError(
                f"{run.path} is an ensemble of snapshots, such as {member['path']}, which the "
                "command of a row does not repeat. Teach with an ensemble of whole runs."
            )
        places.append(f"{place}.{number}")
        lines += _lines(_used(member["path"], member["digest"], run), places[-1])
    settings = {"runs": places, "method": made["method"], "to": place}
    if made.get("temperature") is not None:
        settings["temperature"] = True
    return [*lines, str(Call("ensemble", (), _hints(settings)))]


def _used(place: str, digest: str | None, by: Run) -> Run:
    """Return the run that another one was made with, whose model must still be the same."""
    note = f"{by.path} was made with {place}, whose training its row names, too."
    with advice(lambda _: note):
        run = open_run(place)
        run.check_model()
        if digest_of(run.path) != digest:
            raise RunError(
                f"{place} has another model than the one that {by.path} was made with. Put that "
                "one back, or make a new run with this one."
            )
    return run


def _beside(run: Run, changed: Mapping[str, Any]) -> str | None:
    """Return what made a run and would be lacking elsewhere, in words; None if nothing did."""
    if other := aside(run):
        return other
    if not WORD.fullmatch(run.config.data.source):
        return f"was trained on {run.config.data.source!r}"
    for name, path in _paths(changed):
        return f"was trained with {name} {path!r}"
    return None


def _paths(changed: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, str]]:
    """Yield the settings that are a path of this machine, such as ``data.exclude``."""
    for name, value in changed.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{section}{name}.")
        elif isinstance(value, str) and os.path.isabs(value):
            yield f"{section}{name}", value
