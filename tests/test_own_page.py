"""A file of one's own, of twenty lines: it runs, and the page with its result builds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples import python_examples

from recipes import experiment

DOCS = Path(__file__).parent.parent / "docs"
DRAWN = """
from fashion_zoo.show.plots import canvas

def figure(measured):
    drawn, (axis,) = canvas.grid(4, 3)
    axis.bar(list(measured.by_arm), [len(rows) for rows in measured.by_arm.values()])
    return drawn
"""


@pytest.mark.slow
def test_the_example_runs_and_its_page_builds(tmp_path, monkeypatch):
    pytest.importorskip("mkdocs")
    (source, *_) = python_examples((DOCS / "experiments.md").read_text("utf-8"))
    assert len(source.splitlines()) <= 20
    small = source.replace('"limit": 10_000', '"limit": 500').replace('"epochs": 5', '"epochs": 1')
    own = small.replace('name="width",', 'name="width", page="docs/width.md", figure=figure,')
    (tmp_path / "width.py").write_text(DRAWN + own)
    (tmp_path / "docs").mkdir()
    marks = "<!-- results:begin -->\n<!-- results:end -->\n"
    (tmp_path / "docs" / "width.md").write_text(f"# Width\n\n{marks}")
    (tmp_path / "docs" / "index.md").write_text("[width](width.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: Mine\n")
    monkeypatch.chdir(tmp_path)
    assert experiment.main(["width.py", "--seeds", "2"]) == 0
    build = [sys.executable, "-P", "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "width" / "index.html").read_text("utf-8")
    assert re.findall(r"<td><code>(\w+)</code></td>", html) == ["default", "narrow", "wide"]
    assert 'src="../width.png"' in html
    assert (tmp_path / "site" / "width.png").read_bytes().startswith(b"\x89PNG")
