"""How the maps of one text agree, pair by pair and metric by metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from models.metrics.agreement import METRICS, AgreementMetric, Basis, comparable, constant, unranked
from models.metrics.pairs import Maps
from models.metrics.ranks import Scores
from models.records import Agreement, Attribution, Token


def ranked(tokens: Sequence[Token]) -> list[int]:
    """The places of the tokens that maps are compared over: those kept and not special."""
    return [place for place, token in enumerate(tokens) if token.state != "deleted" and not token.special]


def agreements(attributions: Sequence[Attribution], tokens: Sequence[Token]) -> Iterable[Agreement]:
    """Compare every pair of maps by every metric, as :func:`compared` does one; see ``models.metrics.agreement``.

    Each metric is asked once for all pairs.
    """
    places = ranked(tokens)
    bases = _Bases.of(attributions, places)
    pairs = [bases.pair(left, right) for left, right in combinations(range(len(attributions)), 2)]
    rows = [pair.rows for pair in pairs if pair.rows is not None]
    left, right = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    maps = Maps(bases.scores)
    answers = zip(*(metric.pairs(maps, left, right) if rows else () for metric in METRICS.values()), strict=True)
    for pair in pairs:
        found = [(None, None)] * len(METRICS) if pair.rows is None else next(answers)
        for name, (value, p_value) in zip(METRICS, found, strict=True):
            yield Agreement(name, *pair.keys, value, len(places), p_value, pair.reason, pair.basis)


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
class _Pair:
    """Two maps by their keys: the rows of the scores to compare, or the reason why there is nothing to compare."""

    keys: tuple[str, str]
    basis: Basis
    rows: tuple[int, int] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Bases:
    """The maps that are there at the n compared places, as they are and then by size: ``scores`` (2M, n).

    ``row`` has the place among the M for those of ``made`` that are there, ``flat`` says which scores are constant.
    """

    made: Sequence[Attribution]
    keys: Sequence[str]
    row: Mapping[int, int]
    scores: Scores
    flat: Sequence[bool]

    @classmethod
    def of(cls, made: Sequence[Attribution], places: Sequence[int]) -> _Bases:
        there = [i for i, a in enumerate(made) if a.scores is not None]
        values = np.array([made[i].scores for i in there], dtype=np.float64)
        values = values.take(places, axis=1) if there else np.empty((0, len(places)))
        scores = np.concatenate([values, np.abs(values)])
        flat = constant(scores) if places else [True] * len(scores)
        return cls(made, [a.key for a in made], {i: row for row, i in enumerate(there)}, scores, flat)

    def pair(self, i: int, j: int) -> _Pair:
        """Say which rows compare the maps ``i`` and ``j``."""
        left, right = self.made[i], self.made[j]
        keys = self.keys[i], self.keys[j]
        if left.scores is None or right.scores is None:
            return _Pair(keys, "signed", None, _absent(left if left.scores is None else right))
        signed = left.signed and right.signed
        start = 0 if signed else len(self.row)
        rows = start + self.row[i], start + self.row[j]
        flat = [a.title for a, row in zip((left, right), rows, strict=True) if self.flat[row]]
        reason = unranked(self.scores.shape[1], flat)
        return _Pair(keys, "signed" if signed else "magnitude", None if reason else rows, reason)


def _absent(made: Attribution) -> str:
    return f"{made.title}: {made.reason}"
