"""The one call a page makes: a classifier and a request in, plain records out.

Nothing here keeps state. Each function reads the text, applies the request's edits, and hands
the same :class:`~models.attribution.reading.Reading` to whoever needs it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from models.agreements import agreements, compared
from models.attribution import METHODS
from models.attribution.accounts import Accounts
from models.attribution.base import AttributionMethod, build
from models.attribution.ledger import Ledger
from models.attribution.reading import Reading
from models.attribution.target import Target, as_target
from models.classifier import PoolingClassifier
from models.edited import NOTHING_LEFT, NOTHING_TYPED, Text, check_places, prepare
from models.errors import PoolScopeError
from models.metrics.agreement import AgreementMetric
from models.records import Agreement, Analysis, Attribution, Prediction, Removal, Request
from models.trace import trace

# What is asked of a text is asked for here, wherever it is made.
__all__ = [
    "NOTHING_LEFT", "NOTHING_TYPED", "Subject", "Text", "analyse", "attribution", "compare", "predicted", "prepare",
    "remove", "subject", "target_of", "with_maps",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A text that was read, and what is asked about it: where every method starts."""

    text: Text
    reading: Reading
    prediction: Prediction
    target: Target


def analyse(classifier: PoolingClassifier, request: Request, accounts: Accounts | None = None) -> Analysis:
    """Predict, trace the pooler, attribute by every method asked for, and compare the maps.

    The encoder reads the text once; every method starts from that reading. Agreements are
    over kept tokens that are not special, for every pair of maps and every metric. What was read for an earlier
    request of the same visitor is taken from ``accounts``.

    Raises:
        PoolScopeError: empty text, all tokens deleted, a class, method or parameter that does
            not exist; one sentence each.
    """
    started = time.perf_counter()
    methods = [build(call, METHODS) for call in request.methods]
    read = subject(classifier, request, accounts)
    bare = Analysis(
        model=classifier.spec,
        request=request,
        tokens=read.text.tokens,
        cut=read.text.cut,
        prediction=read.prediction,
        target=read.target.index,
        trace=trace(read.reading, read.text),
        pieces=read.text.pieces,
        owners=read.text.belong,
    )
    made = [attribution(method, read.reading, read.text, read.target) for method in methods]
    return dataclasses.replace(with_maps(bare, request, made), seconds=time.perf_counter() - started)


def subject(classifier: PoolingClassifier, request: Request, accounts: Accounts | None = None) -> Subject:
    """Read the text of ``request`` once, for as many methods as may come; ``accounts`` as in :func:`analyse`.

    Raises:
        PoolScopeError: as :func:`analyse` does.
    """
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    prediction = predicted(classifier, reading.logits[0])
    return Subject(text, reading, prediction, target_of(classifier, request, prediction))


def with_maps(bare: Analysis, request: Request, attributions: Sequence[Attribution]) -> Analysis:
    """Add maps to an analysis without any, with how they agree and what they took."""
    reused = sum(a.reused for a in attributions)
    return dataclasses.replace(
        bare,
        request=request,
        attributions=tuple(attributions),
        agreements=tuple(agreements(attributions, bare.tokens)),
        seconds=bare.seconds + sum(a.seconds for a in attributions),
        forwards=sum(a.forwards for a in attributions) - reused,
        reused=reused,
    )


def remove(
    classifier: PoolingClassifier, request: Request, index: int, how: Literal["deleted", "masked"],
    accounts: Accounts | None = None,
) -> Removal:  # fmt: skip
    """Predict again with token ``index`` (of the unedited text) taken out or masked as well.

    One forward pass, or none if ``accounts`` has the text already. A token that the request already removed that way
    changes nothing.

    Raises:
        PoolScopeError: no such token, nothing would be left, or masking a deleted token.
    """
    if how not in ("deleted", "masked"):
        raise PoolScopeError(f"A token can be deleted or masked, got {how!r}; choose one of the two.")
    check_places(len(prepare(classifier, request).tokens), (index,))
    if how == "masked" and index in request.deleted:
        raise PoolScopeError(f"Token {index + 1} is deleted and cannot be masked; restore it first.")
    if how == "deleted":
        edited = dataclasses.replace(request, deleted=(*request.deleted, index))
    else:
        edited = dataclasses.replace(request, masked=(*request.masked, index))
    logits = Ledger(classifier, accounts=accounts).logits([prepare(classifier, edited).ids])
    return Removal(index, how, predicted(classifier, logits[0]))


def attribution(method: AttributionMethod, reading: Reading, text: Text, target: Target | int) -> Attribution:
    """Apply one method and put its scores at the places of all tokens, 0 for deleted ones."""
    target = as_target(target)
    started = time.perf_counter()
    scores = method(reading, target)
    without: tuple[tuple[float, ...] | None, ...] | None = None
    errors = None if scores.errors is None else text.spread(scores.errors)
    if scores.without is not None:
        removed = {place: left for place, left in zip(text.owners, scores.without, strict=True) if left is not None}
        without = tuple(removed.get(place) for place in range(len(text.tokens)))
    return Attribution(
        method=method.name,
        title=method.heading,
        target=target.index,
        scalar=target.scalar,
        signed=method.signed,
        complete=method.complete,
        scores=None if scores.values is None else text.spread(scores.values),
        reason=scores.reason,
        warning=scores.warning,
        delta=scores.delta,
        relative_delta=scores.relative_delta,
        baseline=scores.baseline,
        forwards=scores.forwards,
        reused=scores.reused,
        errors=errors,
        fit=scores.fit,
        seconds=time.perf_counter() - started,
        params=method.variant,
        without=without,
        special=0.0 if scores.values is None else text.special(scores.values),
        against=target.against,
        pieces=None if scores.values is None or method.by_word else text.piecewise(scores.values),
    )


def compare(metric: AgreementMetric, left: Attribution, right: Attribution, text: Text) -> Agreement:
    """Compare two maps of a text; see :func:`~models.agreements.compared`."""
    return compared(metric, left, right, text.tokens)


def predicted(classifier: PoolingClassifier, logits: Tensor) -> Prediction:
    """Turn logits (C,) into a record; softmax in double precision.

    Raises:
        PoolScopeError: a logit is NaN or infinite, as damaged weights make it.
    """
    values = logits.detach().double()
    if not bool(values.isfinite().all()):
        raise PoolScopeError(f"{classifier.spec.id} answers with numbers that are not finite; load sound weights.")
    return Prediction(classifier.labels, tuple(values.tolist()), tuple(values.softmax(-1).tolist()))


def target_of(classifier: PoolingClassifier, request: Request, prediction: Prediction) -> Target:
    """What the request asks about: its class, by default the predicted one, and what of it.

    Raises:
        PoolScopeError: the classifier has no such class, or the scalar does not exist or allows no
            comparison.
    """
    for asked in (request.target, request.against):
        if asked is not None and not 0 <= asked < len(classifier.labels):
            choices = ", ".join(f"{i} ({label})" for i, label in enumerate(classifier.labels))
            raise PoolScopeError(f"There is no class {asked}; choose one of: {choices}.")
    index = prediction.predicted if request.target is None else request.target
    return Target(index, request.against, request.scalar)
