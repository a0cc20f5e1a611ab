"""What older versions stored under other names is read; a name that was changed is answered."""

import json

import numpy as np
import pytest
from forms import three_classes

import fashion_zoo
from fashion_zoo import ConfigError, DataConfig, override, recipe, runs
from fashion_zoo.config import digest
from fashion_zoo.data import load
from fashion_zoo.training import recorder
from recipes import train

OLDER = {
    "fashion_mnist": DataConfig(),
    "arrays": DataConfig("arrays(apart=True)", test=0.2),
    "arrays(seed=2)": DataConfig("arrays(apart=True)", test=0.2, seed=2),
    "arrays(0.3, test=0.1)": DataConfig("arrays(apart=True)", test=0.1, validation=0.3),
}


def stored(dataset, **others):
    """A config as older versions stored it."""
    config = runs.as_stored(recipe("bn_mlp").config)
    config["data"] = {"dataset": dataset, "folder": None, "limit": None, **others}
    return config


@pytest.mark.parametrize(("dataset", "now"), OLDER.items(), ids=OLDER)
def test_a_stored_config_is_read_under_the_old_name(dataset, now, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"format": 2, "recipe": "bn_mlp", "config": stored(dataset)}))
    found = fashion_zoo.read_config(file, "bn_mlp")
    assert found == override(recipe("bn_mlp").config, {"data": now})
    assert digest.completed(found, stored(dataset)) == runs.as_stored(found)


def test_a_checkpoint_with_the_old_name_is_of_the_same_run(trained):
    run = trained.run
    older = runs.as_stored(run.config)
    limit = older["data"]["limit"]
    older["data"] = {"dataset": "fashion_mnist", "limit": limit}
    recorder._check_belongs(run, 2, {"recipe": run.recipe, "config": older}, {"recipe": "bn_mlp"})
    older["data"]["dataset"] = "digits"
    with pytest.raises(fashion_zoo.RunError, match=r"data\.source: 'digits', now 'fashion_mnist'"):
        recorder._check_belongs(run, 2, {"recipe": "bn_mlp", "config": older}, {})


def test_older_arrays_are_split_as_they_were_copies_apart():
    x, y = three_classes()
    older = OLDER["arrays"]
    images, labels = np.concatenate([x, x]), np.concatenate([y, y])
    apart, together = load((images, labels), like=older), load((images, labels), test=0.2)
    assert apart.digest.startswith("d2983454c853dbc9")  # of the version that stored it
    assert apart.digest != together.digest
    assert load((x, y), like=older).digest == load((x, y), test=0.2).digest
    tested = load((x, y, x[:9], y[:9]), like=older)  # with the shares that it did not use
    assert sum(map(len, tested.positions[:2])) == 120


MODELS = {
    "relu none 32 he_normal": {},
    "relu group 32 he_normal": {"normalization": "group"},
    "gelu group 4 he_normal": {"activation": "gelu", "normalization": "group(4)"},
    "leaky_relu none 4 he_normal": {"activation": "leaky_relu", "kernel_initializer": "he_normal"},
    "selu batch 32 lecun_normal": {
        "activation": "selu", "normalization": "batch", "kernel_initializer": "lecun_normal",
    },
}  # fmt: skip


@pytest.mark.parametrize(("older", "now"), MODELS.items(), ids=MODELS)
def test_a_stored_model_is_read_with_its_groups_and_its_initializer(older, now, tmp_path):
    activation, normalization, groups, initializer = older.split()
    config = runs.as_stored(fashion_zoo.RunConfig(fashion_zoo.MLPConfig()))
    config["model"] |= {
        "activation": activation, "normalization": normalization, "groups": int(groups),
        "kernel_initializer": initializer,
    }  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"format": 2, "recipe": "baseline_mlp", "config": config}))
    found = fashion_zoo.read_config(file, "baseline_mlp")
    assert found.model == fashion_zoo.MLPConfig(**now)
    assert digest.completed(found, config) == runs.as_stored(found)


def test_a_checkpoint_with_the_old_settings_of_a_model_is_of_the_same_run(trained):
    run = trained.run
    older = runs.as_stored(run.config)
    older["model"] |= {"groups": 32, "kernel_initializer": "he_normal"}
    recorder._check_belongs(run, 2, {"recipe": run.recipe, "config": older}, {"recipe": "bn_mlp"})


@pytest.mark.parametrize(("limit", "now"), [(None, "none"), (1.0, "global_norm(1.0)")])
def test_a_stored_clipping_by_the_global_norm_is_read(limit, now, tmp_path):
    config = runs.as_stored(recipe("bn_mlp").config)
    del config["training"]["clipping"]
    config["training"]["clip_norm"] = limit
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"format": 2, "recipe": "bn_mlp", "config": config}))
    found = fashion_zoo.read_config(file, "bn_mlp")
    assert found == override(recipe("bn_mlp").config, {"training": {"clipping": now}})
    assert digest.completed(found, config) == runs.as_stored(found)
    with pytest.raises(ConfigError, match=r"training\.clip_norm is now training\.clipping, as in"):
        fashion_zoo.TrainingConfig(clip_norm=limit)


def test_the_old_clipping_in_a_checkpoint_is_compared(trained):
    run = trained.run
    older = runs.as_stored(run.config)
    del older["training"]["clipping"]
    older["training"]["clip_norm"] = None
    recorder._check_belongs(run, 2, {"recipe": run.recipe, "config": older}, {"recipe": "bn_mlp"})
    older["training"]["clip_norm"] = 2.0
    with pytest.raises(fashion_zoo.RunError, match=r"clipping: 'global_norm\(2\.0\)', now 'none'"):
        recorder._check_belongs(run, 2, {"recipe": "bn_mlp", "config": older}, {})


def test_the_old_flag_is_answered_with_the_new_one(capsys):
    assert train.main(["bn_mlp", "--data.dataset", "digits"]) == 3
    assert "--data.dataset is now --data.source." in capsys.readouterr().err
    assert train.main(["bn_mlp", "--training.clip-norm", "1"]) == 3
    said = "--training.clip-norm is now --training.clipping, as in 'global_norm(1)'."
    assert said in capsys.readouterr().err
    assert train.main(["bn_mlp", "--model.groups", "4"]) == 3
    said = "--model.groups is now --model.normalization, as in 'group(32)'."
    assert said in capsys.readouterr().err
