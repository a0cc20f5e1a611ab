"""A teacher that was trained in 16 bits predicts in the precision of its student."""

import keras
import numpy as np
import pytest
from distilling import config, student
from fitting import Silent

from fashion_zoo.training.fit import compile_model, fit
from fashion_zoo.training.loss import teaching_of

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
FEW = [("float32", "mixed_bfloat16"), ("mixed_bfloat16",) * 2]
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("trained", "precision"),
    [
        pytest.param(trained, precision, marks=[] if (trained, precision) in FEW else SLOW)
        for trained in PRECISIONS
        for precision in PRECISIONS
    ],
)
def test_layers_of_a_teacher_of_16_bits_predict_in_the_precision_of_the_student(
    teacher, precision, trained, monkeypatch
):
    def loaded(policy):
        made = teacher.load_model()
        for layer in made._flatten_layers():  # as if it had been trained so
            layer.dtype_policy = "float32" if layer.name == "logits" else policy
        return made

    planned, model, data = student(config(teacher, precision=precision))
    given = loaded(trained)
    with monkeypatch.context() as changed:
        changed.setattr(type(teacher), "load_model", lambda self, **_: given)
        compile_model(model, planned, steps_per_execution=1)
    made, images = teaching_of(model), data.train.images[:50]
    expected = loaded("float32" if trained == "float32" else precision)
    logits = made.logits(images)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.array_equal(logits, expected(images.astype("float32"), training=False))
    exact = loaded("float32")(images.astype("float32"), training=False)
    assert np.array_equal(logits, exact) == ("float32" in (trained, precision))
    fit(model, planned, data, [], Silent(), compiled=True)
    assert all(np.isfinite(one).all() for one in model.get_weights())
