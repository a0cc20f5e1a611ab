"""A data set of what a source has read: the one place that checks, converts and splits."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fashion_zoo.config import DataConfig
from fashion_zoo.config.digest import default
from fashion_zoo.config.renames import check_name
from fashion_zoo.data import conversion, split
from fashion_zoo.data.dataset import Dataset, Images, Part, Positions
from fashion_zoo.data.sources import Raw, Source
from fashion_zoo.data.sources.arrays import APART
from fashion_zoo.errors import ConfigError, DataError, Hint
from fashion_zoo.language.wording import counted, listed, unknown

_OF_SOME = ("folder", "label", "skip_broken", "test", "validation", "seed")
_FIELDS = {field.name: field for field in dataclasses.fields(DataConfig)}


def check_settings(config: DataConfig, source: Source) -> None:
    """Raise ConfigError if a setting is set that a source does not use."""
    for field in dataclasses.fields(config):
        changed = getattr(config, field.name) != default(field)
        if field.name == "seed" and config.long_tail is not None:
            continue  # it chooses the images of the tail
        if changed and not _is_taken(field.name, source):
            uses = f", which uses {listed(source.takes)}" if source.takes else ""
            raise ConfigError(
                Hint(f"data.{field.name}"), f" has no effect on {config.title}{uses}. Leave it out."
            )


def check_names(settings: Mapping[str, Any], source: Source) -> None:
    """Raise ConfigError for a setting of arrays that is unknown."""
    for name in settings:
        if name not in _FIELDS:
            check_name(DataConfig, name)
            taken = [one for one in _FIELDS if _is_taken(one, source) and one != "source"]
            raise ConfigError(unknown("option of arrays", name, [*taken, "class_names"]))


def _is_taken(name: str, source: Source) -> bool:
    return name not in _OF_SOME or name in source.takes


def _check_shares(config: DataConfig, raw: Raw) -> None:
    """Raise ConfigError for the share of a part that the source has; an older run has them all."""
    for name in ("test", "validation") if config.source != APART else ():
        if getattr(raw, name) is not None and getattr(config, name) != default(_FIELDS[name]):
            raise ConfigError(
                f"{config.title} has {name} images of its own. Leave out ",
                Hint(f"data.{name}"),
                ".",
            )


def assemble(config: DataConfig, raw: Raw) -> Dataset:
    """Check, convert and split what a source has read.

    Raises:
        ConfigError: if a setting does not fit it, or the class names are no different texts.
        DataError: if it has no images, no label for each, one class, or a class with too few.
    """
    _check_shares(config, raw)
    given = {"train": raw.train, "validation": raw.validation, "test": raw.test}
    names = conversion.names_in(raw.train, raw.class_names)
    read = {part: conversion.images_in(one, names) for part, one in given.items() if one}
    if len(names) < 2:
        raise DataError(f"{raw.train.of_labels} has one class; a model tells at least two apart.")
    shape = read["train"].images.shape[1:]
    for part, one in given.items():
        if one and (other := read[part].images.shape[1:]) != shape:
            raise DataError(
                f"{raw.train.of_images} has images of {shape}, and {one.of_images} of {other}; "
                "they must be the same."
            )
    converted = {
        part: Images(conversion.convert(one.images, config), one.labels)
        for part, one in read.items()
    }
    del read, given
    positions, copies = _positions(config, converted, names, raw.train.of_labels)
    whole = converted["train"]
    if own := converted.get("validation"):
        whole = Images(*map(np.concatenate, zip(whole, own, strict=True)))
    parts: dict[Part, Images] = {"train": whole, "test": converted.get("test", whole)}
    notes = [*raw.notes, *conversion.notes_of(shape, config)]
    if copies:
        notes.append(f"{counted(copies, 'image')} left out as copies of validation or test images")
    found = Dataset(
        config, names, whole.images.shape[1:], positions, parts.__getitem__, in_memory=True,
        notes=tuple(notes),
    )  # fmt: skip
    return _excluded(found, whole.labels)


def _positions(
    config: DataConfig, read: dict[str, Images], names: Sequence[str], where: str
) -> tuple[Positions, int]:
    """Return which image is in which part, and how many are left out as copies of others."""
    labels, shares = read["train"].labels, {"validation": 0.0, "test": 0.0}
    for name in shares.keys() - read.keys():
        shares[name] = getattr(config, name)
    if config.source == APART:
        equal, kept = np.arange(len(labels)), np.full(len(labels), True)
    else:
        marks = {part: split.marks(one.images) for part, one in read.items()}
        equal, tested = split.first_equals(marks["train"]), set(marks.get("test", ()))
        held_out = tested.union(marks.get("validation", ()))
        kept = np.array([mark not in held_out for mark in marks["train"]])
    positions = split.split(
        labels, names, equal, seed=config.seed, kept=kept, where=where, **shares
    )
    copies = int((~kept).sum())
    if "validation" in read:  # behind those of the training
        own = [place for place, mark in enumerate(marks["validation"]) if mark not in tested]
        copies += len(marks["validation"]) - len(own)
        positions = positions._replace(validation=len(labels) + np.array(own, np.int64))
    if "test" in read:
        positions = positions._replace(test=np.arange(len(read["test"].labels)))
    return positions, copies


def _excluded(found: Dataset, labels: np.ndarray | None) -> Dataset:
    """Leave out the images that ``data.exclude`` names."""
    if found.origin.exclude is None:
        return found
    count = sum(map(len, found.positions[:2])) if labels is None else len(labels)
    positions, note = split.without(found.positions, found.origin.exclude, count)
    if labels is not None:
        here = np.bincount(labels[positions.train], minlength=len(found.class_names))
        if not here.all():
            name = found.class_names[int(here.argmin())]
            raise DataError(
                f"{found.origin.exclude} leaves no image of class {name!r} to train on."
            )
    return dataclasses.replace(found, positions=positions, notes=(*found.notes, note))


def adapt(found: Dataset) -> Dataset:
    """Add the conversions and exclusions of its config to a data set that a source made."""
    config, shape, original = found.origin, found.image_shape, found.read
    if notes := conversion.notes_of(shape, config):

        def read(part: Part) -> Images:
            images, labels = original(part)
            return Images(conversion.convert(images, config), labels)

        new = conversion.shape_of(shape, config)
        notes = (*found.notes, *notes)
        found = dataclasses.replace(found, image_shape=new, read=read, notes=notes)
    return _excluded(found, None)
