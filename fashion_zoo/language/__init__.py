"""Parser of expressions, vocabularies, checks of settings and arguments, wording of messages."""

from fashion_zoo.language import wording as wording
