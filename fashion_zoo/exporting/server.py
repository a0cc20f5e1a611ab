"""Predict with an export: ``python server.py SERVE FOLDER IMAGES.npy OUTPUTS.npz < SOURCE``.

``export`` runs this program, which imports neither keras nor this package. The source of the
format's function SERVE comes on the standard input.
"""

import sys

import numpy as np

# TensorFlow imports keras where it finds it; a server elsewhere may not have it.
sys.modules["keras"] = sys.modules["fashion_zoo"] = None  # type: ignore[assignment]  # None blocks them

_BATCH = 1000  # images

name, folder, inputs, results = sys.argv[1:]
found: dict = {}
exec(sys.stdin.read(), found)
answer = found[name](folder)
images = np.load(inputs)
parts = [answer(batch) for batch in np.array_split(images, max(len(images) // _BATCH, 1))]
outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
texts = (text.decode() if isinstance(text, bytes) else text for text in outputs["class_name"])
outputs["class_name"] = np.array([*texts])
np.savez(results, **outputs)  # type: ignore[arg-type]  # the stub mistakes names for options
