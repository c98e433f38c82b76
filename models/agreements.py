"""How the maps of one text agree, pair by pair and metric by metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from models.metrics.agreement import METRICS, AgreementMetric, Basis, comparable, undefined
from models.metrics.ranks import Scores
from models.records import Agreement, Attribution, Token


def ranked(tokens: Sequence[Token]) -> list[int]:
    """The places of the tokens that maps are compared over: those kept and not special."""
    return [place for place, token in enumerate(tokens) if token.state != "deleted" and not token.special]


def agreements(attributions: Sequence[Attribution], tokens: Sequence[Token]) -> Iterable[Agreement]:
    """Compare every pair of maps by every metric, as :func:`compared` does one; see ``models.metrics.agreement``.

    What all metrics of a pair have in common is looked at once: with eight maps that is a third of the time of a
    new sentence.
    """
    places = ranked(tokens)
    for left, right in combinations([_Map.of(a, places) for a in attributions], 2):
        yield from _pair(left, right, len(places))


def compared(metric: AgreementMetric, left: Attribution, right: Attribution, tokens: Sequence[Token]) -> Agreement:
    """Compare two maps over kept, non-special tokens; undefined where one of them is undefined."""
    places = ranked(tokens)
    if left.scores is None or right.scores is None:
        reason = _absent(left if left.scores is None else right)
        return Agreement(metric.name, left.key, right.key, value=None, n=len(places), reason=reason)
    x, y, basis = comparable(
        [left.scores[i] for i in places], left.signed, [right.scores[i] for i in places], right.signed
    )
    agreement = metric(x, y, names=(left.title, right.title), basis=basis)
    return replace(agreement, left=left.key, right=right.key)


@dataclass(frozen=True, slots=True)
class _Map:
    """A map at the places that are compared, as it is and by size; ``None`` where there is none."""

    made: Attribution
    key: str
    values: Scores | None
    sizes: Scores | None

    @classmethod
    def of(cls, made: Attribution, places: Sequence[int]) -> _Map:
        if made.scores is None:
            return cls(made, made.key, None, None)
        values = np.array([made.scores[i] for i in places], dtype=np.float64)
        return cls(made, made.key, values, np.abs(values))


def _pair(left: _Map, right: _Map, count: int) -> Iterable[Agreement]:
    keys = left.key, right.key
    if left.values is None or right.values is None or left.sizes is None or right.sizes is None:
        reason = _absent((left if left.values is None else right).made)
        yield from (Agreement(name, *keys, value=None, n=count, reason=reason) for name in METRICS)
        return
    signed = left.made.signed and right.made.signed
    x, y = (left.values, right.values) if signed else (left.sizes, right.sizes)
    basis: Basis = "signed" if signed else "magnitude"
    unlike = undefined(x, y, (left.made.title, right.made.title))
    for name, metric in METRICS.items():
        value, p_value = (None, None) if unlike is not None else metric.compute(x, y)
        yield Agreement(name, *keys, value=value, n=count, p_value=p_value, reason=unlike, basis=basis)


def _absent(made: Attribution) -> str:
    return f"{made.title}: {made.reason}"
