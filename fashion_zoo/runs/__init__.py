"""The run folder: its content, and how one is made, resumed and read."""

from fashion_zoo.runs.ensembled import Ensemble as Ensemble
from fashion_zoo.runs.environments import aside as aside, begin as begin, move as move
from fashion_zoo.runs.places import (
    check_finished as check_finished,
    check_free as check_free,
    check_same as check_same,
    check_trained as check_trained,
    create as create,
    create_next as create_next,
    default_run_dir as default_run_dir,
    has_backup as has_backup,
    reopen as reopen,
)
from fashion_zoo.runs.positions import (
    POSITIONS as POSITIONS,
    read_positions as read_positions,
    write_positions as write_positions,
)
from fashion_zoo.runs.run import Run as Run, open_run as open_run
from fashion_zoo.runs.snapshots import snapshot as snapshot, snapshots_of as snapshots_of
from fashion_zoo.runs.stored import (
    as_stored as as_stored,
    is_run as is_run,
    read_config as read_config,
    write_config as write_config,
)
from fashion_zoo.runs.teachers import check_teacher as check_teacher, open_teacher as open_teacher
from fashion_zoo.runs.trained import (
    Trained as Trained,
    TrainingInterrupted as TrainingInterrupted,
    check_images as check_images,
    dataset_of as dataset_of,
    finished as finished,
    naming_again as naming_again,
    stored_config as stored_config,
)
