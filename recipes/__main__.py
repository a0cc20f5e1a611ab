"""``fashion-zoo`` alone lists the commands; ``fashion-zoo NAME ...`` runs one."""

import importlib
import sys
from collections.abc import Sequence

import fashion_zoo
from recipes import _help, _streams

COMMANDS = {
    "train": "train a recipe, evaluate it, export it",
    "distill": "train a recipe from the outputs of a teacher",
    "tune": "search for better hyperparameters",
    "evaluate": "measure a run on the test images",
    "export": "export a run for other programs and prove that it agrees",
    "ensemble": "make one model of several runs",
    "predict": "classify picture files",
    "publish": "publish the weights of a run with what they reach",
    "list": "the recipes and their accuracy",
    "info": "one recipe with its defaults",
    "find_lr": "suggest a learning rate by a range test",
    "schedules": "draw schedules side by side",
    "augment": "draw augmented images",
    "audit": "look for faults in images and labels",
    "inspect": "look for faults in the layers of a model",
    "verify": "train a recipe again and test its row of results",
    "compare": "say which of several recipes are better, and how sure that is",
    "experiment": "compare recipes and techniques over several seeds",
    "benchmark": "measure speed, memory and searches",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command by name and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return _streams.guarded(lambda: _dispatch(arguments))


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: fashion-zoo COMMAND ...\n\nThe same as python -m recipes.COMMAND ...\n")
        print(f"{_help.table(COMMANDS)}\n\nfashion-zoo COMMAND --help lists the options.")
        return 0
    if arguments[0] == "--version":
        print(fashion_zoo.__version__)
        return 0
    if arguments[0] not in COMMANDS:
        print(f"error: {fashion_zoo.unknown('command', arguments[0], COMMANDS)}", file=sys.stderr)
        return 2
    return importlib.import_module(f"recipes.{arguments[0]}").main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
