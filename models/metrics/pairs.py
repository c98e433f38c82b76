"""Kendall's τ_b and Spearman's ρ of many pairs of maps over the same tokens at once.

The numbers are those of :func:`~models.metrics.ranks.kendall` and :func:`~models.metrics.ranks.spearman`, pair by
pair. Eight maps make 28 pairs: one product of the matrices s_ij = sign(x_i − x_j) of all maps answers for all of them,
where the maps were compared one pair after the other that was a quarter of the time of a new sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from models.metrics.ranks import Scores, kendall_p

Places = npt.NDArray[np.intp]
Outcome = tuple[float, float | None]

# Signs that are worked on at once: few enough for a core's cache, and for single precision to count them exactly.
CELLS: Final = 2**16


@dataclass(frozen=True, slots=True)
class Orders:
    """How M maps order n tokens, s_ij = sign(x_i − x_j) for each.

    ``products`` (M, M) are Σ_ij s_ij s'_ij of two maps, ``sums`` (M, n) the row sums Σ_j s_ij, which are twice the
    mean ranks up to a constant, and ``ties`` (M, 3) Σ t(t−1), Σ t(t−1)(t−2) and Σ t(t−1)(2t+5) over the groups of t
    equal scores. All are whole numbers.
    """

    products: Scores
    sums: Scores
    ties: Scores

    @classmethod
    def of(cls, scores: Scores) -> Orders:
        """Count over maps (M, n), a few tokens i at a time: M n² signs need not fit the memory."""
        count, n = scores.shape
        products, sums, alike = np.zeros((count, count)), np.empty((count, n)), np.empty((count, n))
        step = max(1, CELLS // max(1, count * n))
        # Summed by a product with ones, in a third of the time.
        ones = np.ones(n, dtype=np.float32)
        for start in range(0, n, step):
            part = slice(start, start + step)
            own, others = scores[:, part, None], scores[:, None, :]
            # Compared, not subtracted: a difference of two tiny numbers may round to zero.
            signs = np.subtract(own > others, own < others, dtype=np.float32)
            sums[:, part] = signs @ ones
            alike[:, part] = n - np.abs(signs) @ ones
            flat = signs.reshape(count, -1)
            products += flat @ flat.T
        # Each of t equal scores has t − 1 others.
        others = alike - 1
        ties = np.stack([(others * more).sum(1) for more in (1.0, others - 1, 2 * alike + 5)], 1)
        return cls(products, sums, ties)


class Maps:
    """Finite scores (M, n) of M maps over the same tokens, and what several metrics need of all of them."""

    def __init__(self, scores: Scores) -> None:
        """Take the maps, one per row.

        Raises:
            ValueError: a score is not finite (a programming error).
        """
        if not np.isfinite(scores).all():
            raise ValueError("agreement metrics compare finite scores, got NaN or infinity")
        self.scores = scores

    @cached_property
    def orders(self) -> Orders:
        """How the maps order the tokens, counted when first asked for."""
        return Orders.of(self.scores)


def kendalls(maps: Maps, left: Places, right: Places) -> Sequence[Outcome]:
    """Return τ_b and its p-value for each pair of rows (P,) of ``maps``, none of them constant."""
    orders, n = maps.orders, maps.scores.shape[1]
    differences = orders.products[left, right]
    moved = orders.products.diagonal()
    taus = differences / np.sqrt(moved[left] * moved[right])
    ties = [(t[0], t[1], t[2]) for t in orders.ties.tolist()]
    return [
        (tau, kendall_p(difference / 2, n, ties[i], ties[j]))
        for tau, difference, i, j in zip(
            taus.tolist(), differences.tolist(), left.tolist(), right.tolist(), strict=True
        )
    ]


def spearmans(maps: Maps, left: Places, right: Places) -> Sequence[Outcome]:
    """Return ρ and its p-value, ``None`` for two tokens, for each pair of rows (P,) of ``maps``, none constant."""
    from scipy.special import stdtr

    sums = maps.orders.sums
    products = sums @ sums.T
    squares = products.diagonal()
    rhos = np.clip(products[left, right] / np.sqrt(squares[left] * squares[right]), -1.0, 1.0)
    freedom = sums.shape[1] - 2
    if freedom < 1:
        return [(rho, None) for rho in rhos.tolist()]
    far = (1 + rhos) * (1 - rhos)
    t = np.abs(rhos) * np.sqrt(freedom / np.where(far > 0, far, 1.0))
    p = np.where(far > 0, 2 * stdtr(freedom, -t), 0.0)
    return list(zip(rhos.tolist(), p.tolist(), strict=True))
