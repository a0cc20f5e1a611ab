"""Inspection: what the layers of a model do, and which of them do nothing."""

from fashion_zoo.inspecting.findings import KINDS as KINDS, Inspection as Inspection
from fashion_zoo.inspecting.search import inspect as inspect
