"""Verdicts: what follows for a claim from what was measured, and the sentence that says it."""

import dataclasses
import math

import numpy as np
import pytest

import fashion_zoo
from fashion_zoo import ConfigError, experiments
from fashion_zoo.evaluation.paired import packed
from fashion_zoo.experiments import Arm, Claim, Experiment, Measured, columns

PLACE = {"machine": "a CPU, 2 cores, Python 3.11.7, Keras 3.15.1", "commit": "a" * 40}
BASE = [0.900, 0.902, 0.899, 0.901, 0.900]


def measured(claims, **arms):
    """What was measured of arms: a test accuracy, or a whole row, for each seed."""
    own = Experiment(
        name="own",
        question="Which?",
        arms=[Arm(name) for name in arms],
        columns=[columns.name("arm"), columns.accuracy("test accuracy", "test_accuracy")],
        claims=claims,
    )
    rows = [
        {"arm": name, "seed": seed, **PLACE}
        | (one if isinstance(one, dict) else {"test_accuracy": one})
        for name, values in arms.items()
        for seed, one in enumerate(values)
    ]
    return Measured(own, rows)


def verdict(differences, claim=None):
    claim = claim or Claim("new", "old")
    new = [base + one for base, one in zip(BASE, differences, strict=False)]
    (found,) = measured([claim], old=BASE, new=new).verdicts()
    return found


BETTER = [0.003, 0.004, 0.002, 0.003, 0.004]
OPEN = [0.003, -0.002, 0.001, -0.001, 0.002]


def test_a_claim_whose_interval_lies_on_its_side_holds_here():
    found = verdict(BETTER)
    # by hand: mean 0.0032, deviation 0.00083666, t(0.975, 4) = 2.7764, half width 0.0010389
    assert (found.word, found.seeds, found.level) == ("holds here", 5, 0.05)
    assert found.difference == pytest.approx(0.0032)
    assert found.interval == pytest.approx((0.0021611, 0.0042389), abs=1e-7)
    assert str(found) == (
        "The test accuracy of `new` is higher than that of `old`. "
        "Holds here: test accuracy of `new` is 0.32 points higher than that of `old` "
        "(95 % interval +0.22 to +0.42, 5 seeds)."
    )


def test_a_claim_whose_interval_lies_on_the_other_side_does_not_hold():
    found = verdict([-one for one in BETTER])
    assert found.word == "does not hold here"
    assert str(found).startswith(
        "The test accuracy of `new` is higher than that of `old`. "
        "Does not hold here: test accuracy of `new` is 0.32 points lower than that of `old` "
        "(95 % interval -0.42 to -0.22,"
    )
    lower = Claim("new", "old", direction="lower", text="New is worse.")
    assert str(verdict([-one for one in BETTER], lower)).startswith("New is worse. Holds here: ")
    assert verdict(BETTER, lower).word == "does not hold here"


def test_an_open_claim_says_how_many_more_seeds_would_settle_it():
    found = verdict(OPEN)
    assert found.word == "these seeds cannot tell"
    deviation = np.std(OPEN, ddof=1)
    power = fashion_zoo.evaluation.paired.power
    assert (
        power(0.0006, deviation, 5 + found.more) >= 0.8 > power(0.0006, deviation, 4 + found.more)
    )
    assert str(found).endswith(
        f" If that is the true difference, {found.more} more would settle it in 80 % of cases."
    )
    assert str(verdict([0.001, -0.001])).endswith("more than 1,000 seeds would be needed.")


def test_a_gain_that_is_smaller_than_what_matters_does_not_hold():
    assert verdict(BETTER, Claim("new", "old", least=0.002)).word == "holds here"
    found = verdict(BETTER, Claim("new", "old", least=0.005))
    assert found.word == "does not hold here"
    assert "0.32 points higher" in str(found)
    assert str(found).endswith(" The claim was a difference above +0.50 points.")
    assert verdict(BETTER, Claim("new", "old", least=0.003)).word == "these seeds cannot tell"
    assert verdict(OPEN, Claim("new", "old", least=-0.005)).word == "holds here"


def test_that_two_are_the_same_holds_only_within_a_margin():
    same = Claim("new", "old", direction="same", least=0.005)
    assert verdict(OPEN, same).word == "holds here"
    assert str(verdict(OPEN, same)).endswith(
        " The claim was a difference of less than 0.50 points."
    )
    assert verdict(OPEN, dataclasses.replace(same, least=0.002)).word == "these seeds cannot tell"
    assert verdict(BETTER, dataclasses.replace(same, least=0.001)).word == "does not hold here"


