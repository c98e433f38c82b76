"""The statistics of the study, each a pure function of numbers.

Intervals over seeds: percentile bootstrap (``scipy.stats.bootstrap``) and Student's t. The bootstrap
is too narrow at five seeds (it misses the factor √(n/(n−1)) and t's heavy tails), so nothing is
called certain unless both exclude 0. Tests over tasks follow Demšar, JMLR 2006: average ranks,
Friedman, Nemenyi's critical difference, and Wilcoxon's signed-rank test with Holm's correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import stats

LEVEL: Final = 0.95
RESAMPLES: Final = 9_999
Interval = tuple[float, float]


def bootstrap_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Return the percentile bootstrap interval of the mean; ``None`` below two values.

    The resampling has a fixed seed: the same values give the same interval.
    """
    if len(values) < 2:
        return None
    found = stats.bootstrap(
        (np.asarray(values, dtype=float),), np.mean, n_resamples=RESAMPLES, confidence_level=level,
        method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def t_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Return Student's interval of the mean, mean ± t_{n−1} s/√n; ``None`` below two values."""
    if len(values) < 2:
        return None
    numbers = np.asarray(values, dtype=float)
    half = float(stats.t.ppf((1 + level) / 2, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers)))
    return float(numbers.mean()) - half, float(numbers.mean()) + half


def average_ranks(scores: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the mean rank of each column over the rows; 1 is the highest score, ties share theirs."""
    ranks = stats.rankdata(-np.asarray(scores, dtype=float), axis=1)
    return tuple(float(value) for value in ranks.mean(axis=0))


def friedman(scores: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Return Friedman's χ² over rows (tasks) and columns (variants) and its p; ``None`` below 3 × 3.

    Also ``None`` where every row is one tie.
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or min(table.shape) < 3 or bool((table == table[:, :1]).all()):
        return None
    result = stats.friedmanchisquare(*table.T)
    return float(result.statistic), float(result.pvalue)


def critical_difference(variants: int, tasks: int, level: float = LEVEL) -> float:
    """Return Nemenyi's critical difference of average ranks, q √(k(k+1)/(6N)).

    q is the studentised range of k means at infinite degrees of freedom over √2.
    """
    q = float(stats.studentized_range.ppf(level, variants, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(variants * (variants + 1) / (6 * tasks)))


def cliques(ranks: Sequence[float], difference: float) -> tuple[tuple[int, ...], ...]:
    """Return the longest stretches of places (best first) whose ranks differ by less than ``difference``.

    Stretches of one are left out, and so are those that lie within another.
    """
    order = sorted(range(len(ranks)), key=lambda place: ranks[place])
    found: list[tuple[int, ...]] = []
    for start in range(len(order)):
        stretch = tuple(place for place in order[start:] if ranks[place] - ranks[order[start]] < difference)
        if len(stretch) > 1 and not any(set(stretch) <= set(other) for other in found):
            found.append(stretch)
    return tuple(found)


def signed_rank(differences: Sequence[float]) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test; 1 where no difference is other than 0.

    Zeros are dropped, as Wilcoxon did; without ties the p is exact.
    """
    moved = [value for value in differences if value != 0]
    return float(stats.wilcoxon(moved).pvalue) if moved else 1.0


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's adjusted p values: the i-th smallest of m times (m − i + 1), kept in rising order."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for place, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, ps[index] * (len(ps) - place)))
        adjusted[index] = highest
    return tuple(adjusted)
