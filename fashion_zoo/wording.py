"""How numbers of things are written, everywhere: 1 epoch, 20 epochs, 1,206,538 parameters."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, in the singular for exactly one.

    Args:
        number: how many.
        noun: the singular, such as ``"epoch"``.
        plural: the plural where it is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
