"""The callback that keeps snapshots of a training in its run."""

import keras

from fashion_zoo import runs, storage
from fashion_zoo.runs import Run
from fashion_zoo.training.plan import Plan


class Snapshots(keras.callbacks.Callback):
    """Keep the model of some epochs in the folder of a run, as ``model.keras`` is kept.

    A file is whole before the checkpoint of its epoch is written: a training that is resumed from
    an earlier one writes the same file again.

    Args:
        run: the run.
        plan: the plan of its training, with the epochs.

    Reference: Huang et al. 2017, arXiv:1704.00109.
    """

    def __init__(self, run: Run, plan: Plan):
        super().__init__()
        self.run = run
        self.epochs = plan.snapshots

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.epochs:
            kept = runs.snapshot(self.run, epoch + 1)
            folder = kept.model_file.parent
            with storage.as_storage_error(folder):
                folder.mkdir(exist_ok=True)
            kept.save_model(self.model)


def keeping(run: Run, plan: Plan) -> list[keras.callbacks.Callback]:
    """Return the callback that keeps the snapshots of a plan, if it has some."""
    return [Snapshots(run, plan)] if plan.snapshots else []
