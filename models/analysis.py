"""The one call a page makes: a classifier and a request in, plain records out.

Nothing here keeps state. Each function reads the text, applies the request's edits, and hands
the same :class:`~models.attribution.reading.Reading` to whoever needs it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from models.attribution import METHODS
from models.attribution.base import AttributionMethod, build, floats
from models.attribution.ledger import Ledger
from models.attribution.reading import Reading
from models.attribution.target import Target, as_target
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.metrics.agreement import METRICS, AgreementMetric, comparable
from models.records import (
    Agreement,
    Analysis,
    Attribution,
    PoolingTrace,
    Prediction,
    Removal,
    Request,
    Token,
    TraceMap,
)
from models.text import Encoded

NOTHING_TYPED = "There is no word to read in this text; type at least one."
NOTHING_LEFT = "Every token of this text is deleted, so nothing is left to read; restore at least one."


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A request's text after its edits: all tokens with their states, and what is really read.

    ``kept`` are the places, in ``tokens``, of the words that are read; ``owners`` those of the T
    ids that go into the encoder, −1 for ids that belong to no word. ``pieces`` are all ids of a
    reader with sub-words as tokens, those of deleted words too, with their words in ``belong``, and ``read`` the
    places among them of the ids that are read; all empty where ids are words.
    """

    tokens: tuple[Token, ...]
    kept: tuple[int, ...]
    ids: tuple[int, ...]
    owners: tuple[int, ...]
    cut: int
    pieces: tuple[Token, ...] = ()
    belong: tuple[int, ...] = ()
    read: tuple[int, ...] = ()

    def piecewise(self, values: Sequence[float]) -> tuple[float, ...] | None:
        """Put values (T,) of the ids at their pieces, 0 for those of deleted words; ``None`` without pieces."""
        if not self.pieces:
            return None
        full = [0.0] * len(self.pieces)
        for place, value in zip(self.read, values, strict=True):
            full[place] = value
        return tuple(full)

    def spread(self, values: Sequence[float]) -> tuple[float, ...]:
        """Sum values (T,) of the ids over the words they belong to, 0 for deleted words."""
        full = [0.0] * len(self.tokens)
        for place, value in zip(self.owners, values, strict=True):
            if place >= 0:
                full[place] += value
        return tuple(full)

    def average(self, values: Sequence[float]) -> tuple[float, ...]:
        """Average values (T,) of the ids over the words they belong to, 0 for deleted words."""
        pieces = self.spread([1.0] * len(self.ids))
        return tuple(total / max(count, 1.0) for total, count in zip(self.spread(values), pieces, strict=True))

    def special(self, values: Sequence[float]) -> float:
        """Sum values (T,) of the ids that belong to no word."""
        return float(sum(value for place, value in zip(self.owners, values, strict=True) if place < 0))


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A text that was read, and what is asked about it: where every method starts."""

    text: Text
    reading: Reading
    prediction: Prediction
    target: Target


def prepare(classifier: PoolingClassifier, request: Request) -> Text:
    """Read the text and apply the edits of ``request``.

    Raises:
        PoolScopeError: nothing to read, or an edit of a token that the text does not have.
    """
    encoded = classifier.read(request.text)
    if not encoded.tokens:
        raise PoolScopeError(NOTHING_TYPED)
    _check_places(len(encoded.tokens), (*request.deleted, *request.masked))
    deleted, masked = set(request.deleted), set(request.masked)
    kept = tuple(i for i in range(len(encoded.tokens)) if i not in deleted)
    if not kept:
        raise PoolScopeError(NOTHING_LEFT)
    states: dict[int, Literal["deleted", "masked"]] = dict.fromkeys(masked, "masked")
    states |= dict.fromkeys(deleted, "deleted")
    tokens = tuple(
        dataclasses.replace(token, state=states[i]) if i in states else token for i, token in enumerate(encoded.tokens)
    )
    pairs = [(id_, owner) for id_, owner in zip(encoded.ids, encoded.owners, strict=True) if owner not in deleted]
    owners = tuple(owner for _, owner in pairs)
    ids = tuple(classifier.unknown if owner in masked else id_ for id_, owner in pairs)
    if encoded.spans is None:
        return Text(tokens, kept, ids, owners, encoded.cut)
    read = tuple(place for place, owner in enumerate(encoded.owners) if owner not in deleted)
    pieces = tuple(_pieces(request.text, encoded, tokens))
    return Text(tokens, kept, ids, owners, encoded.cut, pieces, encoded.owners, read)


def analyse(classifier: PoolingClassifier, request: Request) -> Analysis:
    """Predict, trace the pooler, attribute by every method asked for, and compare the maps.

    The encoder reads the text once; every method starts from that reading. Agreements are
    over kept tokens that are not special, for every pair of maps and every metric.

    Raises:
        PoolScopeError: empty text, all tokens deleted, a class, method or parameter that does
            not exist; one sentence each.
    """
    started = time.perf_counter()
    methods = [build(call, METHODS) for call in request.methods]
    read = subject(classifier, request)
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


def subject(classifier: PoolingClassifier, request: Request) -> Subject:
    """Read the text of ``request`` once, for as many methods as may come.

    Raises:
        PoolScopeError: as :func:`analyse` does.
    """
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners)
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


def remove(classifier: PoolingClassifier, request: Request, index: int, how: Literal["deleted", "masked"]) -> Removal:
    """Predict again with token ``index`` (of the unedited text) taken out or masked as well.

    One forward pass. A token that the request already removed that way changes nothing.

    Raises:
        PoolScopeError: no such token, nothing would be left, or masking a deleted token.
    """
    if how not in ("deleted", "masked"):
        raise PoolScopeError(f"A token can be deleted or masked, got {how!r}; choose one of the two.")
    _check_places(len(prepare(classifier, request).tokens), (index,))
    if how == "masked" and index in request.deleted:
        raise PoolScopeError(f"Token {index + 1} is deleted and cannot be masked; restore it first.")
    if how == "deleted":
        edited = dataclasses.replace(request, deleted=(*request.deleted, index))
    else:
        edited = dataclasses.replace(request, masked=(*request.masked, index))
    logits = Ledger(classifier).logits([prepare(classifier, edited).ids])
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


def agreements(attributions: Sequence[Attribution], tokens: Sequence[Token]) -> Iterable[Agreement]:
    """Compare every pair of maps by every metric; see ``models.metrics.agreement``."""
    for left, right in combinations(attributions, 2):
        for metric in METRICS.values():
            yield compared(metric, left, right, tokens)


def ranked(tokens: Sequence[Token]) -> list[int]:
    """The places of the tokens that maps are compared over: those kept and not special."""
    return [place for place, token in enumerate(tokens) if token.state != "deleted" and not token.special]


def compare(metric: AgreementMetric, left: Attribution, right: Attribution, text: Text) -> Agreement:
    """Compare two maps of a text; see :func:`compared`."""
    return compared(metric, left, right, text.tokens)


def compared(metric: AgreementMetric, left: Attribution, right: Attribution, tokens: Sequence[Token]) -> Agreement:
    """Compare two maps over kept, non-special tokens; undefined where one of them is undefined."""
    places = ranked(tokens)
    if left.scores is None or right.scores is None:
        missing = left if left.scores is None else right
        reason = f"{missing.title}: {missing.reason}"
        return Agreement(metric.name, left.key, right.key, value=None, n=len(places), reason=reason)
    x, y, basis = comparable(
        [left.scores[i] for i in places], left.signed, [right.scores[i] for i in places], right.signed
    )
    agreement = metric(x, y, names=(left.title, right.title), basis=basis)
    return dataclasses.replace(agreement, left=left.key, right=right.key)


@torch.no_grad()
def trace(reading: Reading, text: Text) -> PoolingTrace:
    """What the pooler did: weights, effective attention, mean shares, winners, state norms."""
    pooler = reading.classifier.pooler
    hidden, mask = reading.hidden, reading.mask
    shares = pooler.shares(hidden, mask)[0]
    meaning = "attention weight a_i" if pooler.attends else f"{pooler.title} pooling has no attention weights"
    effective = pooler.effective(hidden, mask)
    weights = None if reading.weights is None else floats(reading.weights[0])
    sections = mask[0].tolist() if pooler.tiered else None
    return PoolingTrace(
        weights=None if weights is None else text.spread(weights),
        weights_meaning=meaning,
        effective=None if effective is None else text.spread(floats(effective[0])),
        shares=text.spread(floats(shares.mean(-1))),
        # Only max pooling divides whole dimensions among winners.
        winners=text.spread(floats(shares.sum(-1))) if pooler.name == "max" else None,
        state_norms=text.average(floats(hidden[0].norm(dim=-1))),
        parameters=(*pooler.learned(), *reading.classifier.encoder.learned()),
        maps=tuple(TraceMap(name, text.spread(floats(m[0]))) for name, m in pooler.maps(hidden, mask).items()),
        special_weight=0.0 if weights is None else text.special(weights),
        special_share=text.special(floats(shares.mean(-1))),
        segments=None if sections is None else tuple(map(int, text.average(sections))),
    )


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


def _pieces(text: str, encoded: Encoded, tokens: Sequence[Token]) -> Iterable[Token]:
    """What is read piece by piece: state and knowledge of a piece are those of its word."""
    assert encoded.spans is not None
    for owner, (start, end) in zip(encoded.owners, encoded.spans, strict=True):
        if owner < 0:
            yield Token(text[start:end], start, end, special=True)
        else:
            word = tokens[owner]
            yield dataclasses.replace(word, text=text[start:end], start=start, end=end)


def _check_places(count: int, places: Iterable[int]) -> None:
    """Refuse edits of tokens that the text does not have."""
    outside = sorted({place for place in places if not 0 <= place < count})
    if outside:
        numbers = ", ".join(map(str, outside))
        raise PoolScopeError(f"The text has tokens 0 to {count - 1}, got {numbers}; choose one of them.")
