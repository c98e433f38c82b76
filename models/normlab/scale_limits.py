"""Scale limits switched on the same states without retraining: what each does to zeros, signs and erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.attribution.accounts import Accounts
from models.attribution.base import floats
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.metrics.agreement import METRICS
from models.norm_records import LimitRow, ScaleLimits
from models.normlab.terms import Terms, check_p, log_pooled, terms
from models.poolers.apln import AplnPooler
from models.poolers.limits import FLOOR, LIMITS, limit_scale
from models.records import Agreement, Request

KENDALL: Final = METRICS["kendall_tau"]


@torch.no_grad()
def scale_limits(
    classifier: PoolingClassifier, request: Request, p: float, accounts: Accounts | None = None
) -> ScaleLimits:
    """Limit the same states in all four ways and pool them by the reader's own reading at ``p``.

    Erasing a word here takes its tokens out of the pooling and leaves the other states as they are, so that
    what changes between the two columns is the scaling alone: min–max is fitted anew to the words
    that are left, or frozen as it was for the whole text. The element-wise limits know no difference. A text that
    ``accounts`` has already is not read again.

    Raises:
        PoolScopeError: the pooler is not APLN, p is not on the dial, or nothing is to be read.
    """
    check_p(p)
    if not isinstance(classifier.pooler, AplnPooler):
        raise PoolScopeError(
            f"{classifier.pooler.title} pooling limits no scale; choose a reader with APLN to switch its scale limits."
        )
    found = terms(classifier, request, accounts)
    hidden = found.reading.hidden.double()
    whole = {limit: limit_scale(hidden, found.reading.mask, limit)[0] for limit in LIMITS}
    every = torch.ones(len(found.reading), dtype=torch.bool)
    target = int(found.reading.probabilities[0].argmax())
    rows = tuple(_row(found, limit, z, hidden[0], every, p, target) for limit, z in whole.items())
    text = found.text
    return ScaleLimits(classifier.spec, text.tokens, classifier.labels, found.own, p, target, rows)


def _row(found: Terms, limit: str, z: Tensor, hidden: Tensor, every: Tensor, p: float, target: int) -> LimitRow:
    probabilities = _decided(found, _log_pooled(found, z, every, p).unsqueeze(0))
    left = _without(found)
    frozen = rescaled = _losses(found, probabilities, left, target, p, z)
    # Only min–max looks at other tokens.
    if limit.startswith("minmax"):
        rescaled = _losses(found, probabilities, left, target, p, z, limit)
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


def _decided(found: Terms, log_r: Tensor) -> Tensor:
    return found.probabilities(log_r.exp())


def _losses(
    found: Terms, whole: Tensor, left: Tensor, target: int, p: float, z: Tensor, anew: str | None = None
) -> tuple[float | None, ...]:
    """What each word takes with it off the target's log-odds: z frozen, or the limit ``anew`` fitted to the rest."""
    text = found.text
    places = sorted({owner for owner in text.owners if owner >= 0}, key=text.owners.index)
    losses: list[float | None] = [None] * len(text.tokens)
    kept = left.any(1)
    if not bool(kept.any()):
        return tuple(losses)
    rows = left[kept]
    log_r = _without_each(found, z, rows, p)
    if anew is not None:
        hidden = found.reading.hidden[0].double()
        for row, pooled in zip(rows, log_r, strict=True):
            # Where the word is no extreme, the rest is scaled as before.
            moved = _moved(hidden, row, anew)
            if bool(moved.any()):
                rest = hidden[row] if anew == "minmax_matrix" else hidden[row][:, moved]
                fitted = limit_scale(rest.unsqueeze(0), torch.ones(1, len(rest), dtype=torch.bool), anew)[0]
                pooled[moved] = _log_pooled(found, fitted, row, p)
    lost = _odds(whole, target) - _odds(_decided(found, log_r), target)
    for place, value in zip([place for place, one in zip(places, kept.tolist(), strict=True) if one], lost.tolist(),
                            strict=True):  # fmt: skip
        losses[place] = value
    return tuple(losses)


def _without_each(found: Terms, z: Tensor, rows: Tensor, p: float) -> Tensor:
    """Return log r (W, D) of the tokens that each row (W, T) leaves: what stands before its word, and behind it.

    A word's tokens stand together, so sums from either end, kept once, make every row in one addition.
    """
    log_a = found.log_a.unsqueeze(-1)
    inside = log_a + p * z.log() if found.own == "B" else p * (log_a + z.log())
    weights = p * log_a if found.own == "A" else log_a
    parts = torch.cat((inside, weights), 1)
    edge = torch.full_like(parts[:1], -torch.inf)
    before = torch.cat((edge, parts.logcumsumexp(0)))
    behind = torch.cat((parts.flip(0).logcumsumexp(0).flip(0), edge))
    gone = (~rows).int()
    first, last = gone.argmax(1), rows.shape[1] - gone.flip(1).argmax(1)
    total = torch.logaddexp(before[first], behind[last])
    return (total[:, :-1] - total[:, -1:] * (p if found.own == "C" else 1)) / p


def _log_pooled(found: Terms, z: Tensor, row: Tensor, p: float) -> Tensor:
    # The attention of what is left sums to 1, as it would if the word had not been there.
    return log_pooled(found.own, z, found.log_a[row].log_softmax(0), p)


def _moved(hidden: Tensor, row: Tensor, limit: str) -> Tensor:
    """Say for every dimension (D,) whether leaving out a word changes the ends of its scale."""
    rest = hidden[row]
    moved = (rest.amin(0) > hidden.amin(0)) | (rest.amax(0) < hidden.amax(0))
    if limit == "minmax_matrix":
        ends = bool(rest.min() > hidden.min()) or bool(rest.max() < hidden.max())
        return torch.full_like(moved, ends)
    return moved


def _odds(probabilities: Tensor, target: int) -> Tensor:
    """Log-odds of the target, log p − log (1 − p), from log-probabilities so that certainty stays finite."""
    logs = probabilities.log()
    others = torch.cat((logs[:, :target], logs[:, target + 1 :]), 1)
    return logs[:, target] - torch.logsumexp(others, 1)


def _agree(left: Sequence[float | None], right: Sequence[float | None]) -> Agreement:
    pairs = [(x, y) for x, y in zip(left, right, strict=True) if x is not None and y is not None]
    return KENDALL([x for x, _ in pairs], [y for _, y in pairs], names=("rescaled", "frozen"))
