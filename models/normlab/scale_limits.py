"""Scale limits switched on the same states without retraining: what each does to zeros, signs and erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.attribution.base import floats
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.metrics.agreement import METRICS
from models.norm_records import LimitRow, ScaleLimits
from models.normlab.terms import Terms, check_p, log_weight, terms
from models.poolers.apln import AplnPooler
from models.poolers.limits import FLOOR, LIMITS, limit_scale
from models.records import Agreement, Request

# Elements (words × tokens × dimensions) of one batch of erased texts: 32 MiB of doubles.
CHUNK: Final = 4_000_000
KENDALL: Final = METRICS["kendall_tau"]


@torch.no_grad()
def scale_limits(classifier: PoolingClassifier, request: Request, p: float) -> ScaleLimits:
    """Limit the same states in all four ways and pool them by the reader's own reading at ``p``.

    Erasing a word here takes its tokens out of the pooling and leaves the other states as they are, so that
    what changes between the two columns is the scaling alone: min–max is fitted anew to the words
    that are left, or frozen as it was for the whole text. The element-wise limits know no difference.

    Raises:
        PoolScopeError: the pooler is not APLN, p is not on the dial, or nothing is to be read.
    """
    check_p(p)
    if not isinstance(classifier.pooler, AplnPooler):
        raise PoolScopeError(
            f"{classifier.pooler.title} pooling limits no scale; choose a reader with APLN to switch its scale limits."
        )
    found = terms(classifier, request)
    hidden = found.reading.hidden.double()
    whole = {limit: limit_scale(hidden, found.reading.mask, limit)[0] for limit in LIMITS}
    every = torch.ones(1, len(found.reading), dtype=torch.bool)
    target = int(found.reading.probabilities[0].argmax())
    rows = tuple(_row(found, limit, z, hidden[0], every, p, target) for limit, z in whole.items())
    text = found.text
    return ScaleLimits(classifier.spec, text.tokens, classifier.labels, found.own, p, target, rows)


def _row(found: Terms, limit: str, z: Tensor, hidden: Tensor, every: Tensor, p: float, target: int) -> LimitRow:
    probabilities = _decided(found, z.unsqueeze(0), every, p)
    left = _without(found)
    frozen = rescaled = _losses(found, probabilities, left, target, p, z)
    # Only min–max looks at other tokens.
    if limit.startswith("minmax"):
        rescaled = _losses(found, probabilities, left, target, p, limit)
    agreement = _agree(rescaled, frozen)
    negative = hidden < 0
    zero = _zero(hidden, limit)
    return LimitRow(
        limit=limit,
        trained=limit == found.classifier.pooler.limit,
        negative=float(negative.double().mean()),
        lost=float((z[negative] <= FLOOR).double().mean()) if bool(negative.any()) else 0.0,
        floor=float((z <= FLOOR).double().mean()),
        zero=(float(zero.min()), float(zero.max())),
        probabilities=floats(probabilities[0]),
        rescaled=rescaled,
        frozen=frozen,
        tau=agreement.value,
        reason=agreement.reason,
    )


def _zero(hidden: Tensor, limit: str) -> Tensor:
    """What a state of 0 would become under the scaling of this text, per dimension: outside it, an end of it."""
    if not limit.startswith("minmax"):
        return limit_scale(torch.zeros(1, 1, 1, dtype=hidden.dtype), torch.ones(1, 1, dtype=torch.bool), limit)
    low, high = hidden.amin(0), hidden.amax(0)
    if limit == "minmax_matrix":
        low, high = low.min(), high.max()
    spread = high - low
    return ((0 - low) / torch.where(spread > 0, spread, 1.0)).clamp(FLOOR, 1.0)


def _without(found: Terms) -> Tensor:
    """One row (W, T) per word, False at its tokens."""
    left = torch.ones(len(found.reading.units), len(found.reading), dtype=torch.bool)
    for row, places in zip(left, found.reading.units, strict=True):
        row[list(places)] = False
    return left


def _decided(found: Terms, z: Tensor, left: Tensor, p: float) -> Tensor:
    """Probabilities (W, C) where row w pools the tokens that ``left`` (W, T) leaves of z (1 or W, T, D)."""
    # The attention of what is left sums to 1, as it would if the words had not been there.
    log_a = found.log_a.expand(left.shape).masked_fill(~left, -torch.inf).log_softmax(1)
    weights = torch.stack([log_weight(found.own, row, p) for row in log_a])
    pooled = (torch.logsumexp(weights + p * z.log(), 1) / p).exp()
    return found.probabilities(pooled)


def _losses(
    found: Terms, whole: Tensor, left: Tensor, target: int, p: float, how: Tensor | str
) -> tuple[float | None, ...]:
    """What each word takes with it off the log-odds of the target; ``how`` is the frozen z or the limit to fit anew."""
    text = found.text
    places = sorted({owner for owner in text.owners if owner >= 0}, key=text.owners.index)
    losses: list[float | None] = [None] * len(text.tokens)
    keeps = left.any(1)
    size = max(1, CHUNK // (left.shape[1] * found.z.shape[1]))
    for start in range(0, len(places), size):
        rows = left[start : start + size]
        rows = torch.where(keeps[start : start + size, None], rows, True)
        if isinstance(how, str):
            z = limit_scale(found.reading.hidden.double().expand(len(rows), -1, -1), rows, how)
        else:
            z = how.unsqueeze(0)
        lost = _odds(whole, target) - _odds(_decided(found, z, rows, p), target)
        for place, value, kept in zip(places[start : start + size], lost.tolist(), keeps[start:], strict=False):
            losses[place] = value if kept else None
    return tuple(losses)


def _odds(probabilities: Tensor, target: int) -> Tensor:
    """Log-odds of the target, log p − log (1 − p), from log-probabilities so that certainty stays finite."""
    logs = probabilities.log()
    others = torch.cat((logs[:, :target], logs[:, target + 1 :]), 1)
    return logs[:, target] - torch.logsumexp(others, 1)


def _agree(left: Sequence[float | None], right: Sequence[float | None]) -> Agreement:
    pairs = [(x, y) for x, y in zip(left, right, strict=True) if x is not None and y is not None]
    return KENDALL([x for x, _ in pairs], [y for _, y in pairs], names=("rescaled", "frozen"))
