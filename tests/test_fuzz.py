"""What nobody means to write: every parser answers, or raises an error of this package."""

import dataclasses
import json
import random

import pytest
from hostile import within_a_second

from fashion_zoo import (
    ConfigError,
    FashionZooError,
    MLPConfig,
    RunConfig,
    runs,
    schedules,
)
from fashion_zoo.augment import policies
from fashion_zoo.config.overrides import override
from fashion_zoo.language.expressions import DEEPEST, LONGEST
from fashion_zoo.spaces import ranges

PARSERS = {"schedule": schedules.get, "policy": policies.parse, "range": ranges.parse}
WORDS = [
    *schedules.WORDS, *policies.WORDS, *ranges.WORDS,
    "(", ")", "[", "]", "{", "}", ",", "|", ">>", "=", "*", "**", "-", "/", ".", ":", "'", '"',
    "\\",
    "0", "1", "0.5", "-1", "1e-4", "1e400", "9" * 400, "9" * 5000, "0x1f", "1j", "None", "True",
    "lambda: 0", "__import__('os')", "f'{1}'", "at=", "p=", "start", " ", "\n", "\t", "\0",
    "\ud800", "\udcff", "\u202e", "é", "😀", "#",
]  # fmt: skip


def texts(count, seed=0):
    draw = random.Random(seed)
    valid = [
        "warmup(0.05) >> cosine(1, 0.001)",
        "flip | shift(2) | cutmix(1, 0.5)",
        "log(1e-4, 1e-2)",
    ]
    for number in range(count):
        if number % 3:
            yield "".join(draw.choices(WORDS, k=draw.randint(1, 12)))
            continue
        letters = list(draw.choice(valid))
        for _ in range(draw.randint(1, 4)):  # a valid one with a few letters changed
            letters[draw.randrange(len(letters))] = draw.choice(WORDS)
        yield "".join(letters)


def answered(function, *arguments):
    """Call it; an error of ours, in one printable sentence, is an answer too."""

    def said():
        try:
            function(*arguments)
        except FashionZooError as error:
            return str(error)
        return ""

    text = within_a_second(said, str(arguments)[:200])
    text.encode()
    assert len(text) < 3000


def read_all(count, seed):
    for text in texts(count, seed):
        for parse in PARSERS.values():
            answered(parse, text)


def test_no_text_gets_anything_else_out_of_a_parser():
    read_all(700, seed=1)


@pytest.mark.slow
def test_no_text_gets_anything_else_out_of_a_parser_in_twenty_thousand():
    read_all(20_000, seed=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c" * 400_000, rf"column {LONGEST + 1}: a schedule has at most {LONGEST} characters"),
        ("[" * 1000, "too many nested"),
        ("-" * 1500 + "1", "cannot stand|cannot parse"),
        ("warmup >> " * 60 + "cosine", f"nests at most {DEEPEST} levels"),
        ("constant(" + "9" * 400 + ")", "column 1: "),
        ("linear(" + "9" * 400 + "/2)", "column 8: the numbers are too large"),
        ("restarts(100, 1e10)", "column 1: the numbers are too large"),
        ("cosine(\ud800)", "column 8: Python cannot parse it"),
        ("cosine\0", "Python cannot parse it|null"),
    ],
)
def test_what_is_too_long_too_deep_or_too_large_is_refused_with_its_column(text, message):
    with pytest.raises(ConfigError, match=message) as refused:
        schedules.get(text)
    assert len(str(refused.value)) < 1000
    str(refused.value).encode()


def test_a_range_of_too_many_whole_numbers_is_refused():
    assert len(ranges.parse("whole(1, 10000)").values) == 10_000
    with pytest.raises(ConfigError, match="whole has at most 10,000 values"):
        ranges.parse("whole(0, 10000)")


JSONS = [
    "[" * 100_000, '{"a":' * 5_000, "9" * 5_000, '"\\ud800"', "NaN", "1e999", "", "nul", "[]", "3",
    '{"format": 1, "recipe": "bn_mlp", "config": {"seed": ' + "9" * 400 + "}}",
    '{"format": 1, "recipe": "bn_mlp", "config": {"training": {"clip_norm": ' + "9" * 400 + "}}}",
    '{"format": 1, "recipe": "bn_mlp", "config": {"training": {"learning_rate": NaN}}}',
    '{"format": 1, "recipe": "bn_mlp", "config": {"data": {"folder": "\\ud800"}}}',
    '{"format": 1, "recipe": "\\ud800", "config": {}}',
    '{"format": ' + "9" * 400 + ', "recipe": "bn_mlp", "config": {}}',
    '{"format": true, "recipe": "bn_mlp", "config": {}}',
    '{"format": 1, "recipe": ["bn_mlp"], "config": {}}',
    '{"format": 1, "recipe": "bn_mlp", "config": {"model": {"hidden_units": [[1]]}}}',
    '{"format": 1, "recipe": "bn_mlp", "config": {"training": {"schedules": {"learning_rate": '
    '"restarts(100, 1e10)"}}}}',
]  # fmt: skip


@pytest.mark.parametrize("text", JSONS, ids=range(len(JSONS)))
def test_no_stored_config_gets_anything_but_an_error_of_ours(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FashionZooError) as refused:
        runs.open_run(tmp_path)
    str(refused.value).encode()
    with pytest.raises(FashionZooError):
        runs.read_config(tmp_path / "config.json", "bn_mlp")


VALUES = [
    None, True, -1, 0, 10**400, 0.5, float("nan"), float("inf"), "", "none", "\ud800", "x" * 10_000,
    [], [0], [[1]], [None], {}, {"a": 1}, [10**400], "restarts(100, 1e10)", b"x", object(),
]  # fmt: skip


def leaves(value, path=()):
    for name, inside in value.items():
        yield (*path, name)
        if isinstance(inside, dict):
            yield from leaves(inside, (*path, name))


def test_no_value_of_a_setting_gets_anything_but_an_error_of_ours():
    for path in leaves(dataclasses.asdict(RunConfig(MLPConfig()))):
        for value in VALUES:
            changes = value
            for name in reversed(path):
                changes = {name: changes}
            answered(override, RunConfig(MLPConfig()), changes)


def test_a_config_that_was_taken_can_be_stored():
    config = override(RunConfig(MLPConfig()), {"training": {"learning_rate": 10**300}})
    assert json.dumps(config.training.learning_rate)
