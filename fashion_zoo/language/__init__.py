"""The one parser, how an unknown word is answered, checks of settings and arguments, wording."""

from fashion_zoo.language import wording as wording
