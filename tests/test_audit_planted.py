"""The experiment that plants faults: what it plants, and how it counts what was found."""

from pathlib import Path

import numpy as np
import pytest
from arms import measured

import fashion_zoo
from fashion_zoo.auditing import Audit
from recipes.experiments import audit, mislabelled


@pytest.fixture(scope="module")
def planted():
    return audit.plant(fashion_zoo.data.load("digits"), 0)


def test_faults_are_what_they_are_called_and_in_different_images(planted):
    before = fashion_zoo.data.load("digits").read("train")
    now = planted.dataset.read("train")
    copies, shifted = planted.copies, planted.shifted
    assert (now.labels[planted.flipped] != before.labels[planted.flipped]).all()
    assert np.array_equal(now.images[copies[:, 0]], now.images[copies[:, 1]])
    assert np.array_equal(now.labels[copies[:, 0]], now.labels[copies[:, 1]])
    assert not (now.images[shifted[:, 0]] == now.images[shifted[:, 1]]).all(axis=(1, 2)).any()
    assert np.array_equal(now.images[planted.inverted], 255 - before.images[planted.inverted])
    assert np.ptp(now.images[planted.blank], axis=(1, 2)).tolist() == [0] * 5
    every = np.concatenate([one.ravel() for one in planted[1:]])
    assert len(set(every.tolist())) == len(every) == 600 + 2 * 50 + 2 * 20 + 10 + 5
    others = np.setdiff1d(np.arange(len(now.labels)), every)
    assert np.array_equal(now.images[others], before.images[others])
    assert np.array_equal(now.labels[others], before.labels[others])


def test_another_seed_plants_other_faults(planted):
    other = audit.plant(fashion_zoo.data.load("digits"), 1)
    assert set(other.flipped.tolist()) != set(planted.flipped.tolist())


def test_a_shift_moves_an_image_down_and_to_the_right_and_leaves_black():
    image = np.arange(1, 10, dtype=np.uint8).reshape(3, 3)
    assert audit.shift(image, 1, -1).tolist() == [[0, 0, 0], [2, 3, 0], [5, 6, 0]]


def test_what_was_found_is_counted_and_a_pair_only_as_a_pair(planted, monkeypatch):
    def member(position, part="train"):
        return {"part": part, "position": int(position)}

    first, second = planted.copies[:2].tolist()
    lists = {word: {"train": [], "test": []} for word in fashion_zoo.auditing.KINDS}
    lists["label_errors"]["train"] = [*planted.flipped[:450].tolist(), *planted.blank.tolist()]
    lists["duplicates"]["train"] = [first[0], second[0]]
    groups = [
        {"images": [member(one) for one in first]},
        {"images": [member(second[0]), member(planted.blank[0])]},
        {"images": [member(second[0]), member(second[1], "test")]},
    ]
    found = Audit(lists=lists, found={"duplicates": groups})
    monkeypatch.setattr(audit, "audited", lambda seed, data: (planted, found, 1.0))
    flipped = audit.measure("labels flipped to another class", 0, None)
    assert (flipped["recall"], flipped["listed"]) == (0.75, 455)
    assert flipped["precision"] == 450 / 455
    copies = audit.measure("exact copies", 0, None)
    assert (copies["planted"], copies["recall"], copies["listed"]) == (50, 1 / 50, 2)


def test_the_table_of_ranks_has_medians_and_how_often_an_image_is_listed():
    ranks = {"45592": (3, 9, 4), "16691": (70, 60, 5000)}
    rows = {
        arm: [
            {"rank": one, "label": "Coat", "likeliest": "Shirt", "listed": int(one < 1000)}
            for one in each
        ]
        for arm, each in ranks.items()
    }
    lines = measured(mislabelled.EXPERIMENT, rows).table().splitlines()
    assert lines[2] == "| 45592 | Coat | Shirt | 4 (3 to 9) | 3 of 3 |"
    assert lines[3] == "| 16691 | Coat | Shirt | 70 (60 to 5,000) | 2 of 3 |"


def test_both_experiments_have_their_place_on_the_page():
    page = Path(__file__).parent.parent / "docs" / "audit_of_fashion_mnist.md"
    for one in (audit.EXPERIMENT, mislabelled.EXPERIMENT):
        assert f"<!-- {one.mark}:begin -->" in page.read_text("utf-8")
        assert one.places().page == Path(one.page).absolute()
    assert audit.EXPERIMENT.places().rows != mislabelled.EXPERIMENT.places().rows
