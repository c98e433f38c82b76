"""Readings A, B and C of APLN side by side: the same states, attention and p, only the formula switched."""

from __future__ import annotations

import torch

from models.attribution.accounts import Accounts
from models.attribution.base import floats
from models.classifier import PoolingClassifier
from models.norm_records import NormReadings, ReadingPoint
from models.normlab.identities import falling, identities
from models.normlab.terms import READINGS, Terms, check_p, log_pooled, log_weight, shares, terms
from models.norms import HIGHEST, LOWEST
from models.records import Request

GRID = tuple(LOWEST * (HIGHEST / LOWEST) ** (step / 32) for step in range(33))


def norm_readings(
    classifier: PoolingClassifier, request: Request, p: float, accounts: Accounts | None = None
) -> NormReadings:
    """Pool a text in all three readings at ``p``, and check the identities between them on it.

    Works on any pooler with an exponent: one without attention weighs every token 1/N. A pooler with one p per
    dimension is given the same p in all of them, as on the dial. A text that ``accounts`` has already is not
    read again.

    Raises:
        PoolScopeError: the pooler has no exponent, p is not on the dial, or nothing is to be read.
    """
    check_p(p)
    found = terms(classifier, request, accounts)
    with torch.no_grad():
        points = tuple(_point(found, which, p) for which in READINGS)
        factor = float((torch.logsumexp(p * found.log_a, 0) / p).exp())
        checked = identities(found.z, found.log_a, p, GRID)
    return NormReadings(classifier.spec, found.text.tokens, classifier.labels, found.own, p, points, factor, checked)


def _point(found: Terms, which: str, p: float) -> ReadingPoint:
    z, log_a, text = found.z, found.log_a, found.text
    pooled = log_pooled(which, z, log_a, p).exp()
    effective = log_weight(which, log_a, p).softmax(0).squeeze(-1)
    return ReadingPoint(
        which,
        floats(pooled),
        floats(found.probabilities(pooled.unsqueeze(0))[0]),
        text.spread(floats(effective)),
        text.spread(floats(shares(which, z, log_a, p).mean(-1))),
        falling(which, z, log_a, GRID),
    )
