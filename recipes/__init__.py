"""The commands: ``python -m recipes.NAME``, or ``fashion-zoo NAME``."""
