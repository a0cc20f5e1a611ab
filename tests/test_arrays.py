import warnings

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import DataError
from fashion_zoo.data.pictures import read_array


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (28, 28, 1), (784,), (1, 784)])
@pytest.mark.parametrize(
    ("given", "kept"),
    [("uint8", "uint8"), ("int64", "uint8"), ("float32", "float32"), ("float64", "float32")],
)
def test_one_image_is_a_batch_of_one_whatever_its_shape(shape, given, kept, images):
    found = read_array(images.images[0].reshape(shape).astype(given), (28, 28))
    assert found.dtype == kept
    assert np.array_equal(found, images.images[:1])


def test_a_batch_keeps_its_order_and_lists_are_arrays(images):
    assert np.array_equal(read_array(images.images[:3], (28, 28)), images.images[:3])
    assert np.array_equal(read_array(images.images[:3].tolist(), (28, 28)), images.images[:3])


@pytest.mark.parametrize("shape", [(), (0, 28, 28), (2, 3, 28, 28), (28, 28, 3), (27, 28)])
def test_another_shape_is_named(shape):
    with pytest.raises(DataError, match=r"\(n, 28, 28\) and numbers in 0..255, received \("):
        read_array(np.zeros(shape), (28, 28))


@pytest.mark.parametrize("kind", ["bool", "complex64", "<U1", "object"])
def test_what_is_not_a_number_is_named(kind):
    with pytest.raises(DataError, match=r"numbers in 0\.\.255, received"):
        read_array(np.zeros((28, 28)).astype(kind), (28, 28))


@pytest.mark.parametrize("value", [-1.0, 256.0, np.nan, np.inf])
def test_what_is_not_a_pixel_is_named(value):
    pixels = np.full((28, 28), 9.0)
    pixels[3, 4] = value
    with pytest.raises(DataError, match=r"Pixels are in 0\.\.255, received values from"):
        read_array(pixels, (28, 28))


def test_pixels_divided_by_255_are_warned_of_once_and_others_not(trained, images):
    run = trained.run.path
    with pytest.warns(UserWarning, match=r"largest pixel is 1: .* do not divide") as caught:
        fashion_zoo.predict(run, images.images[:2] / 255)
    assert [one.filename for one in caught if one.category is UserWarning] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_array(images.images[:2].astype("float32"), (28, 28))


def test_an_array_is_predicted_as_the_model_predicts_it(trained, images):
    found = fashion_zoo.predict(trained.run.path, images.images[:3], top=10)
    assert [one.picture for one in found] == ["image 0", "image 1", "image 2"]
    as_floats = fashion_zoo.predict(trained.run.path, images.images[:3].astype(float), top=10)
    assert as_floats == found
    (one,) = fashion_zoo.predict(trained.run.path, images.images[1], top=10)
    assert [name for name, _ in one.classes] == [name for name, _ in found[1].classes]
    assert one.notes == ()
