"""Rows of three trainings of ``bn_mlp``, as the experiment ``accuracy`` stores them."""

ROW = {
    "validation_images": 5000, "test_images": 10_000, "nll": 0.25, "brier": 0.125, "ece": 0.03,
    "temperature": 1.5, "scaled_nll": 0.24, "scaled_brier": 0.12, "scaled_ece": 0.01,
    "suspects": 48, "images_without_suspects": 9952, "parameters": 576_010,
    "multiply_adds": 574_080, "ms_1": 0.51, "ms_1000": 4.25, "epochs": 20, "precision": "float32",
    "config": "1-81990b1781bf", "data": "sha256:123456789012",
    "test_data": "sha256:0e03c1c14438", "machine": "a CPU, 2 cores", "commit": "a" * 40,
}  # fmt: skip
OF_SEED = [
    {"validation_accuracy": 0.92, "test_accuracy": 0.90, "accuracy_without_suspects": 0.91,
     "worst_recall": 0.7, "worst_class": "Shirt", "seconds": 18.0},
    {"validation_accuracy": 0.91, "test_accuracy": 0.91, "accuracy_without_suspects": 0.92,
     "worst_recall": 0.7, "worst_class": "Coat", "seconds": 20.0},
    {"validation_accuracy": 0.93, "test_accuracy": 0.92, "accuracy_without_suspects": 0.93,
     "worst_recall": 0.7, "worst_class": "Shirt", "seconds": 22.0},
]  # fmt: skip
ROWS = [{"arm": "bn_mlp", "seed": seed, **ROW, **own} for seed, own in enumerate(OF_SEED)]
