"""What a row of the table of results has beside accuracies and seconds."""

import dataclasses
from pathlib import Path
from typing import Any

from fashion_zoo.auditing import audit
from fashion_zoo.config.distillation import digest_of
from fashion_zoo.evaluation import cost, measure
from fashion_zoo.evaluation.calibration import temperature
from fashion_zoo.evaluation.predict import logits_of
from fashion_zoo.evaluation.suspects import read_suspects, without
from fashion_zoo.experiments.stored import keep
from fashion_zoo.runs import Run, dataset_of

COUNTS = (1, 1000)
"""Numbers of images in the batches whose latency is measured."""
CALLS = 50
PROPER = ("nll", "brier", "ece")


def figures(run: Run) -> dict[str, Any]:
    """Return column to value; what takes time is measured once, and kept beside the run."""
    file = run.path.with_name(f"{run.path.name}.json")
    return {
        "epochs": run.config.training.epochs,
        "precision": run.read_json("environment.json")["precision"]["policy"],
        **keep(file, {"model": digest_of(run.path)}, lambda: measured(run)),
    }


def measured(run: Run) -> dict[str, Any]:
    """Measure the model of a run on the test images.

    ``data`` and ``test_data`` are digests of the images and labels of training and validation, and
    of the test. The temperature is fitted on the validation images. Suspects are those of an audit
    of the same images, which is made in the folder of the runs if it is not there.
    """
    place = audited(run)
    data, model = dataset_of(run), run.load_model()
    labels, names = data.test.labels, data.class_names
    validation, test = (logits_of(model, part.images) for part in (data.validation, data.test))
    divisor = temperature(validation, data.validation.labels)
    found, scaled = measure(test, labels, names), measure(test / divisor, labels, names)
    kept = without(read_suspects(place, data), test, place, data)
    latencies = {
        f"ms_{count}": cost.latency(model, cost.batch(model, data.test.images, count), CALLS)
        for count in COUNTS
    }
    return {
        "data": short(data.digest),
        "test_data": short(data.test_digest),
        "validation_images": len(data.validation.labels),
        "test_images": len(labels),
        **{name: found[name] for name in PROPER},
        "temperature": divisor,
        **{f"scaled_{name}": scaled[name] for name in PROPER},
        "worst_recall": found["worst_recall"]["value"],
        "worst_class": found["worst_recall"]["class"],
        "suspects": kept["suspects"],
        "images_without_suspects": kept["images"],
        "accuracy_without_suspects": kept["accuracy"]["value"],
        "parameters": cost.parameters(model),
        "multiply_adds": cost.multiply_adds(model),
        **{name: round(one, 3) for name, one in latencies.items()},
    }


def short(digest: str) -> str:
    """Return the first digits of a digest, with a mark by which no reader takes it for a number."""
    return f"sha256:{digest[:12]}"


def audited(run: Run) -> Path:
    """Return the folder of an audit of the images of a run, all of its source."""
    place = run.path.parent / "audit"
    if not place.exists():
        audit(dataclasses.replace(run.config.data, limit=None, long_tail=None), to=place)
    return place
