"""Print what trainings compute, as digests: ``python tests/digests.py``.

Every recipe is trained for 3 epochs on 6,000 images while everything moves that a schedule can
move, is interrupted in its second epoch and resumed. Two commits compute the same on one machine if
both print the same.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import keras

import fashion_zoo

MOVING = {
    "epochs": 3,
    "batch_size": 128,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "augmentation": "flip | translate(2) | erase | mixup(0.4, 0.5)",
    "schedules": {
        "learning_rate": "warmup(0.1) >> cosine(1, 0.01)",
        "weight_decay": "linear(1, 0.1)",
        "label_smoothing": "linear",
        "dropout": "cosine",
        "augmentation": "linear(0.2, 1)",
        "mixing": "step(0, at=[0.8])",
    },
}
STILL = {"epochs": 3, "batch_size": 128}
CASES = {
    **{
        name: (name, {"model": {"dropout": 0.1}, "training": MOVING})
        for name in fashion_zoo.list_recipes()
    },
    "dropout per step": (
        "bn_mlp",
        {"training": {**MOVING, "schedules": {**MOVING["schedules"], "dropout_each": "step"}}},
    ),
    "adaptive dropout, sgd, clipped": (
        "bn_mlp",
        {
            "training": {
                **STILL,
                "optimizer": "sgd",
                "learning_rate": 0.05,
                "clipping": "global_norm(1)",
                "adaptive_dropout": {"enabled": True},
                "early_stopping": {"monitor": "loss"},
            }
        },
    ),
    "nothing moves but the rate": ("bn_mlp", {"training": STILL}),
    "bfloat16": ("bn_mlp", {"training": STILL, "precision": "mixed_bfloat16"}),
    "float16": ("bn_mlp", {"training": STILL, "precision": "mixed_float16"}),
}


class _Break(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def digests(case: str, folder: Path) -> dict[str, str]:
    """Return the digests of the final weights and of history.csv."""
    recipe, changes = CASES[case]
    options = {
        "data": {"limit": 6000}, "run_dir": folder, "evaluate": False, "export": False,
        "progress": False, **changes,
    }  # fmt: skip
    try:
        fashion_zoo.train(recipe, callbacks=[_Break()], **options)
        raise AssertionError("it was not interrupted")
    except KeyboardInterrupt:
        pass
    fashion_zoo.train(recipe, resume=True, **options)
    weights = hashlib.sha256()
    for variable in fashion_zoo.open_run(folder).load_model().variables:
        weights.update(keras.ops.convert_to_numpy(variable).tobytes())
    history = (folder / "history.csv").read_bytes()
    return {"weights": weights.hexdigest(), "history": hashlib.sha256(history).hexdigest()}


def main() -> None:
    """Print the digests of every case, or of those named."""
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(sys.argv[1:] or CASES):
            print(json.dumps({case: digests(case, Path(folder) / str(number))}), flush=True)


if __name__ == "__main__":
    main()
