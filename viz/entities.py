"""The two marked words of a relation task: where they are, and how a text gets its marks.

The marks are characters of the user's own text, and tokens of their own; what stands between an
opening mark and its closing one is the entity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.records import Token
from viz.markup import MARKS

_NAMES = {mark: (name, closing) for name, pair in MARKS.items() for closing, mark in enumerate(pair)}


def roles(tokens: Sequence[Token]) -> list[str]:
    """One string of letters per token: ``t`` a mark, ``1`` inside e1, ``2`` inside e2, ``e`` ends an entity.

    An opening mark without its closing one, or with nothing in between, makes no entity.
    """
    found = [""] * len(tokens)
    opened: dict[str, int] = {}
    for place, token in enumerate(tokens):
        name, closing = _NAMES.get(token.text.lower(), ("", 0))
        if not name:
            continue
        found[place] = "t"
        if not closing:
            opened[name] = place
        elif name in opened:
            inside = [i for i in range(opened.pop(name) + 1, place) if found[i] != "t"]
            for i in inside:
                found[i] += name[-1]
            if inside:
                found[inside[-1]] += "e"
    return found


def said(role: str, before: str = "") -> str:
    """``e1``, ``e2`` or both, of a token's letters, after ``before``; empty for a token outside."""
    return "".join(f"{before}{name}" for name in MARKS if name[-1] in role)


def missing(text: str) -> list[str]:
    """The entities that ``text`` does not mark, or marks around nothing."""
    return [name for name in MARKS if not any(map(_bare, re.findall(_around(name), text, re.I | re.S)))]


def sample() -> str:
    """How a text marks its two words, for a sentence that explains it."""
    return " and ".join(f"{opening} word {closing}" for opening, closing in MARKS.values())


def marked(text: str, start: int, end: int, name: str) -> str:
    """Mark ``text[start:end]`` as ``name``; that entity's older marks go, and those of the other around this word."""
    before, word, after = text[:start], text[start:end], text[end:]
    for other, (opening, closing) in MARKS.items():
        around = before.lower().rfind(opening) > before.lower().rfind(closing)
        if other == name or around:
            before, after = _without(before, other), _without(after, other)
    opening, closing = MARKS[name]
    return f"{before}{opening} {word} {closing}{after}"


def _around(name: str) -> str:
    """A pattern whose group is what stands between the marks of ``name``."""
    opening, closing = map(re.escape, MARKS[name])
    return f"{opening}(.*?){closing}"


def _without(text: str, name: str) -> str:
    """``text`` less the marks of one entity and the space each of them brought along."""
    opening, closing = map(re.escape, MARKS[name])
    return re.sub(rf"{opening}\s?|\s?{closing}", "", text, flags=re.IGNORECASE)


def _bare(text: str) -> str:
    """``text`` less all marks and the white space around it."""
    for name in MARKS:
        text = _without(text, name)
    return text.strip()
