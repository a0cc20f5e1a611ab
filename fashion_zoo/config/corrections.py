"""Which settings that correct or weigh the images of a training can be combined."""

from typing import TYPE_CHECKING

from fashion_zoo.errors import ConfigError, Hint
from fashion_zoo.language.wording import listed

if TYPE_CHECKING:
    from fashion_zoo.config.training import TrainingConfig


def check(training: "TrainingConfig") -> None:
    """Check that nothing is corrected twice, and that losses are compared that are alike."""
    _check_frequencies(training)
    _check_adaptive_dropout(training)
    _check_distillation(training)
    _check_weighting(training)


def _check_frequencies(training: "TrainingConfig") -> None:
    """Check that class frequencies are corrected once."""
    weighted = training.class_weight != "none"
    prior = training.loss != "cross_entropy" and training.parsed_loss.uses_prior
    settings = {
        f"class_weight {training.class_weight!r}": weighted,
        f"sampling {training.sampling!r}": training.sampling == "balanced",
        f"loss {training.loss!r}": prior,
    }
    several = [name for name, corrects in settings.items() if corrects]
    if len(several) > 1:
        raise ConfigError(
            f"{listed(several)} would each correct the class frequencies, and together correct "
            "them several times. Set one of them."
        )


def _check_adaptive_dropout(training: "TrainingConfig") -> None:
    """Check that the training loss compares with the validation loss."""
    if not training.adaptive_dropout.enabled:
        return
    plain = {"loss": "cross_entropy", "class_weight": "none", "sampling": "shuffle"}
    alike = {*plain.values(), "bootstrap"}  # a sample of the same distribution
    changed = [name for name in plain if getattr(training, name) not in alike]
    if changed:
        raise ConfigError(
            "adaptive_dropout compares the training loss with the validation loss, which is "
            f"plain cross-entropy of images as they are, and needs {changed[0]} "
            f"{plain[changed[0]]!r}; received {getattr(training, changed[0])!r}."
        )
    others = {
        "the teacher of a distillation has": training.distillation.enabled,
        "the weights of single images have": training.weighting.enabled,
    }
    for what in (what for what, enabled in others.items() if enabled):
        raise ConfigError(
            "adaptive_dropout compares the training loss with the validation loss, in which "
            f"{what} no part. Set ",
            Hint("training.adaptive_dropout.enabled", False),
            ".",
        )


def _check_distillation(training: "TrainingConfig") -> None:
    """Check that labels and teacher teach the same."""
    if not training.distillation.enabled:
        return
    corrections = {
        "class_weight": training.class_weight != "none",
        "sampling": training.sampling == "balanced",
        "loss": training.parsed_loss.uses_prior,
    }
    for name in (name for name, corrects in corrections.items() if corrects):
        raise ConfigError(
            f"{name} {getattr(training, name)!r} corrects the class frequencies of the labels, and "
            "not those of the teacher of a distillation, so that the two would teach different "
            f"probabilities. Train the teacher with it, and leave out {name}."
        )


def _check_weighting(training: "TrainingConfig") -> None:
    """Check that the weights of single images are the only ones, and those of the whole loss."""
    others = {
        f"class_weight {training.class_weight!r}": training.class_weight != "none",
        "the teacher of a distillation, which has a loss of its own": training.distillation.enabled,
    }
    for what in (what for what, enabled in others.items() if enabled):
        if training.weighting.enabled:
            raise ConfigError(
                "weighting.file weighs the images by their labels, and cannot be combined with "
                f"{what}. Leave out one of them."
            )
