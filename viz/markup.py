"""The only file that writes ``<``: escaping, and the few tags everything else is made of."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping

# Explicit embeddings, overrides and isolates reorder what follows them and could disguise a text;
# they are named instead. Plain marks (LRM, RLM, ALM) and joiners are part of normal writing.
_BIDI = {
    0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO",
    0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
}  # fmt: skip
_CONTROLS = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
]  # fmt: skip
# Named in brackets rather than by U+2400 pictures, which few fonts can draw.
_VISIBLE: dict[int, str] = {
    **{code: f"⟦{name}⟧" for code, name in enumerate(_CONTROLS) if code not in (0x09, 0x0A)},
    0x7F: "⟦DEL⟧",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **{code: f"⟦{name}⟧" for code, name in _BIDI.items()},
    0x2028: "\n",
    0x2029: "\n",
    0xFEFF: "",
    **dict.fromkeys(range(0xFDD0, 0xFDF0), "\ufffd"),
    **{plane << 16 | low: "\ufffd" for plane in range(17) for low in (0xFFFE, 0xFFFF)},
}
_SURROGATE = re.compile("[\ud800-\udfff]")
# What a relation task writes around its two words: characters of the text, never tags of the page.
MARKS: Mapping[str, tuple[str, str]] = {"e1": ("<e1>", "</e1>"), "e2": ("<e2>", "</e2>")}


def visible(text: str) -> str:
    """``text`` with every character that cannot be shown made visible, in plain text.

    Control characters and explicit bidirectional controls become their names (⟦NUL⟧, ⟦RLO⟧),
    lone surrogates and non-characters U+FFFD; CR LF becomes a line feed.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", text.translate(_VISIBLE))


def escape(text: object) -> str:
    """Any value as HTML or XML text, safe between tags and inside a quoted attribute."""
    return html.escape(visible(str(text)), quote=True)


def direction(text: str) -> str:
    """``rtl`` or ``ltr``, by the first character that has a direction (Unicode rule P2)."""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


class Markup(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def attributes(values: Mapping[str, object]) -> str:
    """`` name="value"`` for every value that is not ``None``; a trailing underscore is dropped."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in values.items()
        if value is not None
    )


def tag(name: str, /, *children: object, **values: object) -> Markup:
    """An element; children that are not :class:`Markup` are escaped.

    >>> tag("b", "a < b", class_="x")
    '<b class="x">a &lt; b</b>'
    """
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{attributes(values)}>{inner}</{name}>")


def void(name: str, /, **values: object) -> Markup:
    """An element without content, written so that HTML and XML both accept it."""
    return Markup(f"<{name}{attributes(values)}/>")


def join(parts: Iterable[Markup], between: str = "") -> Markup:
    """Concatenate markup, with an escaped separator."""
    return Markup(escape(between).join(parts))


def isolate(text: str, **values: object) -> Markup:
    """User text whose direction is settled by itself and does not leak into its surroundings."""
    return tag("bdi", text, dir=direction(text), **values)


def style(css: str) -> Markup:
    """A style element for our own CSS; refuses text that could end it early."""
    if "</" in css:
        raise ValueError("CSS must not contain '</'")
    return Markup(f"<style>{css}</style>")


def document(title: str, css: str, *body: Markup) -> str:
    """A complete HTML page that asks for nothing from outside."""
    head = join(
        (
            void("meta", charset="utf-8"),
            void("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", title),
            style(css),
        )
    )
    page = tag("html", tag("head", head), tag("body", *body), lang="en")
    return f"<!doctype html>\n{page}\n"
