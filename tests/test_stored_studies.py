"""A study that an older version wrote is gone on with, and keeps what it was asked for last."""

import contextlib
import dataclasses
import gzip
import json
import sqlite3
from pathlib import Path

import fashion_zoo
from fashion_zoo.machine import environment
from fashion_zoo.show.trials import Counts

FILE = Path(__file__).parent / "data" / "study.db.gz"
SEARCH = fashion_zoo.SearchConfig(trials=2, sampler="random", candidates=0)
SPACE = {
    "batch_size": "100", "augmentation": "'none'", "mixing": "'none'", "depth": "1",
    "units": "choice(8, 16)",
}  # fmt: skip


def attribute(base, key):
    row = base.execute("SELECT value_json FROM study_user_attributes WHERE key = ?", (key,))
    return json.loads(row.fetchone()[0])


def test_a_study_of_an_older_version_is_gone_on_with(tmp_path):
    file = tmp_path / "study.db"
    file.write_bytes(gzip.decompress(FILE.read_bytes()))
    with contextlib.closing(sqlite3.connect(file)) as base, base:
        stored = attribute(base, "fingerprint")
        for name in stored["versions"]:  # those of other packages are not what is tested
            stored["versions"][name] = environment.version_of(name)
        base.execute(
            "UPDATE study_user_attributes SET value_json = ? WHERE key = 'fingerprint'",
            (json.dumps(stored),),
        )
    found = fashion_zoo.tune(
        "bn_mlp", search=SEARCH, study_dir=tmp_path, space=SPACE, seed=3, data={"limit": 200},
        training={"epochs": 1, "batch_size": 100}, progress=False,
    )  # fmt: skip
    assert found.counts == Counts(2, 2, 0, 0, 0)
    with contextlib.closing(sqlite3.connect(file)) as base:
        kept = attribute(base, "search")
    assert fashion_zoo.SearchConfig(**kept) == SEARCH
    assert kept.keys() == {field.name for field in dataclasses.fields(SEARCH)}
