"""The small LaTeX of method cards as plain segments, so that a card needs no formula renderer."""

from __future__ import annotations

import re

_SYMBOLS = {
    "cdot": "·", "partial": "∂", "sum": "Σ", "int": "∫", "phi": "φ", "alpha": "α", "setminus": "∖",
    "lVert": "‖", "rVert": "‖", "max": "max", "log": "log", "exp": "exp", "quad": "  ", "times": "×",
    "odot": "⊙", "tanh": "tanh", "sigma": "σ", "lambda": "λ", "tau": "τ", "infty": "∞", "le": "≤",
    "to": "→", "left": "", "right": "", "mid": "|", "in": "∈", "odot ": "⊙", "mathrm": "", "text": "",
    "operatorname": "", "bigl": "", "bigr": "", "sqrt": "√",
}  # fmt: skip
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[{}_^]|[^\\{}_^]+")


def segments(latex: str) -> list[tuple[str, str]]:
    r"""A small LaTeX formula as [(kind, text)], kind "", "sub" or "sup", for plain HTML.

    Knows the commands that method cards use; an unknown command keeps its name.

    >>> segments(r"a_i \cdot h_{id}")
    [('', 'a'), ('sub', 'i'), ('', ' · h'), ('sub', 'id')]
    """
    tokens = _TOKEN.findall(latex)
    found: list[tuple[str, str]] = []
    _parse(tokens, "", found)
    merged: list[tuple[str, str]] = []
    for kind, text in found:
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1] + text)
        elif text:
            merged.append((kind, text))
    return [(kind, re.sub(r" {2,}", "  ", text)) for kind, text in merged]


def _parse(tokens: list[str], kind: str, found: list[tuple[str, str]]) -> None:
    """Consume ``tokens`` up to the end of the group they stand in."""
    while tokens:
        token = tokens.pop(0)
        if token == "}":
            return
        if token == "{":
            _parse(tokens, kind, found)
        elif token in "_^":
            _argument(tokens, "sub" if token == "_" else "sup", found)
        elif token == r"\frac":
            for mark in ("/", ""):
                part: list[tuple[str, str]] = []
                _argument(tokens, kind, part)
                text = "".join(words for _, words in part)
                wide = bool(re.search(r"[-+Σ]", text.strip()))
                found += [(kind, "("), *part, (kind, ")")] if wide else part
                found.append((kind, mark))
        elif token.startswith("\\"):
            name = token[1:]
            found.append((kind, _SYMBOLS.get(name, name) if name.isalpha() else _escaped(name)))
        else:
            found.append((kind, token))


def _escaped(character: str) -> str:
    """LaTeX's escaped characters: spacing disappears, the rest stands for itself."""
    return "" if character in "!;:" else "\u2009" if character == "," else character


def _argument(tokens: list[str], kind: str, found: list[tuple[str, str]]) -> None:
    """One argument: a group, a command, or a single character."""
    while tokens and tokens[0].isspace():
        tokens.pop(0)
    if not tokens:
        return
    token = tokens.pop(0)
    if token == "{":
        _parse(tokens, kind, found)
    elif token.startswith("\\"):
        _parse([token], kind, found)
    else:
        found.append((kind, token[0]))
        if token[1:]:
            tokens.insert(0, token[1:])
