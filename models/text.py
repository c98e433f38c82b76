"""Text to tokens with character offsets in the user's own text, and words to ids.

The tokeniser cuts, it never rewrites: ``token.text == text[token.start:token.end]``. Lower-casing
and the like happen only in the look-up key, so the screen can always show what was typed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import regex

from models.errors import PoolScopeError
from models.records import Token

PAD: Final = 0
UNK: Final = 1
PAD_WORD: Final = "<pad>"
UNK_WORD: Final = "<unk>"

# Letters that stand in words; Han characters are tokens of their own, since Chinese has no spaces.
_W = r"[[\p{L}\p{M}\p{N}_]--\p{Han}]"
# A link ends at white space, at what is invisible, and where Chinese or Japanese goes on without a space.
_LINK = r"[^\s\p{Cc}\p{Cf}\p{Cs}\p{Han}\p{Hiragana}\p{Katakana}\u3000-\u303F\uFF00-\uFFEF]"
_CLITIC = r"(?:s|re|ve|ll|d|m)"
_PATTERN: Final = regex.compile(
    rf"""
      [a-z]+(?![\w\p{{M}}'’.-]|://)                         # a plain word: most tokens take this short way
    | </?e[12]>                                           # the marks of a relation's two entities
    | https?://{_LINK}+                                   # a link is one token
    | [0-9\#*]\uFE0F?\u20E3                               # a keycap is no number and no tag
    | [@\#]{_W}+                                          # user names and tags
    | (?:\p{{L}}\.){{2,}}                                 # U.S. and the like
    | \d+(?:[.,:/]\d+)+                                   # 3.5  10,000  4/10
    | (?={_W}+['’]t(?!{_W})){_W}+?(?=n['’]t)              # do|n't, as the Penn Treebank cuts it
    | n['’]t(?!{_W})
    | ['’]{_CLITIC}(?!{_W})                               # it|'s
    | {_W}+(?:-{_W}+)*(?:['’](?!{_CLITIC}(?!{_W})){_W}+)* # words, well-made, o'clock
    | \p{{Han}}
    | \.{{2,}} | -{{2,}} | `` | ''                        # ellipsis, dash, Treebank quotes
    | [!-/:-@\[-`{{-~](?![\p{{M}}\p{{Cf}}])                 # one mark of ASCII punctuation, the common case
    | [\U0001F1E6-\U0001F1FF]{{2}}                          # a flag; \X would take quadratic time for many
    | (?!\s)\X                                           # else one visible character (emoji stay whole)
    """,
    regex.VERBOSE | regex.VERSION1 | regex.IGNORECASE,
)
_INVISIBLE: Final = regex.compile(r"[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\s]+")


class WordTokenizer:
    """Cut text into words, clitics, punctuation, Han characters and whole emoji.

    English follows the Penn Treebank's clitics (``do|n't``, ``it|'s``), which the Stanford
    Sentiment Treebank uses; white space, control and format characters are in no token, but for
    the joiners inside an emoji.
    """

    name = "word"

    def __call__(self, text: str) -> tuple[Token, ...]:
        """Return the tokens of ``text`` in order; an empty tuple when nothing visible is there."""
        return tuple(
            Token(piece, match.start(), match.end())
            for match in _PATTERN.finditer(text)
            if _is_visible(piece := match.group())
        )

    def words(self, text: str) -> list[str]:
        """Return the look-up keys only: the fast road for whole corpora."""
        return [lookup_key(piece) for piece in _PATTERN.findall(text) if _is_visible(piece)]


def _is_visible(piece: str) -> bool:
    # Printable ASCII, nearly everything in English, needs no look at character classes.
    return (piece.isascii() and piece.isprintable()) or not _INVISIBLE.fullmatch(piece)


@lru_cache(maxsize=100_000)
def lookup_key(text: str) -> str:
    """Return the vocabulary key of a token: lower case, straight apostrophes, links as ``http``.

    Accents typed as marks of their own (a Mac's file names, some keyboards) are composed, so that
    one word has one key.
    """
    key = unicodedata.normalize("NFC", text.lower()).replace("’", "'")
    if key.startswith(("http://", "https://")):
        return "http"
    return '"' if key in {"``", "''", "“", "”"} else key


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as the classifier reads it: words, ids, and how many words were cut off the end.

    ``owners`` has the word's index for each id: a word may be several pieces, and an id of the
    encoder's own ([CLS], [SEP]) belongs to no word and has −1. ``spans`` are the offsets (start, end) of
    each id in the text where ids are pieces of words, ``None`` where every id is a word.
    """

    tokens: tuple[Token, ...]
    ids: tuple[int, ...]
    cut: int
    owners: tuple[int, ...]
    spans: tuple[tuple[int, int], ...] | None = None


class Vocabulary:
    """Words and their ids: 0 is padding, 1 the unknown word, then words by falling frequency."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take the words in id order, without the two reserved ones in front."""
        self.words: tuple[str, ...] = (PAD_WORD, UNK_WORD, *words)
        self._ids = {word: index for index, word in enumerate(self.words)}
        if len(self._ids) != len(self.words):
            raise PoolScopeError("the vocabulary lists a word twice; every word must stand in it once")

    @classmethod
    def build(
        cls, texts: Iterable[str], tokenizer: WordTokenizer, *, min_count: int = 1, max_size: int = 20_000
    ) -> Vocabulary:
        """Count the training texts' words and keep the most frequent that occur ``min_count`` times.

        ``max_size`` counts the two reserved words too.
        """
        counts = Counter(word for text in texts for word in tokenizer.words(text))
        # Ties are ordered by the word itself, so that the same texts always give the same ids.
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [word for word, count in ranked if count >= min_count and word not in {PAD_WORD, UNK_WORD}]
        return cls(kept[: max(0, max_size - 2)])

    def __len__(self) -> int:
        """Count the words, the two reserved ones included."""
        return len(self.words)

    def known(self, token: str) -> bool:
        """Say whether the word of ``token`` was seen in training often enough to have an entry."""
        return self._ids.get(lookup_key(token), UNK) > UNK

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Map tokens (any case) to ids, unknown ones to ``UNK``."""
        return [self._id(lookup_key(token)) for token in tokens]

    def encode_keys(self, keys: Iterable[str]) -> list[int]:
        """Map look-up keys, as ``WordTokenizer.words`` gives them, to ids."""
        return [self._id(key) for key in keys]

    @property
    def unknown(self) -> int:
        """The id that stands for a masked word."""
        return UNK

    def pieces(self, word: str) -> list[int]:
        """Return the ids that one word is read as, unknown ones included."""
        return self.encode([word])

    def whole(self) -> Sequence[int]:
        """Return the ids that are words by themselves, the reserved ones left out, in their order."""
        return range(UNK + 1, len(self.words))

    def spelling(self, index: int) -> str:
        """Return the word of an id as a text may have it."""
        return self.words[index]

    def rank(self, index: int) -> int | None:
        """Return the place of an id by frequency, 1 the most frequent, where the ids have that order."""
        return index - UNK

    def read(self, text: str, tokenizer: WordTokenizer, limit: int) -> Encoded:
        """Cut ``text`` into at most ``limit`` words, one id each."""
        found = tokenizer(text)
        ids = tuple(self.encode(token.text for token in found[:limit]))
        tokens = tuple(
            token if i != UNK else replace(token, known=False) for token, i in zip(found[:limit], ids, strict=True)
        )
        return Encoded(tokens, ids, len(found) - len(ids), tuple(range(len(ids))))

    def row(self, text: str, tokenizer: WordTokenizer, limit: int) -> list[int]:
        """Return the ids of :meth:`read` alone: the fast road for whole corpora."""
        return self.encode_keys(tokenizer.words(text)[:limit])

    def _id(self, key: str) -> int:
        # The reserved words themselves, typed by a user, are ordinary unknown words.
        index = self._ids.get(key, UNK)
        return index if index > UNK else UNK
