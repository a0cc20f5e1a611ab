"""Search: recipes as KerasTuner hypermodels, and a study that cannot lose a trial."""

import warnings

with warnings.catch_warnings():
    # In a notebook without ipywidgets tqdm, which optuna imports and we do not use, warns.
    warnings.filterwarnings("ignore", "IProgress not found")
    import optuna as optuna

from fashion_zoo.tuning.hypermodel import RecipeHyperModel, hypermodel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.report import facts, report_page
from fashion_zoo.tuning.session import OBJECTIVE, Tuned, be_quiet, tune
from fashion_zoo.tuning.storages import serve, study_folder
from fashion_zoo.tuning.study import Study
from fashion_zoo.tuning.tuner import StudyTuner

__all__ = [
    "OBJECTIVE", "RecipeHyperModel", "Study", "StudyOracle", "StudyTuner",
    "Tuned", "be_quiet", "facts", "hypermodel", "report_page", "serve", "study_folder", "tune",
]  # fmt: skip
