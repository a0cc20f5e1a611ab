"""Results in a cell of a notebook: some lines, with a picture or a table below."""

import base64
import html
from pathlib import Path

from fashion_zoo.storage import reading


def lines(*texts: str) -> str:
    """Join the lines of a result without the empty ones."""
    return "\n".join(text for text in texts if text)


def page(text: str, *parts: str) -> str:
    """Return a text as HTML, with parts in HTML below it."""
    return f"<pre>{html.escape(text)}</pre>{''.join(parts)}"


def image(file: Path, title: str) -> str:
    """Return a PNG file as an HTML image, or nothing if it cannot be read."""
    try:
        with reading.open_regular(file, reading.LARGEST_TEXT) as opened:
            data = base64.b64encode(opened.read()).decode()
    except OSError:
        return ""
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'
