"""Hooks of mkdocs: the card of each recipe in the menu, and the languages of each page."""

from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RECIPES = DOCS / "recipes"


def cards() -> list[dict[str, str]]:
    """Return the entries of the menu, title to page, in the order of the tables."""
    files = sorted(RECIPES.glob("*.md"), key=lambda file: file.stem)
    return [{file.stem: f"recipes/{file.name}"} for file in files]


def on_config(config: Any) -> Any:
    """Add a section to the menu behind the first two."""
    config["nav"].insert(2, {"Cards of the recipes": cards()})
    return config


def address(url: str, language: str) -> str:
    """Return where a page is in a language, or the first page there if it is not translated."""
    folder = "ko/" if language == "ko" else ""
    there = folder + url.removeprefix("ko/")
    page = DOCS / there
    found = page.with_name(f"{page.name}.md").is_file() or (page / "index.md").is_file()
    return there if found else f"{folder}guide/"


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """Set the language of a page, of which the theme makes its `lang` and the texts around it.

    The language switch leads to the same page in the other language.
    """
    config["theme"]["language"] = "ko" if page.url.startswith("ko/") else "en"
    for one in config["extra"]["alternate"]:
        one["link"] = address(page.url, one["lang"])
    return context
