"""Where sentences end, told from the word tokeniser's tokens, English and Chinese alike.

A sentence ends after ``. ! ? …`` or ``。 ！ ？`` and after a run of them (``?!``, ``......``); closing quotes
and brackets that follow belong to it. No end is a full stop inside a token (``U.S.``, ``3.5``, ``e.g.``),
after a title (``Mr.``) or after an initial (``Samuel L. Jackson``). Case is not looked at, so that
lower-cased corpora, look-up keys and the user's own text are cut alike. What this costs: ``at 10 a.m. Then``
is not cut, ``plan b. Then`` neither, and an ellipsis always ends a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import regex

from models.records import Token

_END: Final = regex.compile(r"\.|\.{2,}|[!?…。｡！？‼⁇⁈⁉]")
_CLOSING: Final = frozenset(("''", "”", "’", "»", "」", "』", ")", "]", "}", "）", "］", "】", "》", "〉", "〕"))
_STRAIGHT: Final = '"'
_TITLES: Final = frozenset((
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "lt", "sgt", "capt",
    "col", "gen", "rev", "hon", "gov", "sen", "rep", "mt", "ft",
))  # fmt: skip
_INITIALS: Final = frozenset("bcdefghjklmnopqrstuvwxyz")


def sentence_ends(words: Sequence[str]) -> tuple[int, ...]:
    """Return, for each sentence, the index behind its last token; the last one is ``len(words)``.

    ``words`` are token texts or look-up keys. No word, no sentence: an empty text gives ``()``.
    """
    ends, at, quotes = [], 0, 0
    while at < len(words):
        if words[at] == _STRAIGHT:
            quotes += 1
        if not _ends(words, at):
            at += 1
            continue
        at += 1
        # The run of marks, quotes and brackets that belongs to this end.
        while at < len(words) and (
            _END.fullmatch(words[at]) or words[at] in _CLOSING or (words[at] == _STRAIGHT and quotes % 2)
        ):
            quotes += words[at] == _STRAIGHT
            at += 1
        ends.append(at)
    if words and (not ends or ends[-1] < len(words)):
        ends.append(len(words))
    return tuple(ends)


def segments(words: Sequence[str]) -> tuple[int, ...]:
    """Return the number of the sentence, from 0, in which each token stands."""
    found: list[int] = []
    for number, end in enumerate(sentence_ends(words)):
        found += [number] * (end - len(found))
    return tuple(found)


def sentence_spans(tokens: Sequence[Token]) -> tuple[tuple[int, int], ...]:
    """Return each sentence's character offsets (start, end) in the text that ``tokens`` were cut from."""
    spans, first = [], 0
    for end in sentence_ends([token.text for token in tokens]):
        spans.append((tokens[first].start, tokens[end - 1].end))
        first = end
    return tuple(spans)


def _ends(words: Sequence[str], at: int) -> bool:
    if not _END.fullmatch(words[at]):
        return False
    if words[at] != "." or at == 0 or at + 1 == len(words):
        return True
    before = words[at - 1].lower()
    if before in _TITLES:
        return False
    # After an initial a name goes on: "L. Jackson", but 'vitamin c. "' is an end.
    return not (before in _INITIALS and words[at + 1][:1].isalpha())
