"""Tiny recipes, and a folder of their published weights."""

import contextlib
import dataclasses
import hashlib
from pathlib import Path

import pytest

import fashion_zoo
from fashion_zoo import registry
from fashion_zoo.weights import manifest, publishing

WORD = "fashion_mnist"
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


def rewritten(folder: Path, data: bytes | None = None, **fields):
    """Bind the row of ``tiny_mlp`` again, with fields changed, or to other bytes of its file."""
    rows = {row.recipe: row for row in manifest.read_manifest(folder)}
    row = rows["tiny_mlp"]
    if data is not None:
        (folder / row.file).write_bytes(data)
        fields |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    rows["tiny_mlp"] = dataclasses.replace(row, **fields).signed()
    manifest.write_manifest(folder, rows.values())
