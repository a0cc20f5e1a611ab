"""Tables in a terminal."""

from collections.abc import Iterable, Sequence


def print_table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0
) -> None:
    """Print a table on stdout, as wide as the terminal allows.

    Args:
        title: a line above it.
        columns: the headings.
        rows: the cells.
        numbers: how many of the last columns hold numbers and are set to the right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for position, column in enumerate(columns):
        right = position >= len(columns) - numbers
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # brackets are text here, not markup
    Console().print(table)
