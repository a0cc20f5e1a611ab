"""HTML with the pictures inside: pages of one file, and results in a cell of a notebook."""

import base64
import html
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fashion_zoo.errors import StorageError
from fashion_zoo.show import figures
from fashion_zoo.show.streams import say
from fashion_zoo.storage import reading

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 0.5rem; }
p { max-width: 50rem; margin: 0.5rem 0; }
p.warning { background: #fdf3e1; border-left: 4px solid #dd8452; padding: 0.4rem 0.8rem; }
table { border-collapse: collapse; font-size: 0.85rem; margin: 0.8rem 0; }
th, td { padding: 0.25rem 0.7rem; text-align: left; border-bottom: 1px solid #ddd;
  vertical-align: top; white-space: nowrap; }
td:last-child { white-space: normal; overflow-wrap: break-word; min-width: 12rem; }
tr.marked { background: #fdf3e1; }
div.wide { overflow-x: auto; }
img { max-width: 100%; min-width: 44rem; height: auto; }
"""
_MARKED = ' class="marked"'


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, marked: Sequence[bool] = ()
) -> str:
    """Return a table with escaped cells; ``marked`` is whether to highlight each row."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr{_MARKED if out else ''}>{_cells(row)}</tr>"
        for row, out in itertools.zip_longest(rows, marked)
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cells(row: Sequence[object]) -> str:
    return "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a table of names and values, one per row."""
    rows = "".join(f"<tr><th>{html.escape(name)}</th>{_cells([text])}</tr>" for name, text in pairs)
    return f'<div class="wide"><table>{rows}</table></div>'


def paragraph(text: str, *, strong: bool = False) -> str:
    """Return a paragraph of text."""
    escaped = html.escape(text)
    return f"<p><strong>{escaped}</strong></p>" if strong else f"<p>{escaped}</p>"


def warning(text: str) -> str:
    """Return a highlighted paragraph."""
    return f'<p class="warning">{html.escape(text)}</p>'


def picture(make: Callable[[], Any], title: str) -> str:
    """Return a matplotlib figure as an image, or the reason why it could not be drawn."""
    try:
        data = figures.draw(make, dpi=100, bbox_inches="tight")
    except StorageError as error:
        say(f"warning: {title} is left out. {error}")
        return f"<p>{html.escape(str(error))}</p>"
    return f'<div class="wide">{_img(data, title)}</div>'


def image(file: Path, title: str) -> str:
    """Return a PNG file as an image, or nothing if it cannot be read."""
    try:
        with reading.open_regular(file, reading.LARGEST_TEXT) as opened:
            return _img(opened.read(), title)
    except OSError:
        return ""


def _img(data: bytes, title: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(title)}" src="{source}">'


def lines(*texts: str) -> str:
    """Join the lines of a result without the empty ones."""
    return "\n".join(filter(None, texts))


def cell(text: str, *parts: str) -> str:
    """Return the lines of a result as HTML, with parts in HTML below them."""
    return f"<pre>{html.escape(text)}</pre>{''.join(parts)}"


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return a page."""
    body = "".join(f"<h2>{html.escape(heading)}</h2>{content}" for heading, content in sections)
    name = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{name}</h1>{body}</body></html>\n"
    )
