"""Settings of a part that is off are refused where a training begins, not ignored."""

import pytest

import fashion_zoo
from fashion_zoo import ConfigError, experiments
from fashion_zoo.config import TrainingConfig, override
from fashion_zoo.config.switches import check_switches
from fashion_zoo.experiments import Arm, Experiment, columns
from recipes import train

IDLE = [
    (
        {"early_stopping": {"patience": 3}},
        "early_stopping.patience 3 has no effect while early_stopping.monitor is 'none'. Set "
        'training={"early_stopping": {"monitor": "accuracy"}}, or leave patience at 5.',
    ),
    (
        {"plateau": {"factor": 0.5}},
        "plateau.factor 0.5 has no effect while plateau.monitor is 'none'. Set "
        'training={"plateau": {"monitor": "loss"}}, or leave factor at 0.1.',
    ),
    (
        {"adaptive_dropout": {"target": -0.5}},
        "adaptive_dropout.target -0.5 has no effect while adaptive_dropout.enabled is False. Set "
        'training={"adaptive_dropout": {"enabled": True}}, or leave target at 0.05.',
    ),
    (
        {"weighting": {"digest": "ab"}},
        "weighting.digest 'ab' has no effect while weighting.file is None. Set "
        'training={"weighting": {"file": "FILE"}}, or leave digest at None.',
    ),
    (
        {"distillation": {"temperature": 4.0}},
        "distillation.temperature 4.0 has no effect while distillation.teacher is None. Set "
        'training={"distillation": {"teacher": "RUN"}}, or leave temperature at 2.0.',
    ),
]


@pytest.mark.parametrize(("changes", "message"), IDLE)
def test_a_setting_of_a_part_that_is_off_is_one_sentence(changes, message, tmp_path):
    for call in (
        lambda: fashion_zoo.train("bn_mlp", run_dir=tmp_path / "r", training=changes),
        lambda: fashion_zoo.tune("bn_mlp", study_dir=tmp_path / "s", training=changes),
    ):
        with pytest.raises(ConfigError) as refused:
            call()
        assert str(refused.value) == message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changes",
    [
        {"early_stopping": {"monitor": "loss", "patience": 3}},
        {"early_stopping": {"budget": 10.0}},  # needs no monitor
        {"plateau": {"monitor": "loss"}, "schedules": {"learning_rate": "constant"}},
        {"adaptive_dropout": {"enabled": True, "target": -0.5}},
    ],
)
def test_a_part_that_is_on_takes_its_settings(changes):
    check_switches(override(TrainingConfig(), changes))


def test_the_command_names_the_flag(capsys):
    words = ["bn_mlp", "--training.early-stopping.patience", "3"]
    assert train.main(words) == ConfigError.exit_code
    assert "Set --training.early-stopping.monitor accuracy, or" in capsys.readouterr().err


def test_an_arm_whose_change_has_no_effect_is_not_measured(tmp_path):
    arm = Arm("patient", changes={"training": {"early_stopping": {"patience": 9}}})
    one = Experiment(
        name="e", question="?", arms=[arm], columns=[columns.name("arm")], page="",
        folder=str(tmp_path), command="e", note="", seeds=2,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="patience 9 has no effect while"):
        experiments.run(one, folder=tmp_path / "runs")
