"""Settings that are stored come back as what they were."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import RunConfig, open_run, override, registry, runs
from fashion_zoo.runs.stored import as_stored, revived
from fashion_zoo.training import session


class Kind(Enum):
    WIDE = "wide"
    DEEP = "deep"


@dataclasses.dataclass(frozen=True)
class Block:
    units: tuple[int, ...] = (4,)
    file: Path | None = None


@dataclasses.dataclass(frozen=True)
class OwnConfig:
    widths: tuple[int, ...] = (16, 8)
    nested: tuple[tuple[int, float], ...] = ((1, 0.5), (2, 0.25))
    pair: tuple[str, tuple[int, ...]] = ("a", (1, 2))
    bare: tuple = (1, (2, (3,)))
    perhaps: tuple[int, ...] | None = None
    listed: list[tuple[int, int]] = dataclasses.field(default_factory=lambda: [(1, 2)])
    loose: Sequence[int] = (1, 2)
    anything: Any = (1, (2, 3))
    rates: dict[int, tuple[float, ...]] = dataclasses.field(default_factory=lambda: {1: (0.5,)})
    plain: dict = dataclasses.field(default_factory=lambda: {3: "c"})
    named: Mapping[str, Path] = dataclasses.field(default_factory=lambda: {"a": Path("b")})
    folder: Path = Path("somewhere")
    place: Path | None = None
    either: float | tuple[float, ...] = 0.5
    kinds: frozenset[int] = frozenset({2, 1})
    kind: Kind = Kind.WIDE
    block: Block = Block()
    blocks: tuple[Block, ...] = (Block(), Block((2, 3), Path("x")))
    table: Any = dataclasses.field(default=None)


CHANGES = {
    "widths": (4,),
    "perhaps": (1, 2),
    "place": Path("elsewhere"),
    "either": (0.5, 0.25),
    "kind": Kind.DEEP,
    "block": {"units": (7,), "file": Path("y")},
}


@pytest.mark.parametrize("config", [OwnConfig(), override(OwnConfig(), CHANGES)])
def test_every_kind_of_setting_comes_back_as_what_it_was(config):
    stored = as_stored(config)
    assert json.loads(json.dumps(stored)) == stored
    again = override(OwnConfig(), revived(OwnConfig(), stored))
    assert again == config
    assert [type(value) for value in dataclasses.astuple(again)] == [
        type(value) for value in dataclasses.astuple(config)
    ]


def test_numbers_of_numpy_are_stored_as_numbers():
    config = override(OwnConfig(), {"table": np.arange(3, dtype="int8"), "either": np.float32(0.5)})
    assert (as_stored(config)["table"], as_stored(config)["either"]) == ([0, 1, 2], 0.5)


def own(config, *, seed=0, dtype="float32"):
    """A family of somebody's own."""


@pytest.fixture
def entry(monkeypatch):
    """Its recipe, which nobody trains."""
    fashion_zoo.list_recipes()  # so that the others are found, and stay
    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))
    fashion_zoo.register(RunConfig(model=OwnConfig()), parameters=1)(own)
    return fashion_zoo.recipe("own")


@pytest.mark.parametrize("changes", [{}, CHANGES])
def test_a_run_of_a_family_of_ones_own_is_the_run_that_it_was(
    entry, changes, tmp_path, monkeypatch
):
    config = override(entry.config, {"model": changes})
    with runs.create(tmp_path / "r", "own", config, {"precision": {}}) as run:
        pass
    run = open_run(run.path)
    assert run.config == config
    runs.check_same(run, "own", config)
    monkeypatch.setattr(session.environment, "describe", dict)
    assert session._same_run(run.path, "own", config) == run  # so that nothing trains it anew
    other = override(config, {"model": {"widths": (16, 9)}})
    with pytest.raises(fashion_zoo.RunError, match=r"model\.widths: \(.*\), now \(16, 9\)"):
        runs.check_same(run, "own", other)
    assert session._same_run(run.path, "own", other) is None


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "tall"), ("blocks", [{"depth": 3}]), ("rates", {"a": [0.5]})]
)
def test_stored_settings_that_do_not_fit_are_answered_in_a_sentence(name, value, entry, tmp_path):
    with runs.create(tmp_path / "r", "own", entry.config, {}) as run:
        pass
    file = run.path / "config.json"
    stored = json.loads(file.read_text())
    stored["config"]["model"][name] = value
    file.write_text(json.dumps(stored))
    with pytest.raises(fashion_zoo.RunError, match="its settings do not fit own: "):
        open_run(run.path)
