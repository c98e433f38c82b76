"""The study's findings in plain sentences; every number in them is one of the summary's."""

from __future__ import annotations

from collections.abc import Sequence

from models.study.design import HEADLINE, REFERENCE
from models.study_records import PairedDifference, StudyRanking

MINUS = "\u2212"
TITLE = "APLN (reading A)"


def points(value: float) -> str:
    """A difference of accuracies in points (hundredths), with its sign."""
    text = f"{100 * value:+.2f}"
    return "0.00" if text[1:] == "0.00" else text.replace("-", MINUS)


def p_value(value: float) -> str:
    """A p with three decimals, or its bound."""
    return "< 0.001" if value < 0.0005 else f"= {value:.3f}"


def sentence(task: str, differences: Sequence[PairedDifference]) -> str:
    """Say of one task whether APLN beat attention, by how much, with what certainty."""
    mine = [d for d in differences if d.task == task and d.variant == HEADLINE]
    whole = next((d for d in mine if d.encoder is None), None)
    if whole is None:
        return f"On {task} no run of {TITLE} has a partner with {REFERENCE} yet."
    amount = points(abs(whole.mean)).lstrip("+")
    place = f"over {_count(len(whole.encoders), 'encoder')} and {_count(len(whole.seeds), 'seed')}"
    if whole.low is None or whole.high is None or whole.t_low is None or whole.t_high is None:
        return f"On {task} {TITLE} {_went(whole.mean, amount)} {place}: one pair says nothing about certainty."
    spans = (
        f"bootstrap {points(whole.low)} … {points(whole.high)}, Student's t {points(whole.t_low)} … "
        f"{points(whole.t_high)}"
    )
    certain = {
        "ahead": "both intervals lie above 0, so this is more than the luck of training",
        "behind": "both intervals lie below 0, so this is more than the luck of training",
        "open": "which of the two is better stays open",
    }[whole.verdict]
    return f"On {task} {TITLE} {_went(whole.mean, amount)} {place} (95 % intervals: {spans}): {certain}{_each(mine)}."


def headline(differences: Sequence[PairedDifference], rankings: Sequence[StudyRanking]) -> str:
    """Say over all tasks whether APLN beat attention."""
    wholes = [d for d in differences if d.encoder is None and d.variant == HEADLINE]
    if not wholes:
        return f"No run of {TITLE} has a partner with {REFERENCE} yet."
    counts = {verdict: sum(d.verdict == verdict for d in wholes) for verdict in ("ahead", "behind", "open")}
    said = (
        f"Of {_count(len(wholes), 'data set')}, {TITLE} is ahead of {REFERENCE} on {counts['ahead']}, behind on "
        f"{counts['behind']}, undecided on {counts['open']}."
    )
    ranking = next((r for r in rankings if r.encoder is None and HEADLINE in r.variants), None)
    if ranking is None:
        return said
    place, base = ranking.variants.index(HEADLINE), ranking.variants.index(REFERENCE)
    test = next(test for test in ranking.tests if test.left == HEADLINE)
    interval = ""
    if ranking.gain_lows and ranking.gain_highs:
        interval = f" (95 % interval {points(ranking.gain_lows[place])} … {points(ranking.gain_highs[place])})"
    said += (
        f" Its mean difference over {_count(len(ranking.tasks), 'data set')} is {points(ranking.gains[place])} points"
        f"{interval}; Wilcoxon's signed-rank test over data sets gives p {p_value(test.p)}, after Holm's correction "
        f"for {_count(len(ranking.tests), 'comparison')} p {p_value(test.p_holm)}. Average ranks: {TITLE} "
        f"{ranking.ranks[place]:.2f}, {REFERENCE} {ranking.ranks[base]:.2f} of {len(ranking.variants)}"
    )
    if ranking.critical_difference is None:
        return said + "."
    apart = abs(ranking.ranks[place] - ranking.ranks[base]) >= ranking.critical_difference
    return f"{said}, {'further' if apart else 'not further'} apart than the critical difference of " \
           f"{ranking.critical_difference:.2f}."  # fmt: skip


def _went(value: float, amount: str) -> str:
    if amount == "0.00":
        return f"and {REFERENCE} came out level (0.00 points of test accuracy)"
    where = "above" if value > 0 else "below"
    return f"came out {amount} points of test accuracy {where} {REFERENCE}"


def _each(mine: Sequence[PairedDifference]) -> str:
    """Name the encoders where the verdict is not open."""
    named = [
        f"{verdict} with {', '.join(found)}"
        for verdict in ("ahead", "behind")
        if (found := [f"{d.encoder} ({points(d.mean)})" for d in mine if d.encoder and d.verdict == verdict])
    ]
    return f"; by encoder it is {' and '.join(named)}" if named else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
