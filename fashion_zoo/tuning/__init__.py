"""Search: recipes as KerasTuner hypermodels, and a study that cannot lose a trial."""

import warnings

with warnings.catch_warnings():
    # In a notebook without ipywidgets tqdm, which optuna imports and we do not use, warns.
    warnings.filterwarnings("ignore", "IProgress not found")
    import optuna as optuna

from fashion_zoo.tuning import search
from fashion_zoo.tuning.dashboard import serve
from fashion_zoo.tuning.hypermodel import RecipeHyperModel, hypermodel
from fashion_zoo.tuning.oracle import StudyOracle
from fashion_zoo.tuning.report import facts, report_page
from fashion_zoo.tuning.session import Tuned, tune
from fashion_zoo.tuning.storages import study_folder
from fashion_zoo.tuning.study import Study
from fashion_zoo.tuning.tuner import StudyTuner

__all__ = [
    "RecipeHyperModel", "Study", "StudyOracle", "StudyTuner",
    "Tuned", "facts", "hypermodel", "report_page", "search", "serve", "study_folder", "tune",
]  # fmt: skip
