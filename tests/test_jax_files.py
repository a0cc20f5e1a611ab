"""A file that jax trained, loaded under tensorflow; see ``tests/data/README.md``."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from rounding import SUMS

from fashion_zoo import layers, optimizers

STORED = Path(__file__).parent / "data" / "jax_trained.npz"


def test_a_file_that_jax_trained_gives_equal_outputs_under_tensorflow(images):
    assert keras.backend.backend() == "tensorflow"
    assert layers.ScheduledDropout
    assert optimizers.TabulatedSchedule
    stored = np.load(STORED)
    model = keras.saving.load_model(STORED.with_suffix(".keras"))
    outputs = keras.ops.convert_to_numpy(model(images.images[:20]))
    assert np.abs(outputs - stored["logits"]).max() < SUMS


@pytest.mark.slow
def test_a_file_that_jax_trains_now_gives_equal_outputs_under_tensorflow(images, tmp_path):
    script = STORED.with_name("make_jax_trained.py")
    subprocess.run(
        [sys.executable, "-P", str(script), str(tmp_path / "fresh")],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    fresh = np.load(tmp_path / "fresh.npz")
    model = keras.saving.load_model(tmp_path / "fresh.keras")
    outputs = keras.ops.convert_to_numpy(model(images.images[:20]))
    assert np.abs(outputs - fresh["logits"]).max() < SUMS
