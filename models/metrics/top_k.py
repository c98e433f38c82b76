"""What the k strongest words of two maps have in common: the four agreements of Krishna et al. 2022.

"The Disagreement Problem in Explainable Machine Learning" asks of two maps over n words how much of
their top k is the same: the words, the words at their places, the words with their signs, or all of
it. Strong means large in size, whatever the sign. Where scores tie, the places that the tied words
fill are divided equally among them, so that neither the order of the words nor a coin decides:
P_ir is the part of place r that word i holds, and two maps share min(P_ir, P'_ir) of it. Without
ties these are the paper's own counts, and a map always agrees fully with itself. k is bounded by
n − 1, because the n strongest of n words are always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from models.metrics.agreement import undefined
from models.metrics.ranks import Scores
from models.records import Agreement


@dataclass(frozen=True, slots=True)
class TopKMetric:
    """One agreement at k and its facts; calling it compares two maps.

    ``chance`` is its expectation, in words, for two unrelated maps without ties whose signs are a coin's.
    ``signs`` says whether both maps must tell for from against.
    """

    name: str
    title: str
    meaning: str
    chance: str
    signs: bool
    compute: Callable[[Scores, Scores, int], float]
    low: float = 0.0
    high: float = 1.0
    better: Literal["higher", "lower"] = "higher"
    symmetric: bool = True

    def __call__(
        self,
        left: Sequence[float] | Scores,
        right: Sequence[float] | Scores,
        k: int,
        *,
        names: tuple[str, str] = ("left", "right"),
        signed: tuple[bool, bool] = (True, True),
    ) -> Agreement:
        """Compare ``left`` and ``right`` (n,) by their top ``k``; ``signed`` says which of them have a sign.

        Raises:
            ValueError: the lengths differ, a score is not finite, or k is below 1 (a programming error).
        """
        x, y = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        if x.shape != y.shape or x.ndim != 1 or k < 1:
            what = f"{x.shape}, {y.shape} and the top {k}"
            raise ValueError(f"{self.name} compares the top 1 or more of two maps of one length, got {what}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError(f"{self.name} compares finite scores, got NaN or infinity")
        key = f"{self.name}@{k}"
        reason = undefined(np.abs(x), np.abs(y), names) or self._unsigned(names, signed)
        if reason is not None:
            return Agreement(key, *names, value=None, n=x.size, reason=reason, basis="magnitude")
        value = min(1.0, max(0.0, self.compute(x, y, min(k, x.size - 1))))
        return Agreement(key, *names, value=value, n=x.size, basis="signed" if self.signs else "magnitude")

    def _unsigned(self, names: tuple[str, str], signed: tuple[bool, bool]) -> str | None:
        """Say which map has no sign to agree with, where one is needed."""
        without = [name for name, sign in zip(names, signed, strict=True) if not sign]
        if not (self.signs and without):
            return None
        return f"{' and '.join(without)}: strength only, without a sign that could agree."


def positions(scores: Scores, k: int) -> Scores:
    """Return P (n, k): the part of place r, the strongest first, that word i holds by the size of its score.

    Each place is held by words that tie for it, in equal parts; a word alone with its size holds one place fully.
    """
    size = np.abs(scores)
    held = np.zeros((size.size, k))
    start = 0
    for value in np.unique(size)[::-1]:
        tied = np.flatnonzero(size == value)
        held[tied, start : start + tied.size] = 1 / tied.size
        start += tied.size
        if start >= k:
            break
    return held


def feature_agreement(x: Scores, y: Scores, k: int) -> float:
    """Return |top(x) ∩ top(y)| / k."""
    return float(_shared(positions(x, k).sum(1), positions(y, k).sum(1)).sum() / k)


def rank_agreement(x: Scores, y: Scores, k: int) -> float:
    """Return the part of the first k places that hold the same word in both maps."""
    return float(_shared(positions(x, k), positions(y, k)).sum() / k)


def sign_agreement(x: Scores, y: Scores, k: int) -> float:
    """Return |{i in both top k : sign x_i = sign y_i}| / k; a score of 0 has the sign 0."""
    shared = _shared(positions(x, k).sum(1), positions(y, k).sum(1))
    return float(shared[np.sign(x) == np.sign(y)].sum() / k)


def signed_rank_agreement(x: Scores, y: Scores, k: int) -> float:
    """Return the part of the first k places that hold the same word with the same sign."""
    shared = _shared(positions(x, k), positions(y, k))
    return float(shared[np.sign(x) == np.sign(y)].sum() / k)


def _shared(left: Scores, right: Scores) -> Scores:
    shared: Scores = np.minimum(left, right)
    return shared


_LISTED = (
    TopKMetric(
        "feature_agreement", "Feature agreement", "part of the k strongest words that both maps name", "k / n",
        signs=False, compute=feature_agreement,
    ),
    TopKMetric(
        "rank_agreement", "Rank agreement", "part of the k strongest words that stand at the same rank in both",
        "1 / n", signs=False, compute=rank_agreement,
    ),
    TopKMetric(
        "sign_agreement", "Sign agreement", "part of the k strongest words that both maps name with the same sign",
        "k / 2n", signs=True, compute=sign_agreement,
    ),
    TopKMetric(
        "signed_rank_agreement", "Signed-rank agreement",
        "part of the k strongest words that stand at the same rank with the same sign", "1 / 2n",
        signs=True, compute=signed_rank_agreement,
    ),
)  # fmt: skip
TOP_K_METRICS: Mapping[str, TopKMetric] = MappingProxyType({metric.name: metric for metric in _LISTED})
