"""Kendall's τ_b and Spearman's ρ with two-sided p-values, fast for short texts.

Both follow from one matrix, s_ij = sign(x_i − x_j): τ_b is the cosine of the two matrices, and a
row sum of it is twice a mean rank up to a constant, so ρ is the correlation of the row sums.
The values and p-values are those of ``scipy.stats``, whose generality costs up to thirty times
more per pair of short maps. Long texts, where n² weighs more than generality, are left to scipy.
All pairs of a text's maps are compared at once in ``models.metrics.pairs``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Ties = tuple[float, float, float]

# The exact distribution is used up to this many tokens without ties, as scipy does.
EXACT = 33
SHORT = 64
# One map is often compared with several others: what follows from it alone is kept, at most 4 MB of it.
KEPT = 128


def kendall(x: Scores, y: Scores) -> tuple[float, float]:
    """Return τ_b = Σ s_ij s'_ij / √(Σ s_ij² Σ s'_ij²) of two maps (n,) and its p-value.

    The p-value tests independence: exact without ties up to 33 tokens, otherwise by the normal
    approximation with the variance corrected for ties (Kendall 1970).
    """
    if x.size > SHORT:
        from scipy.stats import kendalltau  # a second of import that short texts never need

        long = kendalltau(x, y)
        return float(long.statistic), float(long.pvalue)
    a, b = _ranking(x.tobytes()), _ranking(y.tobytes())
    # Each pair stands twice in the matrices, so the halves of all three sums cancel. They are whole numbers.
    difference, moved_x, moved_y = float(a.order @ b.order), a.moved, b.moved
    tau = difference / math.sqrt(moved_x * moved_y)
    return tau, kendall_p(difference / 2, x.size, a.ties, b.ties)


def kendall_p(difference: float, n: int, t: Ties, u: Ties) -> float:
    """Return the p-value of ``difference`` more concordant than discordant pairs of n tokens.

    t and u are Σ t(t−1), Σ t(t−1)(t−2) and Σ t(t−1)(2t+5) over the groups of t equal scores of the two maps.
    """
    if t[0] == u[0] == 0:
        fewer = round((n * (n - 1) / 2 - abs(difference)) / 2)
        if n <= EXACT or fewer <= 1:
            return _exact(n, fewer)
    return _normal(difference, n, t, u)


def spearman(x: Scores, y: Scores) -> tuple[float, float | None]:
    """Return the correlation of the mean ranks of two maps (n,) and its p-value by Student's t.

    Two tokens leave the t-test no degree of freedom: their p-value is ``None``.
    """
    from scipy.special import stdtr

    if x.size > SHORT:
        from scipy.stats import spearmanr

        long = spearmanr(x, y)
        return float(long.statistic), float(long.pvalue)
    a, b = _ranking(x.tobytes()).sums, _ranking(y.tobytes()).sums
    rho = float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
    rho = min(1.0, max(-1.0, rho))
    freedom = x.size - 2
    if freedom < 1:
        return rho, None
    if abs(rho) == 1:
        return rho, 0.0
    t = rho * math.sqrt(freedom / ((1 + rho) * (1 - rho)))
    return rho, 2 * float(stdtr(freedom, -abs(t)))


def mean_ranks(x: Scores) -> Scores:
    """Return the ranks (n,) of x, 1 the smallest, ties at the mean of the ranks that they fill."""
    _, group, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Scores = ((2 * last - counts + 1) / 2)[group]
    return ranks


def order(x: Scores) -> Scores:
    """Return s (n, n), s_ij = sign(x_i − x_j)."""
    # Compared, not subtracted: a difference of two tiny numbers may round to zero.
    return np.subtract(x[:, None] > x, x[:, None] < x, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """What the two correlations need of one map: its order matrix (n²,), how many ±1 it has, its row sums, its ties."""

    order: Scores
    moved: float
    sums: Scores
    ties: Ties


@lru_cache(maxsize=KEPT)
def _ranking(scores: bytes) -> _Ranking:
    """Return the ranking of a map, given as the bytes of its doubles."""
    x = np.frombuffer(scores, dtype=np.float64)
    matrix = order(x)
    return _Ranking(matrix.ravel(), float(np.square(matrix).sum()), matrix.sum(1), _ties(x))


def _exact(n: int, fewer: int) -> float:
    """P(τ at least this far from 0) when ``fewer`` of the pairs are ordered against the majority."""
    if fewer <= 1:
        return min(1.0, 2 * (n if fewer else 1) / math.factorial(n))
    return min(1.0, 2 * _inversions(n)[fewer])


@lru_cache(maxsize=EXACT + 1)
def _inversions(n: int) -> tuple[float, ...]:
    """P(a random order of n has at most k inversions), k = 0 … n(n−1)/2 (Mahonian numbers)."""
    counts = [1]
    for size in range(2, n + 1):
        longer = [0] * (len(counts) + size - 1)
        for k, count in enumerate(counts):
            for shift in range(size):
                longer[k + shift] += count
        counts = longer
    total, below, cumulative = math.factorial(n), 0, []
    for count in counts:
        below += count
        cumulative.append(below / total)
    return tuple(cumulative)


def _ties(x: Scores) -> Ties:
    """Return Σ t(t−1), Σ t(t−1)(t−2) and Σ t(t−1)(2t+5) over the groups of t equal scores."""
    t = np.unique(x, return_counts=True)[1].astype(np.float64)
    pairs = t * (t - 1)
    return float(pairs.sum()), float((pairs * (t - 2)).sum()), float((pairs * (2 * t + 5)).sum())


def _normal(difference: float, n: int, t: Ties, u: Ties) -> float:
    """Two-sided p-value of concordant minus discordant pairs; t and u are the :func:`_ties` of the two maps."""
    pairs = n * (n - 1)
    spread = pairs * (2 * n + 5) - t[2] - u[2]
    variance = spread / 18 + t[0] * u[0] / (2 * pairs)
    if n > 2:
        variance += t[1] * u[1] / (9 * pairs * (n - 2))
    return math.erfc(abs(difference) / math.sqrt(2 * variance))
