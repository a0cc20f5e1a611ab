"""Run a notebook in an empty folder: ``python tests/notebooks.py docs/guide.ipynb`` keeps outputs.

Names of files in them are relative to that folder, and what TensorFlow says of the machine when it
is imported, whatever its level of logging, is left out.
"""

import re
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

LONGEST = 600  # seconds of a cell
_IMPORT = re.compile(
    r"^(WARNING: All log messages before absl|[IWE]0000 00:00:|To enable the following).*\n?", re.M
)


def executed(file: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of its cells, which run in a folder."""
    notebook = nbformat.read(file, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=LONGEST,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    client.execute()
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            found = filter(None, map(_quiet, cell["outputs"]))
            cell["outputs"] = [nbformat.from_dict(one) for one in found]
    return notebook


def _quiet(output: dict) -> dict | None:
    """Return an output without the lines of the import, None if nothing is left."""
    if output.get("name") != "stderr":
        return output
    text = _IMPORT.sub("", output["text"])
    return {**output, "text": text} if text.strip() else None


def kept(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook without the name of the folder in its outputs."""
    text = nbformat.writes(notebook)
    return nbformat.reads(text.replace(f"{folder}/", ""), as_version=4)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as place:
            found = kept(executed(Path(name), Path(place)), Path(place))
        nbformat.write(found, name)
