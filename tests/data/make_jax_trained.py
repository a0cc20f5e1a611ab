"""Train a small recipe with jax and store it with its outputs: ``make_jax_trained.py STEM``."""

import sys

import keras
import numpy as np

import fashion_zoo
from fashion_zoo.data import load, stratified

assert keras.backend.backend() == "jax", "set KERAS_BACKEND=jax"
part = load().read("train")
chosen = stratified(part.labels, 200)
images, labels = part.images[chosen], part.labels[chosen]
model = fashion_zoo.get("adaptive_dropout_mlp", hidden_units=(8, 8))
model.fit(images, labels, epochs=3, batch_size=50, verbose=0)
model.save(f"{sys.argv[1]}.keras")
np.savez(f"{sys.argv[1]}.npz", logits=np.asarray(model(images[:20])))
