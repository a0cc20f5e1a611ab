"""What a result looks like in a cell: a few lines, and in a notebook a picture or a table below."""

import base64
import html
from pathlib import Path

from fashion_zoo.storage import reading


def lines(*texts: str) -> str:
    """Join the lines of a result; empty ones are left out."""
    return "\n".join(text for text in texts if text)


def page(text: str, *parts: str) -> str:
    """Return the lines of a result as HTML, with parts that are HTML below them."""
    return f"<pre>{html.escape(text)}</pre>{''.join(parts)}"


def image(file: Path, says: str) -> str:
    """Return a PNG file as an image inside the page, or nothing where it cannot be read."""
    try:
        with reading.open_regular(file, reading.LARGEST_TEXT) as opened:
            data = base64.b64encode(opened.read()).decode()
    except OSError:
        return ""
    return f'<img alt="{html.escape(says)}" src="data:image/png;base64,{data}">'
