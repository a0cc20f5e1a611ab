"""Pages of HTML that stand alone: one file, with its pictures inside."""

import base64
import html
from collections.abc import Callable, Sequence
from typing import Any

from fashion_zoo.errors import StorageError
from fashion_zoo.show import figures
from fashion_zoo.show.streams import say

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 0.85rem; }
th, td { padding: 0.2rem 0.6rem; text-align: left; border-bottom: 1px solid #ccc; }
div.wide { overflow-x: auto; }
img { max-width: 100%; }
"""


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table, its cells escaped."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def picture(make: Callable[[], Any], says: str) -> str:
    """Return a matplotlib figure as an image inside the page, or why it could not be drawn.

    Args:
        make: makes the figure.
        says: what the picture shows, for who cannot see it.
    """
    try:
        data = figures.draw(make, dpi=100, bbox_inches="tight")
    except StorageError as error:
        say(f"warning: {says} is left out. {error}")
        return f"<p>{html.escape(str(error))}</p>"
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(says)}" src="{source}">'


def page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    """Return a page.

    Args:
        title: its title.
        sections: heading and content, which is HTML.
    """
    body = "".join(f"<h2>{html.escape(heading)}</h2>{content}" for heading, content in sections)
    name = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{name}</h1>{body}</body></html>\n"
    )
