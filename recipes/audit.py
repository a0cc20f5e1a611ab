"""Look for faults in images and labels: ``python -m recipes.audit SOURCE``."""

import dataclasses
import functools
import os
import sys
from typing import Any

import fashion_zoo
from fashion_zoo import errors
from recipes import _common, _spelling
from recipes._help import Brief, filled, table


@dataclasses.dataclass(frozen=True)
class AuditSource(fashion_zoo.RunConfig):
    """Look for faults in the images of a source: equal and similar ones, labels that are wrong."""

    to: str = "audit"
    """The folder of the page and the lists."""
    folds: int = 5
    """Number of models that tell label errors, each trained without one fold of the images; 0 to
    train nothing."""
    force: bool = False
    """Replace an older audit there."""
    json: bool = False
    """Print all of audit.json."""


_BRIEF = Brief(
    (
        "to", "force", "folds", "seed", "training.epochs", "data.size", "data.color",
        "data.exclude", "data.skip_broken", "json",
    ),
    ("NAME --folds 3", "NAME --to audits/mine --data.size 28 --data.color grey"),
)  # fmt: skip


@_common.command
def main(argv: list[str]) -> int:
    """Parse, look, print."""
    if not argv or argv[0].startswith("-"):
        return _usage(argv)
    if any(word.partition("=")[0] == "--data.source" for word in argv):
        raise fashion_zoo.ConfigError("The source is the first word. Leave out --data.source.")
    options, config = _common.parse_config(
        AuditSource,
        [*argv[1:], "--data.source", argv[0]],
        f"audit {argv[0]}",
        fashion_zoo.auditing.default_config(),
        _BRIEF,
    )
    _common.start_keras()
    fashion_zoo.audit(
        config=config,
        to=options.to,
        folds=options.folds,
        force=options.force,
        show=functools.partial(_print, options, config.data),
        progress=True,
        **_common.of_the_model(argv, config.model),
    )
    return 0


def _usage(argv: list[str]) -> int:
    """Print the sources, on stderr if nothing was asked."""
    sources = fashion_zoo.words_of(fashion_zoo.DataConfig())["source"]
    file = sys.stdout if argv and argv[0] in ("-h", "--help", "--help-all") else sys.stderr
    print("usage: python -m recipes.audit SOURCE [OPTIONS]\n\nSources:", file=file)
    path = {"PATH": "a folder of pictures or IDX files, a table, or an NPZ or NPY file"}
    more = f"python -m recipes.audit SOURCE --help lists the options.\n{_common.EVERYWHERE}"
    print(f"{table({**sources.lines(), **path})}\n\n{filled(more)}", file=file)
    return 0 if file is sys.stdout else 2


def _print(options: AuditSource, data: fashion_zoo.DataConfig, found: Any) -> None:
    """Print the numbers, before anything is written."""
    if options.json:
        _common.print_json(found)
        return
    print(found.summary)
    print(f"pixels {found.pixels}")
    fashion_zoo.show.print_table(
        None,
        ["listed", "training", "test"],
        [[title, f"{train:,}", f"{test:,}"] for title, (train, test) in found.counts.items()],
        numbers=2,
    )
    print(f"page   {os.path.join(options.to, 'audit.html')}")
    if data.exclude is None and found["lists"]["label_errors"]["train"]:
        hints = _spelling.changed(data, fashion_zoo.DataConfig(), "data.")
        file = os.path.join(options.to, "label_errors.txt")
        call = errors.Call("train", ("bn_mlp",), (*hints, errors.Hint("data.exclude", file)))
        print("Next:", _spelling.command(call))


if __name__ == "__main__":
    sys.exit(main())
