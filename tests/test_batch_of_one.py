import keras
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, get
from fashion_zoo.training.fit import check_batch

NARROW = {"hidden_units": (8,)}


def test_batch_normalization_of_one_image_is_refused_with_the_bound():
    model = get("bn_mlp", **NARROW)
    message = r"\(batch_norm_1\) needs at least 2 images a step, received 1\. Set training="
    with pytest.raises(ConfigError, match=message):
        check_batch(model, 1)
    check_batch(model, 2)


def test_a_model_inside_a_model_is_looked_into():
    inner = get("bn_mlp", **NARROW)
    with pytest.raises(ConfigError, match="batch_norm_1"):
        check_batch(keras.Model(inner.input, inner(inner.input)), 1)


def test_what_has_none_may_see_one_image_at_a_time():
    check_batch(get("baseline_mlp", **NARROW), 1)
    check_batch(get("bn_mlp", normalization="layer", **NARROW), 1)
    pixels = keras.Input((4, 4, 1))
    maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 2)(pixels))
    check_batch(keras.Model(pixels, maps), 1)  # nine places of one image


@pytest.mark.parametrize("call", ["train", "find_lr"])
def test_every_training_is_refused_and_leaves_nothing(call, tmp_path):
    options = {"run_dir": tmp_path / "r", "export": False} if call == "train" else {}
    with pytest.raises(ConfigError, match=r'Set training=\{"batch_size": 2\} or more'):
        getattr(fashion_zoo, call)(
            "bn_mlp", model=NARROW, data={"limit": 10}, training={"batch_size": 1}, **options
        )
    assert not list(tmp_path.iterdir())
