"""Faithfulness of one map on one text, from what the reader says once words are gone.

All are pure functions of numbers: probabilities of the class first predicted, orders, scores. Signed scores
are ordered as they are, since only words *for* the class should matter when they go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
# Parts of the words that are taken out, or kept alone (DeYoung et al. 2020).
PARTS: Final = (0.01, 0.05, 0.10, 0.20, 0.50)
# Sums of squares below which nothing changed, and below which a map says nothing.
LEAST_DROP: Final = 1e-24
LEAST_TOLD: Final = 1e-300


def order(scores: Sequence[float]) -> list[int]:
    """Return the places of words, strongest first, equal ones in the order of the text."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def count_of(part: float, words: int) -> int:
    """Return how many words ``part`` of them are: rounded up, so at least one."""
    return min(words, max(1, math.ceil(part * words - 1e-9)))


def aopc(whole: float, after: Sequence[float]) -> tuple[float, float]:
    """Return the mean of p(x) − p(after) over the parts, and the same sum over |B| + 1.

    The published script of ERASER takes the first, its printed formula the second.
    """
    total = math.fsum(whole - p for p in after)
    return total / len(after), total / (len(after) + 1)


def log_odds(whole: float, after: float) -> float:
    """Return the fall of the log-odds, logit p(after) − logit p(x); probabilities are kept 1e-12 from 0 and 1."""
    low, high = (min(max(p, 1e-12), 1 - 1e-12) for p in (after, whole))
    return math.log(low / (1 - low)) - math.log(high / (1 - high))


def first_flip(classes: Sequence[int], parts: Sequence[float], first: int) -> float | None:
    """Return the first of ``parts`` of the words at whose loss another class is predicted than ``first``."""
    return next((part for predicted, part in zip(classes, parts, strict=True) if predicted != first), None)


def steps(words: int, most: int) -> list[int]:
    """Return up to ``most`` counts of words from 1 to all of them, as evenly as whole numbers allow."""
    return sorted({round(count) for count in np.linspace(1, words, min(words, most))})


def infidelity(scores: Sequence[float], gone: npt.NDArray[np.bool_], drops: Numbers) -> float | None:
    """Return the part of E[d²] that β Σ_{i gone} s_i leaves, β the best factor; between 0 and 1, 0 is best.

    ``gone`` (M, n) are random sets of words, ``drops`` d (M,) what the output lost without them. With β the
    measure does not depend on the unit of the scores (Yeh et al. 2019 with their optimal scaling). ``None`` where
    nothing that was taken out changed the output.
    """
    told = gone.astype(np.float64) @ np.asarray(scores, dtype=np.float64)
    size = float(drops @ drops)
    if size < LEAST_DROP:
        return None
    fit = float(told @ told)
    if fit < LEAST_TOLD:
        return 1.0
    return min(1.0, max(0.0, 1 - float(told @ drops) ** 2 / (fit * size)))


def infidelity_interval(
    scores: Sequence[float], gone: npt.NDArray[np.bool_], drops: Numbers, picks: npt.NDArray[np.int64]
) -> tuple[float, float] | None:
    """Return the 2.5 and 97.5 % quantiles of :func:`infidelity` over resamples ``picks`` (K, M) of the sets.

    ``None`` where no resample has a value.
    """
    told = gone.astype(np.float64) @ np.asarray(scores, dtype=np.float64)
    cross, fit, size = ((left * right)[picks].sum(1) for left, right in ((told, drops), (told, told), (drops, drops)))
    known = size >= LEAST_DROP
    if not known.any():
        return None
    explained = np.divide(cross**2, fit * size, out=np.zeros_like(cross), where=known & (fit >= LEAST_TOLD))
    low, high = np.quantile(np.clip(1 - explained, 0, 1)[known], (0.025, 0.975))
    return float(low), float(high)


def chances(scores: Sequence[float]) -> Numbers:
    """Return scores as chances in [0, 1] for soft removal: negative ones 0, the largest 1; all 0 stay 0."""
    positive = np.maximum(np.asarray(scores, dtype=np.float64), 0)
    top = positive.max(initial=0.0)
    return positive / top if top > 0 else positive


def soft(whole: float, nothing: float, without: float, alone: float) -> tuple[float, float]:
    """Return normalised soft comprehensiveness and sufficiency (Zhao & Aletras 2023).

    ``without`` is p once words went by the chance of their score, ``alone`` once they stayed by it, ``nothing``
    that of a text of zero vectors. With S₀ = 1 − max(0, p − nothing): max(0, p − without) / (1 − S₀) and
    (1 − max(0, p − alone) − S₀) / (1 − S₀). Where S₀ is 1, there is nothing to normalise by, and both are NaN.
    """
    floor = 1 - max(0.0, whole - nothing)
    if 1 - floor < 1e-9:
        return math.nan, math.nan
    return max(0.0, whole - without) / (1 - floor), (1 - max(0.0, whole - alone) - floor) / (1 - floor)
