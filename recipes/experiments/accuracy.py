"""Every recipe with its defaults: ``assets/results.csv``, and the table of the README."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fashion_zoo import experiments
from fashion_zoo.config import digest
from fashion_zoo.evaluation.statistics import FRACTION, mean_interval, standard_deviation
from fashion_zoo.experiments import Arm, Experiment, columns
from fashion_zoo.registry import list_recipes, recipe
from fashion_zoo.results import RESULTS, Result, read_results, write_results
from fashion_zoo.runs import Run

FACTS = ("epochs", "parameters", "precision", "device", "cores", "versions", "config")
PARTS = ("validation", "test")


def facts(run: Run) -> dict[str, Any]:
    """Return the columns of the results file beside the accuracies and the seconds."""
    found, entry = run.read_json("environment.json"), recipe(run.recipe)
    versions = found["versions"]
    return {
        "epochs": run.config.training.epochs,
        "parameters": entry.parameters,
        "precision": found["precision"]["policy"],
        "device": found["device"],
        "cores": found["cores"],
        "versions": f"Python {versions['python']}, Keras {versions['keras']}, "
        f"TensorFlow {versions.get('tensorflow', 'none')}",
        "config": digest.of(entry.config),
    }


def read(file: Path) -> list[dict[str, Any]]:
    """Return a row per training, each with the mean of the seconds."""
    rows = []
    for result in read_results(file).values():
        each = {part: getattr(result, f"{part}_each").split() for part in PARTS}
        own = {name: getattr(result, name) for name in (*FACTS, "seconds", "commit")}
        for seed in range(result.seeds):
            reached = {f"{part}_accuracy": float(each[part][seed]) for part in PARTS}
            rows.append({"arm": result.recipe, "seed": seed, **reached, **own, "stored": result})
    return rows


def write(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a summary per recipe; that of a recipe without new rows is kept."""
    names = dict.fromkeys(row["arm"] for row in rows)
    own = [[row for row in rows if row["arm"] == name] for name in names]
    write_results([each[0].get("stored") or _summary(each) for each in own], file)


def _summary(rows: Sequence[dict[str, Any]]) -> Result:
    found: dict[str, Any] = {name: rows[0][name] for name in (*FACTS, "commit")}
    for part in PARTS:
        values = [row[f"{part}_accuracy"] for row in rows]
        interval = mean_interval(values, FRACTION)
        found[f"{part}_mean"] = sum(values) / len(values)
        found[f"{part}_spread"] = standard_deviation(values)
        found[f"{part}_low"], found[f"{part}_high"] = interval.low, interval.high
        found[f"{part}_each"] = " ".join(f"{value:.4f}" for value in values)
    seconds = round(sum(row["seconds"] for row in rows) / len(rows), 2)
    return Result(recipe=rows[0]["arm"], seeds=len(rows), seconds=seconds, **found)


EXPERIMENT = Experiment(
    name="accuracy",
    question="What does every recipe reach with its defaults?",
    arms=lambda: [Arm(name, name) for name in list_recipes()],
    metrics=(*experiments.METRICS, facts),
    columns=[
        columns.name("recipe"),
        columns.number("trainable parameters", "parameters", ",.0f"),
        columns.accuracy("validation accuracy", "validation_accuracy", spread=True, right=True),
        columns.accuracy("test accuracy", "test_accuracy", spread=True, right=True),
        columns.number("seconds", "seconds", ".0f"),
    ],
    note="Mean ± standard deviation over {seeds}, with the 95 % interval of the mean in "
    "brackets (Student's t on the logit scale). Seconds are of one training on {device}, {cores} "
    "cores, {precision}; {versions}; commit {commit}. `{command}` reproduces the table.",
    folder="runs/benchmark",
    page="README.md",
    command="python -m recipes.benchmark accuracy --seeds",
    read=read,
    write=write,
    file=RESULTS,
)
