import sys

import numpy as np
import pytest

from fashion_zoo import ConfigError, DataConfig
from fashion_zoo.data import Dataset, Images, load, reshape, stratified
from fashion_zoo.data.sources import fashion_mnist
from recipes import _common, find_lr, train, tune


def test_the_validation_images_are_fixed_and_stratified():
    data = load()
    indices = data.positions.validation
    assert len(set(indices.tolist())) == 5_000
    assert indices[:5].tolist() == [0, 9, 11, 14, 28]
    assert np.bincount(data.validation.labels).tolist() == [500] * 10


def test_the_digest_is_the_one_that_checkpoints_hold():
    found = "84b7f14fc5b90a4f4d41e720fa6f564e03f4bf83e6e48d6932bb6f1aa9c8760e"
    assert load().digest == found


def test_the_stored_indices_are_the_ones_the_notice_describes():
    data = load()
    labels = data.read("train").labels
    generator = np.random.default_rng(0)
    drawn = [generator.choice(np.flatnonzero(labels == c), 500, replace=False) for c in range(10)]
    assert np.sort(np.concatenate(drawn)).tolist() == data.positions.validation.tolist()


def test_training_and_validation_are_the_whole_file_once():
    data = load()
    whole, (train, validation, _) = data.read("train"), data.positions
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(60_000))
    assert data.count == len(data.train.labels) == 55_000
    assert np.array_equal(data.train.images, whole.images[train])
    assert np.array_equal(data.validation.images, whole.images[validation])


def test_a_limit_takes_as_many_of_each_class_and_leaves_validation_whole():
    data = load(limit=25)
    assert np.bincount(data.train.labels, minlength=10).tolist() == [3] * 5 + [2] * 5
    assert len(data.validation.labels) == 5_000


@pytest.mark.parametrize("limit", [9, 55_001])
def test_a_limit_that_there_are_no_images_for_is_refused_with_the_bounds(limit):
    message = f"data.limit must be in 10..55,000, received {limit:,}: there are 10 classes, and 5,0"
    with pytest.raises(ConfigError, match=message):
        load(DataConfig(limit=limit))
    assert [load(limit=one).count for one in (10, None)] == [10, 55_000]


@pytest.mark.parametrize("command", [train, find_lr, tune], ids=lambda one: one.__name__)
def test_sizes_are_checked_before_a_framework_is_loaded(command, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(_common, "start_keras", lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "fashion_zoo.training", None)  # which imports one
    monkeypatch.chdir(tmp_path)
    assert command.main(["bn_mlp", "--data.limit", "5"]) == 3
    assert "must be in 10..55,000, received 5" in capsys.readouterr().err
    if command is not tune:  # whose space has the batch size
        assert command.main(["bn_mlp", "--data.limit", "99"]) == 3
        assert "must be at most 99" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [train, find_lr], ids=lambda one: one.__name__)
def test_a_command_reads_a_folder_of_the_users_own_once(command, monkeypatch, tmp_path):
    def read(_, part):
        parts.append(part)
        return Images(np.zeros((60_000, 1, 1), np.uint8), np.zeros(60_000, np.uint8))

    def stop(*given, **options):
        (data,) = (one for one in (*given, *options.values()) if isinstance(one, Dataset))
        assert len(data.train.labels) == 55_000
        raise ConfigError("That is enough.")

    parts = []
    monkeypatch.setattr(_common, "start_keras", lambda *_, **__: None)
    monkeypatch.setattr(fashion_mnist, "_read", read)
    monkeypatch.setattr("fashion_zoo.training.session.train_run", stop)
    monkeypatch.setattr("fashion_zoo.training.lr_finder.find_lr", stop)
    monkeypatch.chdir(tmp_path)
    assert command.main(["bn_mlp", "--data.folder", str(tmp_path)]) == 3
    assert parts == ["train"]


def test_stratified_goes_on_when_a_class_runs_out():
    labels = np.array([0, 0, 0, 0, 1])
    assert stratified(labels, 3).tolist() == [0, 1, 4]
    assert stratified(labels, 99).tolist() == [0, 1, 2, 3, 4]


def test_reshape_keeps_pixels_and_names_both_shapes(images):
    assert np.array_equal(reshape(images.images, (784,))[3], images.images[3].ravel())
    assert reshape(images.images, (28, 28, 1)).shape == (200, 28, 28, 1)
    with pytest.raises(ConfigError, match=r"input_shape=\(32, 32\), which is 1,024 values; an im"):
        reshape(images.images, (32, 32))


@pytest.mark.parametrize("limit", [None, 20])
def test_every_part_is_read_only(limit):
    data = load(limit=limit)
    for array in [*data.train, *data.validation, *data.test, *data.fold(0, 2).train]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
