import numpy as np
import pytest

from fashion_zoo import ConfigError, DataConfig
from fashion_zoo.data import (
    fold,
    load_part,
    load_split,
    reshape,
    stratified,
    training_count,
    validation_indices,
)
from recipes import _common, find_lr, train, tune


def test_the_validation_images_are_fixed_and_stratified():
    indices = validation_indices()
    assert len(set(indices.tolist())) == 5_000
    assert indices[:5].tolist() == [0, 9, 11, 14, 28]
    assert np.bincount(load_part("train").labels[indices]).tolist() == [500] * 10


def test_the_stored_indices_are_the_ones_the_notice_describes():
    labels = load_part("train").labels
    generator = np.random.default_rng(0)
    drawn = [generator.choice(np.flatnonzero(labels == c), 500, replace=False) for c in range(10)]
    assert np.sort(np.concatenate(drawn)).tolist() == validation_indices().tolist()


def test_training_and_validation_are_the_whole_file_once():
    whole, split = load_part("train"), load_split(DataConfig())
    assert len(split.train.labels) == 55_000
    assert len(split.validation.labels) == 5_000
    assert np.array_equal(split.validation.images, whole.images[validation_indices()])
    total = split.train.images.sum(dtype=np.int64) + split.validation.images.sum(dtype=np.int64)
    assert total == whole.images.sum(dtype=np.int64)


def test_a_limit_takes_as_many_of_each_class_and_leaves_validation_whole():
    split = load_split(DataConfig(limit=25))
    assert np.bincount(split.train.labels, minlength=10).tolist() == [3] * 5 + [2] * 5
    assert len(split.validation.labels) == 5_000


@pytest.mark.parametrize("limit", [9, 55_001])
def test_a_limit_that_there_are_no_images_for_is_refused_with_the_bounds(limit):
    message = f"data.limit must be in 10..55,000, received {limit:,}: there are 10 classes, and 5,0"
    for check in (load_split, training_count):
        with pytest.raises(ConfigError, match=message):
            check(DataConfig(limit=limit))
    assert [training_count(DataConfig(limit=one)) for one in (10, None)] == [10, 55_000]


@pytest.mark.parametrize("command", [train, find_lr, tune], ids=lambda one: one.__name__)
def test_sizes_are_checked_before_a_framework_is_loaded(command, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(_common, "start_keras", None)
    monkeypatch.chdir(tmp_path)
    assert command.main(["bn_mlp", "--data.limit", "5"]) == 3
    assert "must be in 10..55,000, received 5" in capsys.readouterr().err
    if command is not tune:  # whose space has the batch size
        assert command.main(["bn_mlp", "--data.limit", "99"]) == 3
        assert "must be at most 99" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_stratified_goes_on_when_a_class_runs_out():
    labels = np.array([0, 0, 0, 0, 1])
    assert stratified(labels, 3).tolist() == [0, 1, 4]
    assert stratified(labels, 99).tolist() == [0, 1, 2, 3, 4]


def test_reshape_keeps_pixels_and_names_both_shapes(images):
    assert np.array_equal(reshape(images.images, (784,))[3], images.images[3].ravel())
    assert reshape(images.images, (28, 28, 1)).shape == (200, 28, 28, 1)
    with pytest.raises(ConfigError, match=r"input_shape=\(32, 32\), which is 1,024 values; an im"):
        reshape(images.images, (32, 32))


@pytest.mark.parametrize("config", [None, DataConfig(limit=10)])
def test_what_is_split_is_read_only_as_what_is_loaded_whole(config):
    parts = load_split(config)
    for array in [*parts.train, *parts.validation, *fold(parts.validation, 0, 2).train]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
