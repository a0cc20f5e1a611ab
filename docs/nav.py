"""Put the card of each recipe into the menu of the site: a hook of mkdocs."""

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
