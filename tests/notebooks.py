"""Run a notebook in an empty folder: ``python tests/notebooks.py docs/guide.ipynb`` keeps outputs.

Names of files in them are relative to that folder.
"""

import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

LONGEST = 600  # seconds of a cell


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
    return notebook


def kept(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook without the name of the folder in its outputs."""
    text = nbformat.writes(notebook)
    return nbformat.reads(text.replace(f"{folder}/", ""), as_version=4)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as place:
            found = kept(executed(Path(name), Path(place)), Path(place))
        nbformat.write(found, name)
