"""What real powers do to numbers: counted on the test split, in the forward pass that scores it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.classifier import PoolingClassifier, pad_batch
from models.masking import broadcast_mask
from models.poolers.apln import AplnPooler
from models.poolers.base import Pooler
from models.poolers.gem import GemPooler
from models.poolers.learned_norm import LearnedNormPooler
from models.poolers.limits import limit_scale
from models.poolers.power import PowerPooler
from models.training.batches import Rows, by_length


@dataclass(frozen=True, slots=True)
class Scoring:
    """Logits (N, C) of the test rows, and the counts; ``None`` for poolers without an exponent.

    ``overflow``: pooled values (text × dimension) that the pooler's own form gave as 0, inf or NaN.
    ``pow_overflow``: of ``pow_terms`` real powers x^p that the pow form needs at this p on the same
    states in float32 (per token, and per dimension where x or p has one), those that came as 0, inf
    or NaN. Every x is positive, so the true values are too.
    """

    logits: Tensor
    overflow: int | None
    pow_overflow: int | None
    pow_terms: int | None


@torch.no_grad()
def score(classifier: PoolingClassifier, rows: Rows, *, size: int = 256) -> Scoring:
    """Score id rows in evaluation mode and count along the way."""
    classifier.eval()
    pooler = classifier.pooler
    power = isinstance(pooler, PowerPooler)
    logits = torch.empty(len(rows), len(classifier.labels))
    overflow = bad = terms = 0
    for picked in by_length(rows, size):
        ids, real = pad_batch([rows[i] for i in picked])
        mask = classifier.grouped(ids, real)
        hidden = classifier.encode(classifier.embed(ids), mask)
        pooled = classifier.pool(hidden, mask)
        logits[torch.from_numpy(picked)] = classifier.decide(pooled)
        if power:
            overflow += _lost(pooled)
            for values in power_terms(pooler, hidden, mask):
                bad, terms = bad + _lost(values), terms + values.numel()
    counts = (overflow, bad, terms) if power else (None, None, None)
    return Scoring(logits, *counts)


def power_terms(pooler: Pooler, hidden: Tensor, mask: Tensor) -> Iterator[Tensor]:
    """Yield the powers x^p that the pow form of ``pooler`` takes, on real tokens only, flat.

    Learned norm |h − c|^p; GeM max(h, ε)^p; APLN (a z)^p, reading B z^p, and for reading A also the
    a^p of the denominator.
    """
    if isinstance(pooler, LearnedNormPooler):
        yield _live((hidden - pooler.centre).abs() ** pooler.exponent, mask)
    elif isinstance(pooler, GemPooler):
        yield _live(hidden.clamp_min(pooler.epsilon) ** pooler.exponent, mask)
    elif isinstance(pooler, AplnPooler):
        z, a = limit_scale(hidden, mask, pooler.limit), pooler.attention(hidden, mask).unsqueeze(-1)
        yield _live((z if pooler.reading == "B" else a * z) ** pooler.exponent, mask)
        if pooler.reading == "A":
            yield _live(a**pooler.exponent, mask)


def _live(values: Tensor, mask: Tensor) -> Tensor:
    return values[broadcast_mask(mask, values).expand_as(values)]


def _lost(values: Tensor) -> int:
    return int(((values == 0) | ~values.isfinite()).sum())
