"""``python -m recipes.benchmark``."""

import sys

from recipes.benchmark import main

sys.exit(main())
