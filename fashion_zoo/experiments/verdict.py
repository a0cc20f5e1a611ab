"""Whether the claims of an experiment hold: a verdict computed from the intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from fashion_zoo.evaluation import paired
from fashion_zoo.evaluation.statistics import Interval
from fashion_zoo.experiments.claim import Claim
from fashion_zoo.language.wording import counted

if TYPE_CHECKING:
    from fashion_zoo.experiments.measured import Measured

LEVEL = 0.05
"""Probability of any wrong verdict among the claims of an experiment."""
POWER = 0.8
"""Probability with which the stated number of seeds settles a claim."""

Word = Literal["holds here", "does not hold here", "these seeds cannot tell"]
HOLDS: Word = "holds here"
FAILS: Word = "does not hold here"
OPEN: Word = "these seeds cannot tell"


class Verdict(NamedTuple):
    """A claim, what was found, and what follows from it."""

    claim: Claim
    base: str | None
    """The other arm; None if no arm was chosen."""
    word: Word
    seeds: int = 0
    """Seeds that both arms have. With fewer than 2, or with any that ``diverged``, what follows is
    None."""
    difference: float | None = None
    """Mean of the metric of the arm minus that of the other."""
    interval: Interval | None = None
    """Of the difference on these test images: Student's t, paired by seed; None if it is the same
    with both of two seeds."""
    level: float | None = None
    """The probability that the interval misses: Holm's level of this claim."""
    p: float | None = None
    """Probability of a mean as far from the nearest limit of the claim, if the truth is there."""
    images: Interval | None = None
    """The interval that counts the choice of the test images as well; None where it is not stored
    which images each seed classifies correctly."""
    images_level: float | None = None
    """As ``level``, of that interval."""
    everywhere: Word | None = None
    """The verdict by that interval."""
    more: int | None = None
    """Further seeds with which an open claim is settled with probability 0.8, if the true
    difference is the one found; None if it is settled, or would take more than 1,000 in all."""
    diverged: int = 0
    """Trainings of these arms whose loss diverged. With any the claim is open: seeds on which both
    arms did well say nothing of the others."""
    effect: float | None = None
    """The difference in standard deviations of the paired differences, one of each seed: Cohen's d
    of them. None if they are all equal."""

    def __str__(self) -> str:
        """Return the verdict in a sentence, and what else is known in others."""
        claim = self.claim
        text = claim.text or claim.words(self.base)
        if self.difference is None or self.level is None:
            reason = claim.lacking(self.base)
            if self.diverged:
                trainings = counted(self.diverged, "training")
                reason = f"the loss diverged in {trainings} of these arms."
            return _joined(text, f"{_sentence(self.word)}: {reason}")
        ends = f"{self._ends(self.interval, self.level)}, " if self.interval else ""
        found = f"{claim.found(self.difference, self.base)} ({ends}{counted(self.seeds, 'seed')})."
        claimed = f"The claim was a difference {claim.claimed()}." if claim.least else ""
        return _joined(
            text, f"{_sentence(self.word)}: {found}", claimed, self._open(), self._others()
        )

    def _ends(self, interval: Interval, level: float) -> str:
        low, high = (self.claim.size(end, "+") for end in interval)
        return f"{100 * (1 - level):.4g} % interval {low} to {high}"

    def _open(self) -> str:
        """Return what would settle the claim on these test images."""
        if self.word != OPEN:
            return ""
        if self.interval is None:
            return "The difference is the same with both seeds, which leaves no interval."
        if self.interval.low == self.interval.high:
            exactly = self.claim.amount(self.difference or 0.0, "+") if self.claim.least else "0"
            return (
                f"With every seed the difference is exactly {exactly}; only a seed that differs "
                "could settle it."
            )
        if self.more is None:
            return "If that is the true difference, more than 1,000 seeds would be needed."
        return (
            f"If that is the true difference, {self.more:,} more would settle it in "
            f"{100 * POWER:g} % of cases."
        )

    def _others(self) -> str:
        """Return the verdict that counts the choice of the test images as well."""
        if self.images is None or self.images_level is None:
            return ""
        words = {HOLDS: "it holds", FAILS: "it does not hold", OPEN: "these seeds cannot tell"}
        word = words[self.everywhere or OPEN]
        return (
            f"For other test images of the same kind {word} "
            f"({self._ends(self.images, self.images_level)})."
        )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def judge(measured: "Measured", claims: Sequence[Claim]) -> list[Verdict]:
    """Return the verdict of each claim, at a level of 5 % for all of them together.

    With Holm's procedure the probability that any of them is wrong is at most 5 %: of those for
    these test images, and of those for others, whose levels are never above, so that no claim
    holds for other images that is open for these. An arm that was not measured leaves a claim open.
    """
    pairs = [_pair(measured, claim) for claim in claims]
    here = _tested(claims, [pair.here for pair in pairs])
    others = [
        test and _Test(test.p, min(test.level, own.level if own else test.level))
        for test, own in zip(_tested(claims, [one.others for one in pairs]), here, strict=True)
    ]
    return [_verdict(*each) for each in zip(claims, pairs, here, others, strict=True)]


