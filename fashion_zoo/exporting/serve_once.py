"""Serve a SavedModel once: ``python serve_once.py FOLDER IMAGES.npy OUTPUTS.npz``.

A program of its own, which ``parity`` starts. It has TensorFlow and numpy, and neither keras nor
this package, as a server elsewhere.
"""

import sys

import numpy as np

# TensorFlow imports keras where it finds it; a server elsewhere may not have it.
sys.modules["keras"] = sys.modules["fashion_zoo"] = None  # type: ignore[assignment]  # None blocks them
import tensorflow as tf  # noqa: E402  # after the two are blocked

_BATCH = 1000  # images

folder, asked, answered = sys.argv[1:]
serve = tf.saved_model.load(folder).signatures["serving_default"]
images = np.load(asked)
parts = [
    {name: value.numpy() for name, value in serve(images=tf.constant(batch)).items()}
    for batch in np.array_split(images, max(len(images) // _BATCH, 1))
]
outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
outputs["class_name"] = outputs["class_name"].astype(str)
np.savez(answered, **outputs)  # type: ignore[arg-type]  # the stub mistakes names for options
