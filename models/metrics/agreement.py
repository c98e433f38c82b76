"""How far two maps over the same tokens order the tokens alike.

Every metric here is a pure function of two equally long sequences of finite scores and carries
its facts: range, which direction is better, whether the order of the two maps matters. Where a
metric has no value (fewer than two tokens, a constant map) it says so in words and never
answers 0. The caller leaves out special and deleted tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from models.metrics.pairs import Maps, Outcome, Places, kendalls, spearmans
from models.metrics.ranks import Scores, kendall, spearman
from models.records import Agreement

Basis = Literal["signed", "magnitude"]

TOP_K = 5
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class AgreementMetric:
    """One metric and its facts; calling it compares two maps.

    ``low`` and ``high`` bound the value, ``chance`` is its expectation for two unrelated maps
    in words, ``better`` says which direction means more agreement. ``compute`` compares two maps (n,), and ``at_once``
    many pairs of rows of several maps, to the same numbers; a metric without it is asked pair by pair.
    """

    name: str
    title: str
    meaning: str
    low: float
    high: float
    chance: str
    better: Literal["higher", "lower"]
    symmetric: bool
    compute: Callable[[Scores, Scores], Outcome]
    at_once: Callable[[Maps, Places, Places], Sequence[Outcome]] | None = None

    def __call__(
        self,
        left: Sequence[float] | Scores,
        right: Sequence[float] | Scores,
        *,
        names: tuple[str, str] = ("left", "right"),
        basis: Basis = "signed",
    ) -> Agreement:
        """Compare ``left`` and ``right`` (n,), one score per token in the same order.

        Args:
            left: finite scores of one map.
            right: finite scores of the other map, of the same length.
            names: the keys of the two maps, for the record.
            basis: what the two sequences hold, for the record; see :func:`comparable`.

        Raises:
            ValueError: the lengths differ or a score is not finite (a programming error).
        """
        x, y = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1:
            raise ValueError(f"{self.name} compares two maps of one length, got {x.shape} and {y.shape}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError(f"{self.name} compares finite scores, got NaN or infinity")
        reason = undefined(x, y, names)
        if reason is not None:
            return Agreement(self.name, *names, value=None, n=x.size, reason=reason, basis=basis)
        value, p_value = self.compute(x, y)
        return Agreement(self.name, *names, value=value, n=x.size, p_value=p_value, basis=basis)

    def pairs(self, maps: Maps, left: Places, right: Places) -> Sequence[Outcome]:
        """Return value and p-value for each pair of rows ``left`` and ``right`` (P,) of ``maps``, none constant."""
        if self.at_once is not None:
            return self.at_once(maps, left, right)
        return [self.compute(maps.scores[i], maps.scores[j]) for i, j in zip(left, right, strict=True)]


def is_constant(scores: Scores) -> bool:
    """Whether all scores (n,) are equal but for single-precision rounding of the largest."""
    return constant(scores[None])[0]


def constant(maps: Scores) -> Sequence[bool]:
    """Say of each of several maps (M, n) of one token or more whether it :func:`is_constant`."""
    found: list[bool] = (np.ptp(maps, axis=1) <= ROUNDING * np.abs(maps).max(1)).tolist()
    return found


def undefined(x: Scores, y: Scores, names: tuple[str, str]) -> str | None:
    """Say in words why the two maps cannot be compared by rank, or ``None`` when they can."""
    return unranked(x.size, () if x.size < 2 else [n for n, s in zip(names, (x, y), strict=True) if is_constant(s)])


def unranked(count: int, flat: Sequence[str]) -> str | None:
    """Say why maps over ``count`` tokens cannot be compared if those named in ``flat`` are constant."""
    if count < 2:
        return f"A ranking needs two tokens or more; this text has {count}."
    if flat:
        return f"{' and '.join(flat)}: every token has the same score, so there is no ranking to compare."
    return None


def comparable(
    left: Sequence[float], left_signed: bool, right: Sequence[float], right_signed: bool
) -> tuple[Scores, Scores, Basis]:
    """Bring two maps to one basis: signed if both are signed, otherwise magnitudes of both.

    Attention has no sign, so a token that speaks strongly *against* the target can only be
    recognised by size; Jain & Wallace (2019) compare attention with |gradient| for this reason.
    """
    x, y = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if left_signed and right_signed:
        return x, y, "signed"
    return np.abs(x), np.abs(y), "magnitude"


def membership(scores: Scores, k: int) -> Scores:
    """Degree (…, n) in [0, 1] to which each token belongs to the top k of its map (…, n); the degrees sum to k.

    Tokens above the k-th largest score belong fully. Those tied with it divide the places that
    remain equally, so that neither the order of the tokens nor a coin decides.
    """
    boundary = np.partition(scores, -k)[..., -k, None]
    above, tied = scores > boundary, scores == boundary
    left = k - above.sum(-1, keepdims=True)
    degree: Scores = above + tied * (left / tied.sum(-1, keepdims=True))
    return degree


def top_k_overlap(left: Scores, right: Scores, k: int = TOP_K) -> float:
    """Shared part of two top-k sets, Σ_i min(m_i, m'_i) / k with fractional membership m.

    k is bounded by n − 1, because the n largest of n are always the same tokens.
    """
    k = _within(k, left.size)
    return _clip(float(np.minimum(membership(left, k), membership(right, k)).sum() / k), 0.0)


def top_k_overlaps(maps: Maps, left: Places, right: Places) -> Sequence[Outcome]:
    """Return :func:`top_k_overlap` for each pair of rows (P,) of ``maps``; it has no p-value."""
    k = _within(TOP_K, maps.scores.shape[1])
    degrees = membership(maps.scores, k)
    shared = np.minimum(degrees[left], degrees[right]).sum(1) / k
    return [(_clip(value, 0.0), None) for value in shared.tolist()]


def _within(k: int, count: int) -> int:
    """Bound k by what can differ between two maps over ``count`` tokens."""
    return max(1, min(k, count - 1))


def _clip(value: float, low: float) -> float:
    """Take rounding errors of 1e-16 back into the metric's range."""
    return min(1.0, max(low, value))


KENDALL = AgreementMetric(
    name="kendall_tau",
    title="Kendall τ_b",
    meaning="pairs of tokens ordered alike minus pairs ordered oppositely, over all pairs not tied",
    low=-1.0,
    high=1.0,
    chance="0",
    better="higher",
    symmetric=True,
    compute=kendall,
    at_once=kendalls,
)
SPEARMAN = AgreementMetric(
    name="spearman",
    title="Spearman ρ",
    meaning="correlation of the two rankings, ties at their mean rank",
    low=-1.0,
    high=1.0,
    chance="0",
    better="higher",
    symmetric=True,
    compute=spearman,
    at_once=spearmans,
)
TOP_K_OVERLAP = AgreementMetric(
    name="top_k_overlap",
    title=f"Top-{TOP_K} overlap",
    meaning=f"part of the {TOP_K} highest-scored tokens that the two maps share; ties divide the last places",
    low=0.0,
    high=1.0,
    chance="k / n",
    better="higher",
    symmetric=True,
    compute=lambda x, y: (top_k_overlap(x, y), None),
    at_once=top_k_overlaps,
)

METRICS: Mapping[str, AgreementMetric] = MappingProxyType(
    {metric.name: metric for metric in (KENDALL, SPEARMAN, TOP_K_OVERLAP)}
)
