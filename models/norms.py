"""The dial over p: one text pooled at many exponents on frozen token states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch

from models.analysis import prepare
from models.attribution.accounts import Accounts
from models.attribution.base import floats
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.poolers.power import PowerPooler
from models.records import NormPoint, NormSweep, Request

LOWEST, HIGHEST = 0.1, 50.0


@torch.no_grad()
def norm_sweep(
    classifier: PoolingClassifier, request: Request, ps: Sequence[float], accounts: Accounts | None = None
) -> NormSweep:
    """Pool the text of ``request`` at every p of ``ps``, in one batch, states and head untouched.

    A pooler with one p per dimension is swept with the same p in all of them; ``learned`` and
    ``learned_range`` tell the mean and the extremes of what was trained. Points keep the order of
    ``ps``; per-token values of deleted tokens are 0.

    Args:
        classifier: one whose pooler has an exponent (APLN, GeM, learned norm).
        request: the text and its edits; methods and target do not matter.
        ps: exponents from 0.1 to 50.
        accounts: the visitor's book, where the text's states stand if it was read before.

    Raises:
        PoolScopeError: the pooler has no exponent, a p is out of range, or there is nothing to
            read.
    """
    if not hasattr(classifier.pooler, "pool_at"):
        title = classifier.pooler.title
        raise PoolScopeError(f"{title} pooling has no exponent p to turn; choose APLN, GeM or the learned norm.")
    _check(ps)
    pooler = cast(PowerPooler, classifier.pooler)
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    hidden = reading.hidden.expand(len(ps), -1, -1)
    mask = reading.mask.expand(len(ps), -1)
    p = torch.tensor(list(ps), dtype=hidden.dtype, device=hidden.device).view(-1, 1, 1)
    pooled = pooler.pool_at(hidden, mask, p)
    per_dimension = pooler.shares_at(hidden, mask, p)
    shares, winners = per_dimension.mean(-1), per_dimension.argmax(1)
    effective = pooler.effective_at(hidden, mask, p)
    probabilities = classifier.decide(pooled).double().softmax(-1)
    points = tuple(
        NormPoint(
            p=float(value),
            effective=None if effective is None else text.spread(floats(effective[i])),
            shares=text.spread(floats(shares[i])),
            pooled=floats(pooled[i]),
            probabilities=floats(probabilities[i]),
            winners=tuple(text.owners[k] for k in winners[i].tolist()),
        )
        for i, value in enumerate(ps)
    )
    exponent = pooler.exponent
    return NormSweep(
        model=classifier.spec,
        tokens=text.tokens,
        labels=classifier.labels,
        reading=str(getattr(pooler, "reading", "")),
        weights=None if reading.weights is None else text.spread(floats(reading.weights[0])),
        learned=float(exponent.mean()),
        learned_range=(float(exponent.min()), float(exponent.max())),
        points=points,
    )


def _check(ps: Sequence[float]) -> None:
    """Refuse exponents the dial does not have."""
    outside = [p for p in ps if not (math.isfinite(p) and LOWEST <= p <= HIGHEST)]
    if outside or not ps:
        came = ", ".join(f"{p:g}" for p in outside) or "none"
        raise PoolScopeError(
            f"The dial runs from p = {LOWEST:g} to {HIGHEST:g}, got {came}; choose values in between."
        )
