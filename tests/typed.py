"""What a type checker makes of a program that uses the package; `tox -e checks` reads it."""

from pathlib import Path
from typing import assert_type

import fashion_zoo


def results() -> None:
    trained = fashion_zoo.train("bn_mlp", run_dir=Path("runs/x"), training={"epochs": 1})
    assert_type(trained.history, dict[str, list[float]])
    assert_type(trained.run, fashion_zoo.Run)
    assert_type(fashion_zoo.open_run(trained), fashion_zoo.Run)
    assert_type(fashion_zoo.list_recipes(), list[str])
    assert_type(fashion_zoo.recipe("bn_mlp"), fashion_zoo.Recipe)


def one_or_several() -> None:
    pixels = fashion_zoo.data.load().validation.images
    for pictures in ("a.png", Path("a.png"), pixels):
        fashion_zoo.predict("runs/x", pictures)
    fashion_zoo.predict(Path("runs/x"), ["a.png", pixels[0]])
    fashion_zoo.plot_schedules("one_cycle", "a.png")
    fashion_zoo.tune("bn_mlp", minimize="parameters", sampler="tpe", progress="auto")


def mistakes() -> None:
    fashion_zoo.trian  # type: ignore[attr-defined]  # noqa: B018  # a checker finds it
    fashion_zoo.train("bn_mlp", progress="yes")  # type: ignore[arg-type]
