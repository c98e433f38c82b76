"""Where each word of a text stands in a picture of a given width, without asking a browser.

An SVG has no line breaking, so widths are estimated: the advance widths of the common
sans-serif metrics for ASCII, one em for full-width characters, about a quarter more for emoji.
Right-to-left words are put in visual order by a small part of the Unicode bidirectional
algorithm (word level, one embedding).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from models.records import Token
from viz import markup

# Advance widths (1/1000 em) of U+0020..U+007E in Arial, Helvetica and Liberation Sans.
_ASCII = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
EMOJI, CJK, SCRIPT, LATIN = "emoji", "cjk", "script", "latin"
_EMOJI_EM = 1.28
_JOINER = "\u200d"
PAD = 2.5
HANGING = frozenset(".,;:!?…)]}»”’。，、；：！？）」』،؛؟")


@dataclass(frozen=True, slots=True)
class Item:
    """One drawn piece: ``text`` at ``x`` with ``width``; ``index`` of its token, ``None`` for a gap."""

    text: str
    x: float
    width: float
    index: int | None


def kind(character: str) -> str:
    """Which family of fonts draws ``character``: emoji, cjk, latin or (any other) script."""
    code = ord(character)
    if code in (0xFE0F, 0x200D, 0x20E3) or 0x1F000 <= code <= 0x1FBFF or 0xE0020 <= code <= 0xE007F:
        return EMOJI
    if unicodedata.east_asian_width(character) in "WF":
        symbol = unicodedata.category(character) == "So" and code < 0x2E80
        return EMOJI if symbol else CJK
    return LATIN if code < 0x0590 or 0x1E00 <= code <= 0x206F or code == 0x2212 else SCRIPT


def runs(text: str) -> list[tuple[str, str]]:
    """Cut ``text`` into (kind, piece) so that each piece can name its own fonts.

    What a joiner or a variation selector ties to an emoji belongs to that emoji.
    """
    found: list[tuple[str, str]] = []
    for place, character in enumerate(text):
        which = kind(character)
        follows = text[place + 1 : place + 2]
        joined = text[place - 1 : place] == _JOINER or unicodedata.combining(character)
        tied = bool(found) and found[-1][0] == EMOJI and joined
        if tied or (which != EMOJI and follows in ("\ufe0f", "\u20e3")):
            which = EMOJI
        elif found and unicodedata.combining(character):
            which = found[-1][0]
        if found and found[-1][0] == which:
            found[-1] = (which, found[-1][1] + character)
        else:
            found.append((which, character))
    return found


def width(text: str, size: float) -> float:
    """Estimated advance width of ``text`` in pixels at font size ``size``."""
    return size * sum(_emoji(piece) if which == EMOJI else _letters(piece) for which, piece in runs(text))


def _letters(text: str) -> float:
    total = 0.0
    for character in text:
        code = ord(character)
        if 0x20 <= code <= 0x7E:
            total += _ASCII[code - 0x20] / 1000
        elif unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
            continue
        else:
            total += 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6
    return total


def _emoji(text: str) -> float:
    """One picture per sequence: joined, modified and paired characters count once."""
    pictures, flags, previous = 0.0, 0, ""
    for character in text:
        code = ord(character)
        if 0x1F1E6 <= code <= 0x1F1FF:
            flags += 1
        elif not (
            previous == _JOINER
            or code in (0x200D, 0xFE0F, 0x20E3)
            or 0x1F3FB <= code <= 0x1F3FF
            or 0xE0020 <= code <= 0xE007F
        ):
            pictures += 1
        previous = character
    return _EMOJI_EM * max(1.0, pictures + (flags + 1) // 2)


def lines(text: str, tokens: Sequence[Token], size: float, limit: float) -> list[list[Item]]:
    """Wrap the user's own text to ``limit`` pixels, keeping its line breaks and gaps.

    Returns lines of items with their x; a paragraph that starts right-to-left is set from the right.
    """
    base = markup.direction(text)
    rows: list[list[tuple[str, float, int | None]]] = [[]]
    used = 0.0
    for gap, word, index in _pieces(text, tokens, size, limit):
        for place, part in enumerate(gap.split("\n")):
            if place:
                rows.append([])
                used = 0.0
            wide = width(part.replace("\t", "    "), size)
            if part and (rows[-1] or part.strip()):
                rows[-1].append((part, wide, None))
                used += wide
        wide = width(word, size) + 2 * PAD
        glued = not gap and rows[-1] and not _breakable(word, rows[-1][-1][0])
        if word in HANGING and used + wide <= limit + size:
            glued = True
        if used + wide > limit and rows[-1] and not glued:
            if rows[-1][-1][2] is None and not rows[-1][-1][0].strip():
                rows[-1].pop()
            rows.append([])
            used = 0.0
        rows[-1].append((word, wide, index))
        used += wide
    return [_placed(row, base, limit) for row in rows]


def _breakable(word: str, before: str) -> bool:
    """Whether a line may break between two words without a gap: in full-width text, or before letters."""
    wide = (CJK, EMOJI)
    return kind(word[:1]) in wide or kind(before[-1:]) in wide or word[:1].isalnum()


def _pieces(text: str, tokens: Sequence[Token], size: float, limit: float) -> list[tuple[str, str, int]]:
    """(gap, word, token index); a word wider than the page comes in several pieces."""
    found, position = [], 0
    for index, token in enumerate(tokens):
        gap = markup.visible(text[position : token.start])
        word = markup.visible(token.text) or "◦"
        position = max(position, token.end)
        most = max(1, int(len(word) * limit / max(width(word, size) + 2 * PAD, 1)))
        chunks = [word] if most >= len(word) else [word[i : i + most] for i in range(0, len(word), most)]
        found += [(gap if i == 0 else "", chunk, index) for i, chunk in enumerate(chunks)]
    return found


def _strong(text: str) -> str | None:
    """``L``, ``R`` or ``None`` for text without a direction of its own."""
    for character in text:
        found = unicodedata.bidirectional(character)
        if found in ("R", "AL"):
            return "R"
        if found == "L":
            return "L"
    return None


def _placed(row: list[tuple[str, float, int | None]], base: str, limit: float) -> list[Item]:
    """Reorder one line for the eye and give each piece its x."""
    other = "L" if base == "rtl" else "R"
    order = list(row)
    # Runs against the base direction, including the neutral pieces between them, are reversed.
    start = None
    for place in range(len(order) + 1):
        against = place < len(order) and _strong(order[place][0]) == other
        if against and start is None:
            start = place
        if start is not None and not against:
            neutral = place < len(order) and _strong(order[place][0]) is None
            more = any(_strong(piece[0]) == other for piece in _until_base(order, place, other))
            if neutral and more:
                continue
            order[start:place] = order[start:place][::-1]
            start = None
    if base == "rtl":
        order.reverse()
    x = limit - sum(piece[1] for piece in order) if base == "rtl" else 0.0
    placed = []
    for text, wide, index in order:
        placed.append(Item(text, x, wide, index))
        x += wide
    return placed


def _until_base(
    order: list[tuple[str, float, int | None]], place: int, other: str
) -> list[tuple[str, float, int | None]]:
    """The pieces from ``place`` up to the next one in the base direction."""
    found = []
    for piece in order[place:]:
        if _strong(piece[0]) not in (None, other):
            break
        found.append(piece)
    return found
