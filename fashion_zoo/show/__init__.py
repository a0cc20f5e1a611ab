"""Output for people: progress and tables in a terminal, figures in files."""

from fashion_zoo.show.streams import Unbreakable as Unbreakable, unbreakable as unbreakable
from fashion_zoo.show.tables import print_table as print_table
from fashion_zoo.show.waiting import paused as paused, waiting as waiting
