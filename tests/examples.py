"""The command lines and Python examples of the documentation, as a reader would copy them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What stands for something of the reader's own.
PLACEHOLDERS = {
    "N": "3", "NAME": "bn_mlp", "RUN": "runs/mine", "OTHER": "runs/quick",
    "PICTURE": "a.png", "FOLDER": "exported",
    "FORMAT": "saved_model", "POLICY": "flip", "SOURCE": "digits", "AUDIT": "suspects.txt",
    "TEACHER": "runs/quick", "STUDENT": "bn_mlp", "SCHEDULE": "cosine",
    "PATTERN": "*", "$STUDY_URL": "sqlite:///search.db",
}  # fmt: skip


def command_lines(text: str, *, inline: bool = True) -> list[list[str]]:
    """Return the words after ``recipes.`` of every command of this package in a page.

    Args:
        text: the page, in Markdown.
        inline: whether those inside a sentence count too.
    """
    text = re.sub(r"\\\n\s+", " ", text)
    found = re.findall(r"^ {4}.*?python -m recipes\.(.+)$", text, re.M)
    fenced = "".join(re.findall(r"```bash\n(.*?)```", text, re.S))
    found += re.findall(r"python -m recipes\.(.+)$", fenced, re.M)
    if inline:
        mentions = re.findall(r"`python -m recipes\.([^`]+)`", text)
        found += [line for line in mentions if " " in line]  # others name the command only
    lines = [words(line) for line in found]
    return [line for line in lines if line[0] != PLACEHOLDERS["NAME"]]


def words(line: str) -> list[str]:
    """Return the words of a command line, with placeholders filled in and brackets taken off."""
    line = line.replace("[OPTIONS]", "").replace(" ...", "").removesuffix(" &")
    filled, optional = [], False
    for word in shlex.split(line):
        optional = optional or word.startswith("[")
        ends = optional and word.endswith("]")
        word = word.strip("[]") if optional else word
        optional = optional and not ends
        for placeholder, value in PLACEHOLDERS.items():
            word = re.sub(rf"(?<![A-Z]){re.escape(placeholder)}(?![A-Z])", value, word)
        filled.append(word)
    return filled


def python_examples(text: str) -> list[str]:
    """Return the fenced Python of a page."""
    return re.findall(r"```python\n(.*?)```", text, re.S)


def replaced(line: list[str], **values: str) -> list[str]:
    """Return a command line with some of its flags set, whether it has them or not."""
    line = list(line)
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if flag in line:
            line[line.index(flag) + 1] = value
        else:
            line += [flag, value]
    return line