def test_without_two_seeds_or_any_spread_nothing_can_be_told():
    once = verdict([0.01])
    assert (once.word, once.seeds, once.difference) == ("these seeds cannot tell", 1, None)
    assert str(once) == (
        "The test accuracy of `new` is higher than that of `old`. "
        "These seeds cannot tell: `new` and `old` have fewer than 2 seeds in common."
    )
    found = verdict([0.01] * 2)
    assert found.word == "these seeds cannot tell"
    assert (found.interval, found.images) == (None, None)
    assert str(found) == (
        "The test accuracy of `new` is higher than that of `old`. "
        "These seeds cannot tell: test accuracy of `new` is 1.00 points higher than that of `old` "
        "(2 seeds). The difference is the same with both seeds, which leaves no interval."
    )
    right = np.arange(100) < np.array([[90], [91]])
    old, new = (packed(one, "a" * 16) for one in right)
    rows = {
        name: [{"test_accuracy": at, "correct": bits}] * 2
        for name, at, bits in (("old", 0.9, old), ("new", 0.91, new))
    }
    (found,) = measured([Claim("new", "old")], **rows).verdicts()
    assert found.images is None
    assert "other test images" not in str(found)


def test_seeds_that_all_agree_decide():
    """As of dead units, which may be none with every seed."""
    assert verdict([0.01] * 3).word == "holds here"
    assert "interval +1.00 to +1.00, 3 seeds)" in str(verdict([0.01] * 3))
    settled = "; only a seed that differs could settle it."
    limit = verdict([0.0] * 5)
    assert limit.word == "these seeds cannot tell"
    assert str(limit).endswith(f" With every seed the difference is exactly 0{settled}")
    limit = verdict([0.0] * 5, Claim("new", "old", direction="lower", least=0.0))
    assert str(limit).endswith(f" With every seed the difference is exactly 0{settled}")
    for claim in (Claim("new", "old", least=0.25), Claim("new", "old", "nll", "lower", -0.25)):
        values = {"old": [{"test_accuracy": 0.5, "nll": 0.5}] * 3}
        (limit,) = measured(
            [claim], **values, new=[{"test_accuracy": 0.75, "nll": 0.75}] * 3
        ).verdicts()
        assert limit.word == "these seeds cannot tell"
        said = f" With every seed the difference is exactly +25.00 points{settled}"
        assert str(limit).endswith(said)
    same = Claim("new", "old", direction="same", least=0.01)
    assert verdict([0.0] * 5, same).word == "holds here"


def test_no_claim_holds_for_other_images_that_is_open_for_these():
    """Claims without images share the level here, but not that of the others."""
    generator = np.random.default_rng(0)
    for _ in range(40):
        right = generator.random((2, 4, 300)) < np.array([0.85, 0.8])[:, None, None]
        rows = [
            [
                {
                    "test_accuracy": float(one.mean()),
                    "correct": packed(one, "x"),
                    "gap": float(generator.normal()),
                }
                for one in seeds
            ]
            for seeds in right
        ]
        claims = [Claim("new", "old"), *(Claim("new", "old", "gap", least=i) for i in range(5))]
        (found, *_) = measured(claims, new=rows[0], old=rows[1]).verdicts()
        assert found.images_level <= found.level
        wider = found.interval.low - found.images.low, found.images.high - found.interval.high
        assert min(wider) > -1e-12
        assert found.everywhere in (found.word, "these seeds cannot tell")


def test_several_claims_share_one_level():
    arms = {name: [b + d for b, d in zip(BASE, BETTER, strict=True)] for name in "abc"}
    arms["c"] = [b + d for b, d in zip(BASE, OPEN, strict=True)]
    found = measured([Claim(name, "old") for name in "abc"], old=BASE, **arms)
    levels = [one.level for one in found.verdicts()]
    assert levels == pytest.approx([0.05 / 3, 0.05 / 2, 0.05])
    # the interval of each decides as its p-value does
    for one in found.verdicts():
        assert (one.interval.low > 0) == (one.p <= one.level) == (one.word == "holds here")
    text = found.text()
    assert text.startswith(
        "- The test accuracy of `a` is higher than that of `old`. "
        "Holds here: test accuracy of `a` is 0.32 points higher"
    )
    assert "(98.33 % interval " in text
    assert "at a level of 5 % for all claims together, by Holm's procedure.\n\n| arm |" in text
    alone = measured([Claim("a", "old"), Claim("c", "old")], old=BASE, a=arms["a"], c=[])
    assert [one.level for one in alone.verdicts()] == [0.05 / 2, None], "as when c is measured"


