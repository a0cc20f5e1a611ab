from . import policies as policies
from .augmenter import Augmenter as Augmenter
from .augmenter import Strength as Strength
