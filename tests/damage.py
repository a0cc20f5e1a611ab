"""Three hundred ways to damage the file of a study, the same at every run."""

import contextlib
import random
import sqlite3

from optuna.storages._rdb import models

TABLES = {one.name: [each.name for each in one.columns] for one in
          models.BaseModel.metadata.sorted_tables}  # fmt: skip
PAGE = 4096
ODD = ["{", "[]", "null", "1e400", "-1", "2.5", "true", '"x"', '"\\ud800"', "9" * 5000, "[" * 3000,
       '{"index": 0}']  # fmt: skip


def flipped(seed, bits):
    def damage(file):
        data, chance = bytearray(file.read_bytes()), random.Random(seed)
        for _ in range(bits):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)

    return damage


def zeroed(page):
    def damage(file):
        data = bytearray(file.read_bytes())
        at = page * PAGE % len(data)
        data[at : at + PAGE] = bytes(PAGE)
        file.write_bytes(data)

    return damage


def cut(part):
    def damage(file):
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * part)])

    return damage


def sql(*statements):
    def damage(file):
        with contextlib.closing(sqlite3.connect(file)) as base:
            for statement in statements:
                base.execute(statement)
            base.commit()

    return damage


def _of_tables():
    for name, columns in TABLES.items():
        yield f"{name} dropped", sql(f"DROP TABLE {name}")
        yield f"{name} emptied", sql(f"DELETE FROM {name}")
        yield f"{name} lost a row", sql(f"DELETE FROM {name} WHERE rowid = 2")
        for event in ("INSERT", "UPDATE", "DELETE"):
            refuses = f"CREATE TRIGGER refuses BEFORE {event} ON {name}"
            yield f"{name} {event}", sql(f"{refuses} BEGIN SELECT RAISE(ABORT, 'no'); END")
        for column in columns:
            yield f"{name}.{column} renamed", sql(f'ALTER TABLE {name} RENAME "{column}" TO gone')
            if column == columns[0]:
                continue  # SQLite itself refuses any other number of a row
            for value in ("'odd'", "x'ff00'", "NULL"):
                change = f'UPDATE OR IGNORE {name} SET "{column}" = {value} WHERE rowid = 1'
                yield f"{name}.{column} = {value}", sql(change)


def _of_values():
    for table in ("study_user_attributes", "trial_user_attributes"):
        for row in (1, 2):
            for value in ODD:
                change = f"UPDATE {table} SET value_json = '{value}' WHERE rowid = {row}"
                yield f"{table} {row} = {value[:9]}", sql(change)
    for value in ODD:
        change = f"UPDATE trial_params SET distribution_json = '{value}' WHERE rowid = 2"
        yield f"distribution {value[:9]}", sql(change)


def _of_others():
    yield "no fingerprint", sql("DELETE FROM study_user_attributes")
    yield "another name", sql("UPDATE studies SET study_name = 'other'")
    yield "directions", sql("UPDATE study_directions SET direction = 'MINIMIZE'")
    yield "a second direction", sql("INSERT INTO study_directions VALUES (7, 'MAXIMIZE', 1, 1)")
    yield "a foreign trial", sql("INSERT INTO trials VALUES (99, 98, 1, 'WAITING', NULL, NULL)")
    yield "another schema", sql("UPDATE alembic_version SET version_num = 'v9'")
    yield "no text", lambda file: file.write_bytes(b"not a database, but a text" * 99)
    yield "another program's", lambda file: (file.unlink(), sql("CREATE TABLE mine (a)")(file))


def cases(count=300):
    """Return (name, damage) of each case; a shorter list has some of every kind."""
    logical = [*_of_others(), *_of_values(), *_of_tables()]
    physical = [
        *[(f"bits {seed}", flipped(seed, bits)) for seed, bits in enumerate((1, 3, 50) * 20)],
        *[(f"page {number}", zeroed(number)) for number in range(28)],
        *[(f"cut to {part}", cut(part / 8)) for part in range(8)],
    ]
    left = max(count - len(physical), 0)
    chance = random.Random(0)
    chosen = logical[:8] + chance.sample(logical[8:], max(left - 8, 0))
    found = [*physical, *chosen]
    return found if count >= 300 else chance.sample(found, count)
