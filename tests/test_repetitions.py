"""Executions and folds: what a trial is trained on, how often, and what its score is."""

import numpy as np
import pytest
from keras_tuner.engine.trial import TrialStatus
from searching import space

import fashion_zoo
from fashion_zoo import SearchConfig, recipe
from fashion_zoo.config.overrides import override
from fashion_zoo.data import load
from fashion_zoo.spaces import narrowed
from fashion_zoo.tuning import RecipeHyperModel, Study, StudyOracle
from fashion_zoo.tuning.session import fingerprint

FEW = {
    "depth": "1", "units": "choice(8, 16)", "batch_size": "100", "augmentation": "'none'",
    "mixing": "'none'",
}  # fmt: skip
SMALL = {"data": {"limit": 200}, "training": {"epochs": 2, "batch_size": 100}}


def made(**options):
    entry = recipe("bn_mlp")
    config = override(entry.config, {**SMALL, "seed": 5})
    space = narrowed(entry.space, FEW, config)
    return RecipeHyperModel(entry, config, space, load(config.data), **options)


def as_set(images):
    return {image.tobytes() for image in images.images}


def test_each_image_is_held_out_once_and_the_validation_images_never(images):
    small = load(tuple(images))
    parts = [small.fold(number, 3) for number in range(3)]
    held = [image.tobytes() for part in parts for image in part.validation.images]
    assert sorted(held) == sorted(image.tobytes() for image in small.train.images)
    for part in parts:
        assert not as_set(part.train) & as_set(part.validation)
        assert len(part.train.labels) + len(part.validation.labels) == 150
        # 15 of a class in three folds
        assert set(np.bincount(part.validation.labels)) == {5}
    model = made(folds=3)
    own = model.dataset
    seen = set().union(*(as_set(model.images(number).validation) for number in range(3)))
    assert seen == as_set(own.train)
    assert not seen & as_set(own.validation)


def test_without_folds_every_repetition_has_the_validation_images():
    model = made(executions=2)
    assert model.repetitions == 2
    assert model.images(0) is model.images(1) is model.dataset


def test_a_repetition_has_the_seed_of_its_execution():
    import keras_tuner

    model = made(executions=2, folds=3)
    assert model.repetitions == 6
    hp = keras_tuner.HyperParameters()
    seeds = [model.config(hp, number).seed for number in range(6)]
    assert seeds == [5, 5, 5, 6, 6, 6]
    assert model.fresh_seed == 7


def test_the_score_is_the_mean_of_what_each_execution_reached_last(opened):
    study = opened(trials=1)
    oracle = StudyOracle(study, pruner="none", epochs=4)
    oracle.hyperparameters = space()
    trial = oracle.create_trial("me")
    for step, value in [(0, 0.1), (1, 0.5), (0, 0.2), (1, 0.7)]:
        oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step)
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    found = study.plans()[0].outcome
    assert found.value == pytest.approx(0.6)
    assert found.intermediate_values == {1: 0.1, 2: 0.5, 3: 0.2, 4: 0.7}


def test_only_the_first_execution_is_pruned(opened):
    """A third of the epochs of two executions lies in the first epochs of the second."""
    study = opened(trials=2)
    oracle = StudyOracle(study, epochs=4)  # rungs at 1 and 3
    oracle.hyperparameters = space()
    for values in ([0.5, 0.6, 0.7, 0.9], [0.6, 0.7, 0.8, 0.9]):
        trial = oracle.create_trial("me")
        for execution in (1.0, 0.1):
            for step, value in enumerate(values):
                known = oracle.update_trial(
                    trial.trial_id, {"val_accuracy": execution * value}, step
                )
                assert known.status == TrialStatus.RUNNING, (execution, step)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)


def test_executions_of_one_epoch_are_told_apart(opened):
    study = opened(trials=1)
    oracle = StudyOracle(study, pruner="none", epochs=2)
    oracle.hyperparameters = space()
    trial = oracle.create_trial("me")
    for value in (0.4, 0.8):
        oracle.update_trial(trial.trial_id, {"val_accuracy": value}, 0)
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    assert study.plans()[0].outcome.value == pytest.approx(0.6)


@pytest.mark.slow
def test_a_search_trains_each_trial_on_each_fold_with_each_seed(tmp_path, monkeypatch):
    fitted = []
    fit = RecipeHyperModel.fit

    def watched(self, hp, model, **options):
        number = options["repetition"]
        fitted.append((self.config(hp, number).seed, as_set(self.images(number).train)))
        return fit(self, hp, model, **options)

    monkeypatch.setattr(RecipeHyperModel, "fit", watched)
    found = fashion_zoo.tune(
        "bn_mlp", trials=1, study_dir=tmp_path, space=FEW, executions=2, folds=2, candidates=1,
        seeds=1, pruner="none", **SMALL,
    )  # fmt: skip
    assert [seed for seed, _ in fitted] == [0, 0, 1, 1]
    assert fitted[0][1] == fitted[2][1] != fitted[1][1] == fitted[3][1]
    values = one_trial(found.folder, executions=2, folds=2).intermediate_values
    assert list(values) == list(range(1, 9))  # of two epochs four times
    score = np.mean([values[number] for number in (2, 4, 6, 8)])
    assert found.candidates[0]["score"] == pytest.approx(score)
    assert (found.folder / "again" / "trial-0-2").is_dir()  # the first seed that chose nothing


def one_trial(folder, **options):
    base = override(recipe("bn_mlp").config, SMALL)
    space = narrowed(recipe("bn_mlp").space, FEW, base)
    model = RecipeHyperModel(recipe("bn_mlp"), base, space, load(base.data), **options)
    known = fingerprint(model, SearchConfig())
    study = Study(f"sqlite:///{folder}/study.db", "bn_mlp", fingerprint=known, trials=1)
    (plan,) = study.plans()
    study.close()
    return plan.outcome
