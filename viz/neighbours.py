"""The words near a chosen one, and what readers would predict with each in its place, as plain rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.records import Analysis, Neighbours, Substitute
from viz import markup, palette, wording
from viz.tables import Row

WORD, SIMILARITY, FREQUENCY = "word", "similarity", "rank by frequency"


@dataclass(frozen=True, slots=True)
class Place:
    """One reader with the neighbours put in the chosen word's place; ``colour`` is its place in the palette."""

    analysis: Analysis
    colour: int
    made: tuple[Substitute, ...]

    @property
    def column(self) -> str:
        """Head of its column: its letter and the class the numbers are about."""
        return f"{palette.mark(self.colour)} {markup.visible(_target(self.analysis))}"


def neighbour_rows(found: Neighbours, places: Sequence[Place]) -> list[Row]:
    """One row per neighbour: similarity, rank by frequency, and every reader's probability of its class."""
    return [
        {
            WORD: markup.visible(near.word),
            SIMILARITY: wording.tau(near.cosine),
            FREQUENCY: None if near.rank is None else f"{near.rank:,}",
            **{place.column: _shift(place, place.made[row]) for place in places if place.made},
        }
        for row, near in enumerate(found.near)
    ]


def columns(found: Neighbours, places: Sequence[Place]) -> tuple[str, ...]:
    """The columns that these rows have; a vocabulary of pieces has no order by frequency."""
    ranked = [FREQUENCY] if any(near.rank is not None for near in found.near) else []
    return (WORD, SIMILARITY, *ranked, *(place.column for place in places if place.made))


def caption(found: Neighbours, places: Sequence[Place], titles: Mapping[str, str]) -> str:
    """What is compared for whom, and what stands beside the word itself."""
    readers = " · ".join(f"{palette.mark(place.colour)} {titles[place.analysis.model.id]}" for place in places)
    facts = [] if found.rank is None else [f"word {found.rank:,} of {found.size:,} by frequency"]
    if found.norm is not None and found.median_norm is not None:
        facts.append(f"length {wording.number(found.norm)} (median {wording.number(found.median_norm)})")
    now = [
        f"{place.column} {wording.probability(place.analysis.prediction.probabilities[place.analysis.target])}"
        for place in places
        if place.made
    ]
    told = f"“{markup.visible(found.word)}”: {', '.join(facts)}" if facts else ""
    reads = f"With it: {', '.join(now)}" if now else ""
    return ". ".join(part for part in (readers, told, reads) if part)


def _shift(place: Place, made: Substitute) -> str:
    """Probability of the reader's class with the neighbour in place, the change, and a new label."""
    before, target = place.analysis.prediction, place.analysis.target
    p = made.prediction.probabilities[target]
    flipped = f", {markup.visible(made.prediction.label)}" if made.prediction.predicted != before.predicted else ""
    return f"{wording.probability(p)} ({wording.change(p - before.probabilities[target])}{flipped})"


def _target(analysis: Analysis) -> str:
    return analysis.prediction.labels[analysis.target]
