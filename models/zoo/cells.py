"""Classifiers that differ in their seed alone, taken together: means and standard deviations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, stdev

from models.zoo.catalogue import Card


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation (n − 1) of ``count`` numbers; one number has no deviation."""

    mean: float
    sd: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The classifiers of one task, encoder and pooler (or label), one per seed, in the order of seeds."""

    id: str
    cards: tuple[Card, ...]

    @property
    def first(self) -> Card:
        """The classifier that stands for the cell: the one with the lowest seed."""
        return self.cards[0]

    def spread(self, metric: str) -> Spread | None:
        """Mean ± sd over seeds of a score on the official test set; ``None`` where none was measured."""
        return spread(score(card, metric) for card in self.cards)


def score(card: Card, metric: str) -> float | None:
    """``accuracy`` or ``macro_f1`` of a classifier on the official test set, where it was measured."""
    value = card.record.get("metrics", {}).get("test", {}).get(metric)
    return None if value is None else float(value)


def spread(values: Iterable[float | None]) -> Spread | None:
    """Mean ± sd of the numbers among ``values``; ``None`` without any."""
    found = [value for value in values if value is not None]
    return Spread(mean(found), stdev(found) if len(found) > 1 else None, len(found)) if found else None


def cells(cards: Iterable[Card]) -> tuple[Cell, ...]:
    """Group classifiers by what they are called without their seed (``task/encoder/pooler``)."""
    grouped: dict[str, list[Card]] = {}
    for card in cards:
        grouped.setdefault(card.spec.id.partition("@")[0], []).append(card)
    return tuple(Cell(name, tuple(sorted(group, key=lambda card: card.spec.seed))) for name, group in grouped.items())
