"""Where two maps of one text disagree: the four agreements at k, the rank correlation, and the words behind it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from models.agreements import ranked
from models.metrics.agreement import SPEARMAN
from models.metrics.ranks import Scores, mean_ranks
from models.metrics.top_k import TOP_K_METRICS
from models.records import Agreement, Analysis, Attribution, Disagreement, RankGap

MOST_WORDS = 5


def disagreements(analysis: Analysis, k: int, most: int = MOST_WORDS) -> tuple[Disagreement, ...]:
    """Compare every pair of maps of ``analysis`` by their top ``k`` words, and name the ``most`` telling words.

    Everything goes by the size of the scores, as in Krishna et al. 2022; compared are the words that
    are kept and not special. A word's part of the disagreement is its (r_i − r'_i)² over the sum of all, r being
    the rank by size (1 the strongest, ties at their mean rank): what Spearman's ρ = 1 − 6 Σ (r_i − r'_i)² /
    (n (n² − 1)), without ties, falls short of 1 by.
    """
    places = ranked(analysis.tokens)
    return tuple(
        _pair(left, right, places, k, most) for left, right in combinations(analysis.attributions, 2)
    )


def _pair(left: Attribution, right: Attribution, places: Sequence[int], k: int, most: int) -> Disagreement:
    names, signed = (left.title, right.title), (left.signed, right.signed)
    if left.scores is None or right.scores is None:
        absent = left if left.scores is None else right
        reason = f"{absent.title}: {absent.reason}"
        nothing = {name: Agreement(f"{name}@{k}", left.key, right.key, None, len(places), reason=reason)
                   for name in TOP_K_METRICS}  # fmt: skip
        rho = Agreement(SPEARMAN.name, left.key, right.key, None, len(places), reason=reason)
        return Disagreement(left.key, right.key, k, tuple(nothing.values()), rho)
    x, y = (np.array([scores[i] for i in places], dtype=np.float64) for scores in (left.scores, right.scores))
    found = tuple(metric(x, y, k, names=names, signed=signed) for metric in TOP_K_METRICS.values())
    rho = SPEARMAN(np.abs(x), np.abs(y), names=names, basis="magnitude")
    gaps = () if rho.value is None else _gaps(np.abs(x), np.abs(y), places, most)
    return Disagreement(left.key, right.key, min(k, max(1, len(places) - 1)), found, rho, gaps)


def _gaps(x: Scores, y: Scores, places: Sequence[int], most: int) -> tuple[RankGap, ...]:
    """The words whose ranks differ most, with their part of Σ (r − r')²."""
    first, second = mean_ranks(-x), mean_ranks(-y)
    squares = (first - second) ** 2
    total = float(squares.sum())
    order = np.argsort(-squares, kind="stable")[:most]
    apart = [int(i) for i in order if squares[i] > 0]
    return tuple(RankGap(places[i], float(first[i]), float(second[i]), float(squares[i]) / total) for i in apart)
