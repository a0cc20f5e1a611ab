import pytest

from fashion_zoo import ConfigError
from fashion_zoo.augment.policies import OPERATIONS, POLICIES, WORDS, Operation, mixes, parse


def test_a_policy_is_read_from_left_to_right():
    assert parse("flip | shift(3) | erase(0.25, high=0.1)") == (
        Operation("flip", {"p": 0.5}),
        Operation("shift", {"pixels": 3}),
        Operation("erase", {"p": 0.25, "low": 0.02, "high": 0.1, "fill": 0}),
    )
    assert parse("none") == ()
    assert not mixes(parse("flip"))


def test_named_policies_are_parts_of_others():
    for name, text in POLICIES.items():
        assert parse(name) == (parse(text) if text else ())
    assert parse("light | mixup") == (*parse("light"), *parse("mixup"))
    assert parse("none | flip") == parse("flip | none") == parse("flip")
    assert parse("strong | none") == parse("strong")
    assert mixes(parse("light | mixup"))


def test_either_holds_two_ways():
    (operation,) = parse("either(mixup(0.4), cutmix(p=0.5), 0.25)")
    assert operation.values == {
        "first": Operation("mixup", {"alpha": 0.4, "p": 1.0}),
        "second": Operation("cutmix", {"alpha": 1.0, "p": 0.5}),
        "p": 0.25,
    }
    assert operation.mixes


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("flip | shft(2)", 8, "Unknown policy 'shft'. Did you mean 'shift'?"),
        ("mixup | flip", 1, "what mixes images stands last, and once"),
        ("flip | mixup | cutmix", 1, "For two ways write either(mixup, cutmix)"),
        ("strong | mixup | none | flip", 1, "stands last"),
        ("flip | 3", 1, "| stands between operations, received 3"),
        ("flip |", 1, "invalid syntax"),
        ("", 1, "expected a policy. Known: brightness, contrast, cutmix"),
        ("either(flip, mixup)", 1, "either takes mixup and cutmix, as in either(mixup, cutmix)"),
        ("either(mixup, 2)", 1, "received 2"),
        ("flip & shift", 1, "cannot stand in a policy"),
        ("shift(pixel=2)", 1, "Unknown argument of shift 'pixel'. Did you mean 'pixels'"),
        ("flip(1.5)", 1, "p must be a probability in 0..1, received 1.5"),
        ("shift(-1)", 1, "pixels must be a number of at least 0, received -1"),
        ("rotate(181)", 1, "degrees must be a number in 0..180, received 181"),
        ("zoom(1)", 1, "amount must be a number of at least 0 and below 1, received 1"),
        ("shear(61)", 1, "degrees must be a number in 0..60, received 61"),
        ("elastic(-1)", 1, "alpha must be a number of at least 0, received -1"),
        ("elastic(1, 0)", 1, "sigma must be a number of at least 0.1, received 0"),
        ("erase(2)", 1, "p must be a probability in 0..1, received 2"),
        ("erase(0.5, 0.4, 0.3)", 1, "high must be a number in 0.4..1, received 0.3"),
        ("erase(fill=256)", 1, "fill must be a number in 0..255, received 256"),
        ("cutout(0)", 1, "size must be a whole number of at least 1, received 0"),
        ("noise(-0.1)", 1, "std must be a number of at least 0, received -0.1"),
        ("brightness(2)", 1, "amount must be a number in 0..1, received 2"),
        ("contrast(2)", 1, "amount must be a number in 0..1, received 2"),
        ("mixup(0)", 1, "alpha must be a number above 0, received 0"),
        ("cutmix(1, 2)", 1, "p must be a probability in 0..1, received 2"),
        ("flip | either(mixup, cutmix, 2)", 8, "p must be a probability in 0..1, received 2"),
    ],
)
def test_what_cannot_be_read_is_answered_with_its_column(text, column, reason):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert f"Cannot read {text!r}, column {column}: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_number_is_no_policy():
    with pytest.raises(ConfigError, match=r"'3' is not a policy by itself. Write one such"):
        parse("3")


def test_every_operation_describes_itself():
    for name in OPERATIONS:
        if name != "either":
            assert WORDS[name]()[0].name == name
