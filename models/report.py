"""An analysis as plain text for a terminal and as a plain record for a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from models.records import Analysis, Attribution
from models.runtime import software

WIDEST_TOKEN = 24


def as_record(analysis: Analysis) -> dict[str, Any]:
    """Return the whole analysis as JSON values, with the versions of the software behind it.

    The classifier's digest stands in ``model.digest``, the arguments in ``request``.
    """
    return asdict(analysis) | {"software": software()}


def as_text(analysis: Analysis) -> str:
    """Return prediction, scores per token, completeness, remarks and the grid of Kendall τ."""
    parts = [_headline(analysis)]
    shown = [a for a in analysis.attributions if a.scores is not None]
    if shown:
        parts.append(_scores(analysis, shown))
    parts += [section for section in (_remarks(analysis), _taus(analysis, shown)) if section]
    return "\n\n".join(parts) + "\n"


def printable(text: str) -> str:
    """Replace what a terminal would obey instead of print."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align rows of cells: the first two columns to the left, numbers to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell + _fill(cell, width) if column < 2 else _fill(cell, width) + cell
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _headline(analysis: Analysis) -> str:
    prediction = analysis.prediction
    chances = ", ".join(
        f"{n} {p:.3f}" for n, p in zip(prediction.labels, prediction.probabilities, strict=True)
    )
    lines = [
        f"{analysis.model.title} ({analysis.model.id}, weights {analysis.model.digest[:12]})",
        f"prediction: {prediction.label}   [{chances}]",
        f"target: {_asked(analysis)}",
    ]
    if analysis.cut:
        lines.append(f"cut: the last {analysis.cut} tokens were not read")
    return "\n".join(lines)


def _asked(analysis: Analysis) -> str:
    request, labels = analysis.request, analysis.prediction.labels
    if request.scalar == "margin":
        return f"the margin of “{labels[analysis.target]}” over the next class"
    over = "" if request.against is None else f" over “{labels[request.against]}”"
    return f"the {request.scalar} of “{labels[analysis.target]}”{over}"


def _scores(analysis: Analysis, shown: Sequence[Attribution]) -> str:
    rows = [["#", "token", *(a.key for a in shown)]]
    for i, token in enumerate(analysis.tokens):
        marks = ("" if token.known else " (unknown)") + ("" if token.state == "kept" else f" ({token.state})")
        text = printable(token.text)
        text = text if len(text) <= WIDEST_TOKEN else text[: WIDEST_TOKEN - 1] + "…"
        rows.append([str(i), text + marks, *(_number(a, i) for a in shown)])
    if any(a.delta is not None for a in shown):
        rows.append(["Δ", "completeness error", *(_delta(a) for a in shown)])
    return table(rows)


def _number(attribution: Attribution, place: int) -> str:
    assert attribution.scores is not None
    value = attribution.scores[place]
    return f"{value:+.4f}" if attribution.signed else f"{value:.4f}"


def _delta(attribution: Attribution) -> str:
    if attribution.delta is None:
        return ""
    if attribution.relative_delta is None:
        return f"{attribution.delta:.1e}"
    return f"{attribution.relative_delta:.2%}"


def _remarks(analysis: Analysis) -> str:
    said = [(a.key, a.reason or a.warning) for a in analysis.attributions if a.reason or a.warning]
    return "\n".join(f"{key}: {sentence}" for key, sentence in said)


def _taus(analysis: Analysis, shown: Sequence[Attribution]) -> str:
    if len(shown) < 2:
        return ""
    tau = {(a.left, a.right): a for a in analysis.agreements if a.metric == "kendall_tau"}
    rows = [["Kendall τ_b", "", *(str(j + 1) for j in range(len(shown)))]]
    for i, left in enumerate(shown):
        cells = ["1" if i == j else _tau(tau, left.key, right.key) for j, right in enumerate(shown)]
        rows.append([left.key, str(i + 1), *cells])
    reasons = sorted(
        {a.reason for a in tau.values() if a.reason and {a.left, a.right} <= {s.key for s in shown}}
    )
    return "\n".join([table(rows), "maps without a sign are compared by size", *reasons])


def _tau(tau: dict[tuple[str, str], Any], left: str, right: str) -> str:
    found = tau.get((left, right)) or tau.get((right, left))
    return "–" if found is None or found.value is None else f"{found.value:.2f}"


def _fill(cell: str, width: int) -> str:
    return " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns a terminal gives to ``text``: two for wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
