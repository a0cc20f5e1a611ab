"""Hooks of mkdocs: the card of each recipe in the menu, and the language of each page."""

from pathlib import Path
from typing import Any

RECIPES = Path(__file__).parent / "recipes"


def cards() -> list[dict[str, str]]:
    """Return the entries of the menu, title to page, in the order of the tables."""
    files = sorted(RECIPES.glob("*.md"), key=lambda file: file.stem)
    return [{file.stem: f"recipes/{file.name}"} for file in files]


def on_config(config: Any) -> Any:
    """Add a section to the menu behind the first two."""
    config["nav"].insert(2, {"Cards of the recipes": cards()})
    return config


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """Set the language of a page, of which the theme makes its `lang` and the texts around it."""
    config["theme"]["language"] = "ko" if page.url.startswith("ko/") else "en"
    return context
