"""A process that trains, predicts and sweeps again and again stays as large as it was.

glibc gives each thread an arena, and does not return the free memory at its end: as TensorFlow's
threads come to their work one after another, up to eight arenas a core grow to some MiB each, of
which nothing is in use. With one arena, what grows is what is kept.
"""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys, warnings
from pathlib import Path
import numpy as np
import fashion_zoo

small = {
    "model": {"hidden_units": (16, 8)}, "data": {"limit": 600},
    "training": {"epochs": 1, "batch_size": 100},
}
pictures = np.full((20, 28, 28), 9, "uint8")

def train(number):
    fashion_zoo.train("bn_mlp", run_dir=f"run-{number}", evaluate=False, export=False, **small)

def predict(number):
    fashion_zoo.predict("run-0", pictures)

def sweep(number):
    fashion_zoo.find_lr("bn_mlp", seeds=1, steps=20, **small)

def evaluate(number):
    fashion_zoo.evaluate("run-0")

def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20

call, times = globals()[sys.argv[1]], int(sys.argv[2])
if call is not train:
    train(0)
sizes = []
for number in range(times):
    call(number)
    sizes.append(resident())
print(json.dumps(sizes))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("call", "times"),
    [("train", 50), ("predict", 200), ("sweep", 20), ("evaluate", 12)],
)
def test_memory_grows_by_less_than_a_twentieth_after_the_third_call(call, times, tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, call, str(times)],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"MALLOC_ARENA_MAX": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    sizes = json.loads(done.stdout.splitlines()[-1])  # MiB
    print([round(size) for size in sizes])
    assert sizes[-1] < 1.05 * sizes[2], sizes
