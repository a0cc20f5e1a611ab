"""The facade: one function a command, with the same name and arguments. Where folders meet."""

from fashion_zoo.zoo.drawing import plot_augmentation, plot_schedules
from fashion_zoo.zoo.finding import find_lr
from fashion_zoo.zoo.making import Trained, TrainingInterrupted, default_run_dir, get, train
from fashion_zoo.zoo.searching import Tuned, dashboard, tune
from fashion_zoo.zoo.using import Prediction, evaluate, export, predict

__all__ = [
    "Prediction",
    "Trained",
    "TrainingInterrupted",
    "Tuned",
    "dashboard",
    "default_run_dir",
    "evaluate",
    "export",
    "find_lr",
    "get",
    "plot_augmentation",
    "plot_schedules",
    "predict",
    "train",
    "tune",
]
