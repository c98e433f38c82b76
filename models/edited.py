"""A request's text after its edits: what is shown, and what is really read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.records import Request, Token
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


def prepare(classifier: PoolingClassifier, request: Request) -> Text:
    """Read the text and apply the edits of ``request``.

    Raises:
        PoolScopeError: nothing to read, or an edit of a token that the text does not have.
    """
    encoded = classifier.read(request.text)
    if not encoded.tokens:
        raise PoolScopeError(NOTHING_TYPED)
    check_places(len(encoded.tokens), (*request.deleted, *request.masked))
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


def check_places(count: int, places: Iterable[int]) -> None:
    """Refuse edits of tokens that the text does not have."""
    outside = sorted({place for place in places if not 0 <= place < count})
    if outside:
        numbers = ", ".join(map(str, outside))
        raise PoolScopeError(f"The text has tokens 0 to {count - 1}, got {numbers}; choose one of them.")


def _pieces(text: str, encoded: Encoded, tokens: Sequence[Token]) -> Iterable[Token]:
    """What is read piece by piece: state and knowledge of a piece are those of its word."""
    assert encoded.spans is not None
    for owner, (start, end) in zip(encoded.owners, encoded.spans, strict=True):
        if owner < 0:
            yield Token(text[start:end], start, end, special=True)
        else:
            word = tokens[owner]
            yield dataclasses.replace(word, text=text[start:end], start=start, end=end)
