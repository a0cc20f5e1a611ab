"""Tiny recipes, and a folder of their published weights."""

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import NamedTuple

import pytest

import fashion_zoo
from fashion_zoo import WeightsError, registry
from fashion_zoo.weights import Published, manifest, publishing

WORD = "fashion_mnist"
TAUGHT = f"{WORD}.taught"
RECIPES = '''
from fashion_zoo import DataConfig, MLPConfig, RunConfig, TrainingConfig, register, register_variant
from fashion_zoo.models.mlp import mlp


@register(
    RunConfig(
        model=MLPConfig(hidden_units=(8,), normalization="batch(momentum=0.8)", dropout=(0.2,)),
        training=TrainingConfig(epochs=2, batch_size=10, learning_rate=1e-2),
        data=DataConfig(limit=400),
    ),
    parameters=6_386,
)
def tiny_mlp(config, *, seed=0, dtype="float32"):
    """One small layer."""
    return mlp(config, name="tiny_mlp", seed=seed, dtype=dtype)


register_variant("tiny_mlp.same", {"training": {"epochs": 1}}, summary="The same shapes.")
for kernels in ("spectral_normalization", "weight_standardization"):
    changes = {"model": {kernels: True}}
    register_variant(f"tiny_mlp.{kernels}", changes, summary="Kernels that are folded.")
'''


@contextlib.contextmanager
def registered(folder: Path):
    """Register the recipes of a file that is written into a folder, in the block alone."""
    file = folder / "tiny.py"
    file.write_text(RECIPES)
    registry.list_recipes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_recipes", dict(registry._recipes))
        patch.setattr(publishing, "_CHANGED", 100)  # so small a model is stored in float16, too
        fashion_zoo.load_recipes(file)
        yield file


def trained(place: Path, name: str = "tiny_mlp", **overrides):
    """Train a recipe into a run."""
    return fashion_zoo.train(name, run_dir=place, export=False, progress=False, **overrides)


def alternating(count: int):
    """Parametrize a test of ``shipped`` by a number, of the one file and the other in turn."""
    words = [(WORD, TAUGHT)[number % 2] for number in range(count)]
    return pytest.mark.parametrize(
        ("shipped", "number"), [*zip(words, range(count), strict=True)], indirect=["shipped"]
    )


class Shipped(NamedTuple):
    """A folder of published weights, and those of ``tiny_mlp`` in it that a test is about."""

    folder: Path
    word: str

    @property
    def manifest(self) -> Path:
        """The file of the rows."""
        return self.folder / manifest.FILE

    def row(self, name: str = "tiny_mlp", word: str = "") -> Published:
        """Return a row, by default the one that the test is about."""
        rows = {(row.recipe, row.weights): row for row in manifest.read_manifest(self.folder)}
        return rows[name, word or self.word]

    def file(self, name: str = "tiny_mlp", word: str = "") -> Path:
        """Return the file of a row."""
        return self.folder / self.row(name, word).file

    def load(self):
        """Return a model with the weights."""
        return fashion_zoo.get("tiny_mlp", weights=self.word)

    def refused(self, match: str = ""):
        """Loading is one sentence or two, which name the damaged file."""
        with pytest.raises(WeightsError, match=match) as caught:
            self.load()
        assert "published/" in str(caught.value)
        assert caught.value.exit_code == 10

    def rewrite(self, data: bytes | None = None, **fields):
        """Bind the row again, with fields changed, or to other bytes of its file."""
        rows, row = manifest.read_manifest(self.folder), self.row()
        if data is not None:
            (self.folder / row.file).write_bytes(data)
            fields |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        changed = dataclasses.replace(row, **fields).signed()
        manifest.write_manifest(self.folder, [changed if one == row else one for one in rows])
