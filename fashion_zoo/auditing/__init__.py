"""Audit: what is wrong with the images and labels of a source, and lists of what to leave out."""

from fashion_zoo.auditing.findings import KINDS as KINDS, Audit as Audit
from fashion_zoo.auditing.labels import suspects as suspects
from fashion_zoo.auditing.search import audit as audit, default_config as default_config
