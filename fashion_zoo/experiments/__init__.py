"""Experiments: arms over several seeds, the table that compares them, and the page with it."""

from fashion_zoo.experiments import columns as columns, page as page
from fashion_zoo.experiments.choosing import choosing as choosing
from fashion_zoo.experiments.claim import Claim as Claim
from fashion_zoo.experiments.comparing import Comparison as Comparison, compare as compare
from fashion_zoo.experiments.contrast import Contrast as Contrast, effects as effects
from fashion_zoo.experiments.experiment import (
    Arm as Arm,
    Experiment as Experiment,
    Quick as Quick,
)
from fashion_zoo.experiments.measured import Measured as Measured
from fashion_zoo.experiments.metrics import (
    CHOICE as CHOICE,
    METRICS as METRICS,
    correct as correct,
    seconds as seconds,
    test_accuracy as test_accuracy,
    validation_accuracy as validation_accuracy,
    validation_loss as validation_loss,
)
from fashion_zoo.experiments.runner import run as run
from fashion_zoo.experiments.verdict import (
    Verdict as Verdict,
    judge as judge,
    written as written,
)
from fashion_zoo.experiments.verification import Verification as Verification, verify as verify
