"""Sub-word pieces under the user's own words: one tokenizer for the encoder, one for the screen.

The encoder reads its own pieces, exactly as it was trained to. Each piece is then given to the
word of the text it covers most, by character offsets and never by markers such as ``##``, so that
all classifiers of a task speak about the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from tokenizers import Tokenizer

from models.records import Token
from models.text import Encoded, Vocabulary, WordTokenizer

NO_WORD = -1


class PieceVocabulary(Vocabulary):
    """The pieces of a fast tokenizer in id order, with the road from a text to ids.

    ``limit`` is the most pieces the encoder can take, its own special tokens included.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, unknown: int, mask: int) -> None:
        """Take a ``tokenizers.Tokenizer`` and its ids for unknown and masked pieces.

        Padding and truncation are switched off: batches are padded and texts cut in one place only.
        """
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer, self.limit, self._unknown, self._mask = tokenizer, limit, unknown, mask
        self._ids = tokenizer.get_vocab(with_added_tokens=True)
        size = max(self._ids.values()) + 1
        names = {index: piece for piece, index in self._ids.items()}
        self.words = tuple(names.get(index, "") for index in range(size))

    @property
    def unknown(self) -> int:
        """The id that stands for a masked word: the encoder's own mask token."""
        return self._mask

    def read(self, text: str, tokenizer: WordTokenizer, limit: int) -> Encoded:
        """Cut into at most ``limit`` words whose pieces fit the encoder; words are never cut in two."""
        words, encoding = tokenizer(text), self._tokenizer.encode(text)
        special = [bool(flag) for flag in encoding.special_tokens_mask]
        owners = owners_of(encoding.offsets, special, words)
        kept = self._fitting(owners, min(limit, len(words)))
        read = [one for one in zip(encoding.ids, owners, encoding.offsets, strict=True) if one[1] < kept]
        ids, belongs = tuple(i for i, _, _ in read), tuple(owner for _, owner, _ in read)
        unread = {owner for i, owner, _ in read if i == self._unknown}
        tokens = tuple(Token(w.text, w.start, w.end, known=k not in unread) for k, w in enumerate(words[:kept]))
        spans = tuple(spans_of((span for _, _, span in read), belongs))
        return Encoded(tokens, ids, len(words) - kept, belongs, spans)

    def row(self, text: str, tokenizer: WordTokenizer, limit: int) -> list[int]:
        """Return the ids of :meth:`read`."""
        return list(self.read(text, tokenizer, limit).ids)

    def known(self, token: str) -> bool:
        """Say whether ``token`` is one whole piece of the vocabulary."""
        return token in self._ids or token.lower() in self._ids

    def pieces(self, word: str) -> list[int]:
        """Return the ids of a word as it stands inside a text, behind a space."""
        return list(self._tokenizer.encode(f" {word}", add_special_tokens=False).ids)

    @cached_property
    def _whole(self) -> tuple[int, ...]:
        special = {index for index, token in self._tokenizer.get_added_tokens_decoder().items() if token.special}
        spelled = [self._tokenizer.decode([index], skip_special_tokens=False) for index in range(len(self.words))]
        read = self._tokenizer.encode_batch(spelled, add_special_tokens=False)
        return tuple(
            index
            for index, (text, encoding) in enumerate(zip(spelled, read, strict=True))
            if index not in special and text.strip() and encoding.ids == [index]
        )

    def whole(self) -> Sequence[int]:
        """Return the pieces that are read as themselves when they stand alone."""
        return self._whole

    def spelling(self, index: int) -> str:
        """Return a piece as a text may have it, without the tokenizer's marks."""
        return str(self._tokenizer.decode([index], skip_special_tokens=False)).strip()

    def rank(self, index: int) -> int | None:
        """Return ``None``: pieces are in no order of frequency."""
        return None

    def _fitting(self, owners: Sequence[int], words: int) -> int:
        """Return how many of the first ``words`` words fit, with all special tokens."""
        room = self.limit - sum(owner == NO_WORD for owner in owners)
        inside = [owner for owner in owners if NO_WORD < owner < words]
        return words if len(inside) <= room else inside[room]


def spans_of(offsets: Iterable[tuple[int, int]], owners: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield where each piece stands, none before the end of the last one: bytes of one character share its offsets.

    The encoder's own tokens stand at no character, but between those of their neighbours.
    """
    last = 0
    for (start, stop), owner in zip(offsets, owners, strict=True):
        first = last if owner == NO_WORD else max(start, last)
        last = last if owner == NO_WORD else max(stop, last)
        yield first, last


def owners_of(
    offsets: Sequence[tuple[int, int]], special: Sequence[bool], words: Sequence[Token]
) -> tuple[int, ...]:
    """Return the word that each piece covers most (the first on a tie), −1 for special tokens.

    A piece over no word at all, such as a stray mark the word tokenizer leaves out, belongs to the
    word before it, so that the pieces of a word always stand side by side.
    """
    owners, first = [], 0
    for (start, end), apart in zip(offsets, special, strict=True):
        if apart:
            owners.append(NO_WORD)
            continue
        while first < len(words) and words[first].end <= start:
            first += 1
        best, most = max(0, min(first, len(words)) - 1), 0
        index = first
        while index < len(words) and words[index].start < end:
            covered = min(end, words[index].end) - max(start, words[index].start)
            if covered > most:
                best, most = index, covered
            index += 1
        owners.append(best if words else NO_WORD)
    return tuple(owners)
