"""Tables in a terminal."""

from collections.abc import Iterable, Sequence

_TEXT = 20  # columns that a cell of text needs


def print_table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0
) -> None:
    """Print a table on stdout, as wide as the terminal allows.

    Names, in the first column, and numbers, in the last ``numbers`` columns, are never broken. On a
    terminal that is too narrow, a row takes several lines.
    """
    from rich import box
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console, rows = Console(), [list(row) for row in rows]
    first_number = len(columns) - numbers
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    needed = [
        min(width, _TEXT) if 0 < place < first_number else width
        for place, width in enumerate(widths)
    ]
    if sum(needed) + 3 * len(columns) > console.width:
        if title:
            console.print(Text(title))
        for name, *cells in rows:
            console.print(Text(name), soft_wrap=True)
            for column, cell in zip(columns[1:], cells, strict=True):
                console.print(Padding(Text(f"{column}: {cell}"), (0, 0, 0, 2)))
        return
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(
            column,
            justify="right" if place >= first_number else "left",
            overflow="fold",
            no_wrap=not 0 < place < first_number,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # whose brackets are no markup
    console.print(table)
