"""Units of claims that several experiments share."""

from typing import Any

NATS: dict[str, Any] = {"unit": "nats", "scale": 1, "form": ".3f"}
POWERS: dict[str, Any] = {"unit": "powers of ten", "scale": 1}