def written(verdicts: Sequence[Verdict]) -> str:
    """Return a Markdown list of verdicts, and below it how they were found."""
    together = " for all claims together, by Holm's procedure" if len(verdicts) > 1 else ""
    tested = [_of_test_images(one.claim.metric) for one in verdicts]
    subject = "those of test accuracies " if any(tested) and not all(tested) else ""
    images = f", {subject}on these test images" if any(tested) else ""
    lines = "\n".join(f"- {verdict}" for verdict in verdicts)
    return (
        f"{lines}\n\nVerdicts come from two-sided Student's t-tests, paired by seed{images}, at a "
        f"level of {100 * LEVEL:g} %{together}."
    )


def _of_test_images(metric: str) -> bool:
    return metric == "test_accuracy" or metric.endswith(("_test_accuracy", "probe_accuracy"))


class _Pair(NamedTuple):
    """Two arms: their differences for these test images, and for others as well."""

    base: str | None
    seeds: int = 0
    here: paired.Differences | None = None
    others: paired.Differences | None = None
    diverged: int = 0


class _Test(NamedTuple):
    p: float
    level: float


def _pair(measured: "Measured", claim: Claim) -> _Pair:
    base, found = claim.pair(measured)
    diverged = sum(len(measured.diverged.get(arm, ())) for arm in claim.arms(base))
    if len(found) < 2 or diverged:
        return _Pair(base, len(found), diverged=diverged)
    return _Pair(base, len(found), paired.over_seeds(found), _images(measured, claim, base))


def _images(measured: "Measured", claim: Claim, base: str | None) -> paired.Differences | None:
    """Return None where it is not known which images are correct, or they are not the same."""
    names = (claim.arm, base or "")
    if claim.metric != "test_accuracy" or not all(measured.has(arm, "correct") for arm in names):
        return None
    rows = [measured.by_arm[name] for name in names]
    seeds = [seed for seed in rows[0] if seed in rows[1]]
    read = [[paired.unpacked(own[seed]["correct"]) for seed in seeds] for own in rows]
    if len({(digest, len(bits)) for own in read for digest, bits in own}) > 1:
        return None
    first, second = ([bits for _, bits in own] for own in read)
    return paired.over_images(first, second)


def _tested(
    claims: Sequence[Claim], found: Sequence[paired.Differences | None]
) -> list[_Test | None]:
    """Return p-value and level of each claim that can be tested.

    A claim that cannot be yet counts like one that nothing speaks for, so that measuring it later
    takes no verdict back.
    """
    p_values = [
        None if one is None else max(float(one.p_value(limit)) for limit in claim.limits())
        for claim, one in zip(claims, found, strict=True)
    ]
    if not p_values:
        return []
    levels = paired.holm([1.0 if p is None else p for p in p_values], LEVEL).tolist()
    return [None if p is None else _Test(p, own) for p, own in zip(p_values, levels, strict=True)]


def _verdict(claim: Claim, pair: _Pair, here: _Test | None, others: _Test | None) -> Verdict:
    found = pair.here
    if found is None or here is None:
        return Verdict(claim, pair.base, OPEN, pair.seeds, diverged=pair.diverged)
    word = _word(claim, found, here)
    verdict = Verdict(
        claim,
        pair.base,
        word,
        pair.seeds,
        difference=float(found.mean),
        interval=_interval(found, here),
        level=here.level,
        p=here.p,
        more=_more(claim, found, here) if word == OPEN else None,
        effect=found.effect,
    )
    if pair.others is None or others is None or verdict.interval is None:
        return verdict
    return verdict._replace(
        images=_interval(pair.others, others),
        images_level=others.level,
        everywhere=_word(claim, pair.others, others),
    )


def _word(claim: Claim, found: paired.Differences, test: _Test) -> Word:
    if test.p > test.level:
        return OPEN
    return HOLDS if claim.holds(float(found.mean)) else FAILS


def _interval(found: paired.Differences, test: _Test) -> Interval | None:
    if found.seeds == 2 and not found.by_seed:
        return None
    half, mean = float(found.half_width(test.level)), float(found.mean)
    return Interval(mean - half, mean + half)


def _more(claim: Claim, found: paired.Differences, test: _Test) -> int | None:
    deviation = float(found.deviation)
    if not deviation:
        return None
    # That a difference is the same takes a test at both limits, and one by itself is of no use.
    same = claim.direction == "same" and claim.holds(float(found.mean))
    distances = [abs(float(found.mean) - limit) for limit in claim.limits()]
    needed = paired.seeds_for(
        distances if same else [min(distances)], deviation, test.level, chance=POWER
    )
    return None if needed is None else max(needed - found.seeds, 1)
