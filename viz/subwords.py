"""The pieces that a reader with sub-words really reads, in place of the words that they are summed over."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from models.records import Analysis, Attribution, PoolingTrace
from viz import wording

BY_WORD = "This method takes words as wholes: the number of a word stands at its first piece."


def has_pieces(analysis: Analysis) -> bool:
    """Whether the reader cuts words into pieces."""
    return bool(analysis.pieces)


def by_piece(analysis: Analysis) -> Analysis:
    """The same analysis over pieces, the encoder's own tokens among them; without agreements and pooler maps."""
    first = first_pieces(analysis.owners)
    maps = tuple(_by_piece(a, analysis, first) for a in analysis.attributions)
    nothing = (0.0,) * len(analysis.pieces)
    trace = PoolingTrace(None, "per piece", None, nothing, None, nothing, analysis.trace.parameters)
    return dataclasses.replace(
        analysis, tokens=analysis.pieces, attributions=maps, agreements=(), trace=trace
    )


def first_pieces(owners: Sequence[int]) -> dict[int, int]:
    """The place of the first piece of every word."""
    found: dict[int, int] = {}
    for place, owner in enumerate(owners):
        if owner >= 0:
            found.setdefault(owner, place)
    return found


def continued(owners: Sequence[int]) -> list[bool]:
    """Which pieces go on with the word of the piece before."""
    return [owner >= 0 and place > 0 and owners[place - 1] == owner for place, owner in enumerate(owners)]


def special_share(a: Attribution, owners: Sequence[int]) -> float | None:
    """The part of all absolute mass, piece by piece, that the encoder's own tokens hold; ``None`` without pieces."""
    if a.pieces is None:
        return None
    mass = sum(map(abs, a.pieces))
    own = sum(abs(value) for value, owner in zip(a.pieces, owners, strict=True) if owner < 0)
    return own / mass if mass else None


def special_badge(a: Attribution, owners: Sequence[int]) -> list[str] | None:
    """[badge, what it means] of that part; ``None`` where there is nothing to tell."""
    share = special_share(a, owners)
    if share is None:
        return None
    return [
        f"own tokens {wording.percent(share)}",
        "the part of all that the map hands out, piece by piece, that goes to the encoder's own tokens ([CLS], [SEP]), "
        "which stand at no word of your text",
    ]


def _by_piece(a: Attribution, analysis: Analysis, first: dict[int, int]) -> Attribution:
    if a.scores is None:
        return a
    if a.pieces is not None:
        return dataclasses.replace(a, scores=a.pieces, without=None, errors=None)
    scores = [0.0] * len(analysis.pieces)
    for word, place in first.items():
        scores[place] = a.scores[word]
    return dataclasses.replace(a, scores=tuple(scores), reason=BY_WORD, without=None, errors=None)
