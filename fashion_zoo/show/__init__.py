"""Output for people: progress and tables in a terminal, figures in files."""

from fashion_zoo.show.streams import Unbreakable, unbreakable
from fashion_zoo.show.tables import print_table
from fashion_zoo.show.waiting import paused, waiting

__all__ = ["Unbreakable", "paused", "print_table", "unbreakable", "waiting"]
