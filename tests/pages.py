"""Write what examples print and draw into the pages: ``python tests/pages.py [PAGE ...]``.

The text between ``<!-- output:begin -->`` and ``<!-- output:end -->`` is what the fenced example
above it prints. Pictures of the pages are those that these examples and ``DRAWN_BY`` draw. All of
it is done anew, in an empty folder, for the pages that are named, by default for all.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from examples import PAGES, ROOT, command_lines, python_examples

from fashion_zoo.experiments import Measured, page as table, verdict
from fashion_zoo.language.wording import listed
from fashion_zoo.results import TOOK
from recipes import experiment
from recipes.__main__ import COMMANDS

PICTURES = ROOT / "docs" / "pictures"
CLAIMS = ROOT / "docs" / "claims" / "index.md"
WORDS = [verdict.HOLDS, verdict.FAILS, verdict.OPEN]
QUICK = "python -m recipes.train bn_mlp.quick --run-dir runs/quick"
STUDY = "python -m recipes.tune bn_mlp --trials 12 --epochs 3 --data.limit 10000 --candidates 1"
AUDIT = "python -m recipes.audit fashion_mnist --to audits/fashion_mnist"
MIXED = 'python -m recipes.augment "flip | shift(2) | either(mixup(0.2), cutmix)"'
DRAWN_BY = {
    **{
        name: (QUICK, f"runs/quick/{name}.png")
        for name in ("curves", "confusion", "reliability", "errors")
    },
    "standard": ("python -m recipes.augment standard", "augment.png"),
    "strong": ("python -m recipes.augment strong", "augment.png"),
    "mixed": (MIXED, "augment.png"),
    "schedules": ("python -m recipes.schedules", "schedules.png"),
    "find_lr": ("python -m recipes.find_lr bn_mlp", "find_lr.png"),
    "search": (STUDY, "studies/bn_mlp/report.html"),
    "gradient_flow": (
        "python -m recipes.inspect runs/quick",
        "runs/quick/inspection/gradient_flow.png",
    ),
    **{
        f"audit_{name}": (AUDIT, f"audits/fashion_mnist/{name}.png")
        for name in ("label_errors", "near_duplicates", "outliers")
    },
}
"""Name of a picture in ``docs/pictures`` to the command that draws it, and where."""
EXACT = ("list", "info", "schedules", "augment", "experiment --list")
"""Commands that are done soon, and whose output is the same on every machine."""
COLUMNS = "80"
_BLOCK = re.compile(
    r"```(?P<language>bash|python)\n(?P<example>(?:(?!```).)*?)```\n\n"
    r"<!-- output:begin -->\n(?P<output>.*?)<!-- output:end -->",
    re.S,
)


class Shown(NamedTuple):
    """An example of a page whose output the page shows."""

    language: str
    example: str
    output: str

    @property
    def command(self) -> str:
        """The command line, or an empty text where the example is Python."""
        lines = re.sub(r"\\\n\s+", "", self.example).splitlines()
        found = [line for line in lines if "python -m recipes." in line]
        return found[-1][found[-1].index("python -m") :] if found else ""

    @property
    def before(self) -> list[str]:
        """The command lines above it in the example, which make what it needs."""
        found = re.findall(r"python -m recipes\..*", re.sub(r"\\\n\s+", "", self.example))
        return found[:-1]

    @property
    def exact(self) -> bool:
        """Whether the output is the same on every machine."""
        return self.command.startswith(tuple(f"python -m recipes.{name}" for name in EXACT))


def shown(text: str) -> list[Shown]:
    """Return the examples of a page whose output it shows."""
    return [Shown(**found.groupdict()) for found in _BLOCK.finditer(text)]


def fenced(output: str) -> str:
    """Return what was printed as a block of a page; of many epochs the first two and the last."""
    lines = "\n".join(line.rstrip() for line in output.splitlines()).strip("\n").splitlines()
    epochs = [number for number, line in enumerate(lines) if re.match(r"epoch \d+/", line)]
    if len(epochs) > 4:
        lines[epochs[2] : epochs[-1]] = ["..."]
    return "\n".join(["```text", *lines, "```", ""])


def replaced(text: str, output_of: Callable[[Shown], str]) -> str:
    """Return a page with the output of each example as a function gives it."""

    def block(found: re.Match) -> str:
        start = found.start("output") - found.start()
        printed = fenced(output_of(Shown(**found.groupdict())))
        return f"{found[0][:start]}{printed}<!-- output:end -->"

    return _BLOCK.sub(block, text)


def filled(page: Path) -> str:
    """Return a page with the lists that are made of other files: commands, and on the first page
    the results of the README; in the list of claims their verdicts.
    """
    text = page.read_text("utf-8")
    folder = "docs/commands" if page.name == "README.md" else "commands"
    rows = [f"| [`{name}`]({folder}/{name}.md) | {summary} |" for name, summary in COMMANDS.items()]
    names = "\n".join(["| command | what it does |", "| --- | --- |", *rows, ""])
    text = _between(text, "commands", names)
    if page == ROOT / "docs" / "index.md":
        readme = (ROOT / "README.md").read_text("utf-8")
        (results,) = re.findall("<!-- results:begin -->\n(.*?)<!-- results:end -->", readme, re.S)
        text = _between(text, "results", results)
    if page == CLAIMS:
        text = _between(text, "verdicts", verdicts() + _times())
    return text


def verdicts() -> str:
    """Return the table of how many tests of each claim, by experiment, have which verdict."""
    found: dict[tuple[int, str], list[str]] = {}
    for name in experiment.names():
        own = experiment.find(name)
        rows = own.places(page=ROOT / own.page).rows
        if rows.is_file() and any(claim.number for claim in own.claims):
            for one in Measured(own, table.read_rows(rows)).verdicts():
                if number := one.claim.number:
                    found.setdefault((int(number[1:]), name), []).append(one.word)
    lines = [
        [f"C{number}", f"`{name}`", *(str(words.count(one) or "") for one in WORDS)]
        for (number, name), words in sorted(found.items())
    ]
    return table.table(["claim", "experiment", *WORDS], lines, WORDS) + "\n"


def minutes() -> dict[str, float]:
    """Return the minutes that each experiment with claims took, of those whose rows all know."""
    found = {}
    for name in experiment.names():
        own = experiment.find(name)
        rows = table.read_rows(own.places(page=ROOT / own.page).rows) if own.claims else []
        if rows and all(TOOK in row for row in rows):
            found[name] = sum(row[TOOK] for row in rows) / 60
    return found


def _times() -> str:
    found = minutes()
    if not found:
        return ""
    each = listed([f"`{name}` {one:.0f}" for name, one in found.items()])
    return (
        "\nMinutes that trainings and evaluations took, of the experiments whose rows say it: "
        f"{each}; together {sum(found.values()) / 60:.1f} hours.\n"
    )


def _between(text: str, mark: str, block: str) -> str:
    marks = f"(<!-- {mark}:begin -->\n).*?(<!-- {mark}:end -->)"
    return re.sub(marks, lambda found: f"{found[1]}{block}{found[2]}", text, flags=re.S)


class Runner:
    """Runs examples in one folder, each once, and keeps the pictures that they draw."""

    def __init__(self, folder: Path, pictures: Path | None = None):
        self.folder = folder
        self.pictures = pictures
        self.printed: dict[str, str] = {}

    def __call__(self, example: Shown) -> str:
        """Return what an example prints, after what it needs was made."""
        if "runs/quick" in example.command and example.command != QUICK:
            self.run(QUICK)
        for line in example.before:
            self.run(line)
        page = (ROOT / "docs" / "experiments.md").read_text("utf-8")
        (self.folder / "width.py").write_text(python_examples(page)[0])
        if "boot.png" in example.command:
            page = (ROOT / "docs" / "commands" / "predict.md").read_text("utf-8")
            self._python(python_examples(page)[0])
            if self.pictures:
                shutil.copy(self.folder / "boot.png", self.pictures)
        return self.run(example.command) if example.command else self._python(example.example)

    def run(self, command: str) -> str:
        """Return what a command prints, and take the pictures that it draws."""
        if command not in self.printed:
            (words,) = command_lines(f"    {command}\n")
            self.printed[command] = self._start("-m", f"recipes.{words[0]}", *words[1:])
            for name, (drawn_by, place) in DRAWN_BY.items():
                if drawn_by == command and self.pictures:
                    keep(self.folder / place, self.pictures / f"{name}.png")
        return self.printed[command]

    def _python(self, example: str) -> str:
        return self._start("-c", example, stderr=subprocess.DEVNULL)

    def _start(self, *arguments: str, stderr: int = subprocess.STDOUT) -> str:
        print(*arguments[:9], file=sys.stderr)
        surroundings = {"COLUMNS": COLUMNS, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | surroundings,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert done.returncode == 0, (arguments, done.stdout)
        return done.stdout


def keep(drawn: Path, picture: Path) -> None:
    """Copy a picture, or the first one of a report."""
    if drawn.suffix == ".html":
        found = re.search(r'data:image/png;base64,([^"]+)"', drawn.read_text("utf-8"))
        picture.write_bytes(base64.b64decode(found[1]))
    else:
        shutil.copy(drawn, picture)


def main(pages: list[Path]) -> None:
    """Write outputs and pictures of some pages."""
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder), PICTURES)
        for page in pages:
            page.write_text(filled(page), encoding="utf-8")
            page.write_text(replaced(page.read_text("utf-8"), runner), encoding="utf-8")
        texts = " ".join(page.read_text("utf-8") for page in pages)
        for name, (command, _) in DRAWN_BY.items():
            if f"pictures/{name}.png" in texts:
                runner.run(command)


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]] or PAGES)