def test_the_choice_of_the_test_images_counts_where_it_is_known_which_are_correct():
    generator, images = np.random.default_rng(0), 400
    easy = generator.random((2, 1, images)) < 0.85  # each finds other images easy
    rows = [
        [
            {"test_accuracy": float(bits.mean()), "correct": packed(bits, digest)}
            for bits in one & (generator.random((5, images)) < 0.999)
        ]
        for one, digest in zip(easy, ("same" * 3, "same" * 3), strict=True)
    ]
    (found,) = measured([Claim("new", "old")], old=rows[0], new=rows[1]).verdicts()
    width, wider = (high - low for low, high in (found.interval, found.images))
    assert wider > 3 * width
    assert found.word != "these seeds cannot tell"
    assert found.everywhere == "these seeds cannot tell"
    assert "For other test images of the same kind these seeds cannot tell (95 % " in str(found)
    other = [{**row, "correct": row["correct"].replace("same", "else", 1)} for row in rows[1]]
    assert measured([Claim("new", "old")], old=rows[0], new=other).verdicts()[0].images is None


def test_the_other_arm_may_be_chosen_by_another_metric():
    best = Claim("new", lambda found: found.best("validation_accuracy", ["old", "older"]))
    rows = {
        "old": [{"test_accuracy": one, "validation_accuracy": 0.9} for one in BASE],
        "older": [{"test_accuracy": one - 0.01, "validation_accuracy": 0.95} for one in BASE],
        "new": [{"test_accuracy": one, "validation_accuracy": 0.1} for one in BASE[::-1]],
    }
    (found,) = measured([best], **rows).verdicts()
    assert found.base == "older"
    assert "than that of `older`" in str(found)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (Claim("nwe", "old"), "Unknown arm of a claim 'nwe'. Did you mean 'new'?"),
        (Claim("new", "odl"), "Unknown arm of a claim 'odl'. Did you mean 'old'?"),
        (Claim("new", "new"), "A claim compares two arms, received 'new' twice."),
        (Claim("new", "old", direction="same"), "needs least, the smallest difference that"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_answered_before_anything_is_trained(claim, said):
    with pytest.raises(ConfigError) as caught:
        measured([claim], old=BASE, new=BASE)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"direction": "higer"}, "Unknown direction 'higer'. Did you mean 'higher'?"),
        ({"least": "0.1"}, "Claim takes a number as least, received '0.1'."),
        ({"form": ".2q"}, "form is a format of a number, such as '.2f'; received '.2q'."),
        ({"metric": len}, "Claim takes a text as metric, received"),
    ],
)
def test_a_field_of_a_claim_that_cannot_be_is_answered_at_once(fields, said):
    with pytest.raises(ConfigError) as caught:
        Claim("new", "old", **fields)
    assert said in str(caught.value)


def test_an_arm_that_is_its_own_base_or_none_at_all_is_answered():
    rows = {"old": BASE, "new": BASE}
    (found,) = measured([Claim("new", lambda measured: "new")], **rows).verdicts()
    assert str(found).endswith("`new` is itself the arm that was chosen to compare with.")
    with pytest.raises(ConfigError, match="Unknown arm 'odl'"):
        measured([Claim("new", lambda measured: "odl")], **rows).verdicts()
    with pytest.raises(ConfigError, match="Nothing is chosen by the test images"):
        chosen = Claim("new", lambda measured: measured.best("test_accuracy", ["old"]))
        measured([chosen], **rows).verdicts()


def test_another_metric_has_its_own_unit():
    claim = Claim("new", "old", "nll", "lower", unit="nats", scale=1, form=".3f")
    values = {"old": [{"nll": 0.3}, {"nll": 0.31}], "new": [{"nll": 0.2}, {"nll": 0.211}]}
    (found,) = measured([claim], **values).verdicts()
    assert str(found) == (
        "The nll of `new` is lower than that of `old`. "
        "Holds here: nll of `new` is 0.099 nats lower than that of `old` "
        "(95 % interval -0.106 to -0.093, 2 seeds)."
    )


def test_what_is_correct_is_measured_where_a_claim_is_of_the_test_accuracy():
    claim = Claim("new", "old")
    arms = [Arm("old"), Arm("new")]
    own = Experiment(name="own", question="Which?", arms=arms, columns=[], claims=[claim])
    assert own.measures() == (*experiments.METRICS, experiments.correct)
    other = dataclasses.replace(own, claims=[dataclasses.replace(claim, metric="seconds")])
    assert other.measures() == experiments.METRICS
    assert dataclasses.replace(own, chooses=True).measures() == experiments.CHOICE
    tested = dataclasses.replace(own, chooses=True, metrics=experiments.METRICS)
    with pytest.raises(ConfigError, match=r"Leave test_accuracy out of its metrics"):
        tested.all_arms()
    assert math.isclose(experiments.verdict.LEVEL, 0.05)


def test_equal_arms_are_neither_higher_nor_lower():
    assert Claim("a", "b").found(0.0, "b") == "test accuracy of `a` equals that of `b`"
