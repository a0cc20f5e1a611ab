"""Train on one and on several virtual devices of the CPU: ``python dividing.py COUNT CASE``.

It prints JSON: for ``one`` and ``all`` the history, the number of devices that the run stores, and
the layers of the model that it saved.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

SMALL = {"hidden_units": (32, 16), "dropout": (0.0,)}
CASES = {
    "baseline": ("baseline_mlp", {}),
    "batch normalization": ("bn_mlp", {}),
    "everything that moves": (
        "bn_mlp",
        {
            "model": {"dropout": (0.3, 0.2)},
            "training": {
                "optimizer": "adamw",
                "weight_decay": 0.01,
                "clipping": "global_norm(0.1)",
                "label_smoothing": 0.1,
                "class_weight": "balanced",
                "metrics": ["worst_recall"],
                "schedules": {"dropout": "linear", "dropout_each": "step"},
            },
        },
    ),
    "float16": (
        "bn_mlp",
        {"precision": "mixed_float16", "training": {"clipping": "global_norm(1)"}},
    ),
    "accumulation": (
        "bn_mlp",
        {"training": {"clipping": "adaptive", "accumulation": 2, "batch_size": 32}},
    ),
    "lookahead": ("bn_mlp", {"training": {"optimizer": "lookahead(radam, k=2)"}}),
    "exponential average": ("bn_mlp", {"training": {"averaging": "ema(0.9)"}}),
    "stochastic average": ("bn_mlp", {"training": {"averaging": "swa(0.3)"}}),
    "distillation": ("bn_mlp", {"training": {"label_smoothing": 0.1}}),
    "augmentation": ("bn_mlp", {"training": {"augmentation": "flip | mixup(0.4, 0.5)"}}),
    "augmentation and distillation of two views": (
        "bn_mlp",
        {"training": {"augmentation": "flip | mixup(0.4, 0.5)", "distillation": {"views": 2}}},
    ),
}


def start(count: int) -> None:
    """Divide the CPU into so many devices, before the backend starts."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)


def options(case: str, teacher: str | None = None) -> tuple[str, dict]:
    """Return the recipe and the settings of a case, on 437 images and 43 for validation."""
    import fashion_zoo

    recipe, changes = CASES[case]
    training = changes.get("training", {})
    part = fashion_zoo.data.load().read("train")
    return recipe, {
        "data": (part.images[:480], part.labels[:480]),
        **changes,
        "model": {**SMALL, **changes.get("model", {})},
        "training": {
            "epochs": 3,
            "batch_size": 64,
            **training,
            "distillation": {"teacher": teacher, **training.get("distillation", {})},
        },
    }


def train(path: Path, case: str, teacher: str | None = None, **further):
    """Train, without what comes after training."""
    import fashion_zoo

    recipe, chosen = options(case, teacher)
    return fashion_zoo.train(
        recipe, run_dir=path, evaluate=False, export=False, progress=False, **chosen, **further
    ).run


def main(count: int, case: str) -> None:
    """Train twice, and print what came of it."""
    start(count)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        taught = "distillation" in case
        teacher = train(Path(folder, "teacher"), "baseline", devices="one") if taught else None
        for devices in ("one", "all"):
            run = train(Path(folder, devices), case, teacher, devices=devices)
            found[devices] = {
                "history": run.history(),
                "devices": run.read_json("environment.json")["devices"],
                # The name of the input counts the models of the process.
                "layers": [layer.get_config() for layer in run.load_model().layers[1:]],
            }
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
