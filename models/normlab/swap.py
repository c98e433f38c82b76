"""Another pooler under a frozen encoder and head, without retraining: what breaks?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.analysis import prepare
from models.attribution.accounts import Accounts
from models.attribution.base import floats
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.norm_records import Swap, SwapRow
from models.normlab.terms import READINGS, check_p, log_pooled
from models.poolers.limits import limit_scale
from models.records import Request

LIMIT: Final = "relu_clip"
NO_ATTENTION: Final = "this reader has no attention of its own"


@dataclass(frozen=True, slots=True)
class Pool:
    """One way to pool states (T, D) with an attention log a (T,), if there is one: (D,)."""

    title: str
    pool: Callable[[Tensor, Tensor | None], Tensor]
    attends: bool = False


def candidates(p: float) -> Mapping[str, Pool]:
    """What may stand in for a pooler: no weights of its own to learn, and as wide as the states.

    The norms take the states through ReLU and clip first, as the zoo's APLN does; at p = 1 that limit is all that tells
    APLN from attention. Without attention a norm weighs every token 1/N.
    """
    fixed = {
        "mean": Pool("Mean", lambda h, _: h.mean(0)),
        "max": Pool("Maximum", lambda h, _: h.amax(0)),
        "first": Pool("First token", lambda h, _: h[0]),
        "last": Pool("Last token", lambda h, _: h[-1]),
        "attention": Pool("Its own attention", lambda h, a: _weights(h, a).exp() @ h, attends=True),
        "limited": Pool("The same on limited states (APLN at p = 1)", lambda h, a: _norm("A", h, a, 1.0), attends=True),
    }
    norms = {
        f"apln {which}": Pool(f"APLN {which} at p = {p:.2f}", _bound(which, p), attends=True) for which in READINGS
    }
    return fixed | norms | {"power mean": Pool(f"Power mean at p = {p:.2f}", lambda h, _: _norm("A", h, None, p))}


def _bound(which: str, p: float) -> Callable[[Tensor, Tensor | None], Tensor]:
    return lambda h, a: _norm(which, h, a, p)


def _weights(h: Tensor, log_a: Tensor | None) -> Tensor:
    return torch.zeros(len(h), dtype=h.dtype).log_softmax(0) if log_a is None else log_a


def _norm(which: str, h: Tensor, log_a: Tensor | None, p: float) -> Tensor:
    live = torch.ones(len(h), dtype=torch.bool) if log_a is None else log_a.isfinite()
    z = limit_scale(h.unsqueeze(0), torch.ones(1, len(h), dtype=torch.bool), LIMIT)[0]
    return log_pooled(which, z[live], _weights(h, log_a)[live], p).exp()


@torch.no_grad()
def swap(
    classifier: PoolingClassifier, request: Request, p: float, examples: Sequence[str] = (),
    accounts: Accounts | None = None,
) -> Swap:  # fmt: skip
    """Pool the reader's own states in every way of :func:`candidates`, and decide with its own head.

    ``examples`` are texts on which changed predictions are counted; those it cannot read do not count. What
    ``accounts`` has of all these texts is not read again, whatever p is.

    Raises:
        PoolScopeError: the reader's head expects a vector of another width than its states, p is not on the dial, or
            nothing is to be read.
    """
    check_p(p)
    pooler = classifier.pooler
    if pooler.output_size != pooler.state_size:
        raise PoolScopeError(
            f"{pooler.title} hands {pooler.output_size} numbers to the head and a state has {pooler.state_size}, so no "
            "other pooler fits under it; choose a reader whose vector is as wide as its states."
        )
    ways = candidates(p)
    here = _decided(classifier, request, ways, accounts)
    there = []
    for text in examples:
        try:
            example = dataclasses.replace(request, text=text, deleted=(), masked=())
            there.append(_decided(classifier, example, ways, accounts))
        except PoolScopeError:
            continue
    own = here["own"]
    assert own is not None
    target = int(own.argmax())
    rows = [_row("own", f"{pooler.title}, as trained", own, own, [], target, len(there))]
    for name, way in ways.items():
        found = here[name]
        if found is None:
            rows.append(SwapRow(name, way.title, False, None, None, None, None, len(there), NO_ATTENTION))
            continue
        moved = [(one["own"], one[name]) for one in there]
        rows.append(_row(name, way.title, found, own, moved, target, len(there)))
    return Swap(classifier.spec, classifier.labels, target, tuple(rows))


def _row(
    name: str, title: str, found: Tensor, own: Tensor, moved: list[tuple[Tensor | None, Tensor | None]], target: int,
    of: int,
) -> SwapRow:  # fmt: skip
    logs, probabilities = found.log_softmax(0), found.softmax(0)
    margin = float(logs[target] - torch.cat((logs[:target], logs[target + 1 :])).logsumexp(0))
    distance = float((probabilities - own.softmax(0)).abs().sum() / 2)
    changed = sum(int(x.argmax()) != int(y.argmax()) for x, y in moved if x is not None and y is not None)
    return SwapRow(name, title, name == "own", floats(probabilities), margin, distance, changed, of)


def _decided(
    classifier: PoolingClassifier, request: Request, ways: Mapping[str, Pool], accounts: Accounts | None
) -> dict[str, Tensor | None]:
    """Logits (C,) of the reader itself, under ``own``, and of every way to pool; ``None`` where it needs attention."""
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    hidden = reading.hidden[0].double()
    log_a = None if reading.weights is None else reading.weights[0].double().log()
    if log_a is not None:
        log_a = log_a - log_a.logsumexp(0)
    found: dict[str, Tensor | None] = {"own": reading.logits[0].double()}
    for name, way in ways.items():
        if way.attends and log_a is None:
            found[name] = None
            continue
        pooled = way.pool(hidden, log_a).to(reading.hidden.dtype)
        found[name] = classifier.decide(pooled.unsqueeze(0))[0].double()
    return found
