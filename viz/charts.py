"""What all Altair figures share: quiet axes, theme colours, words as data."""

from __future__ import annotations

from typing import Any

import altair as alt

from models.records import Analysis, Attribution
from viz import markup, palette, scale, wording

Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart


def finish(chart: Any, dark: bool) -> Any:  # noqa: ANN401  # altair's charts share no useful base class
    """Transparent background, muted axes, no frame; ``chart`` is our own and is changed in place.

    One assignment, because every ``configure_…`` call copies the chart with all its data.
    """
    muted, grid, ink = palette.muted(dark), palette.grid(dark), palette.ink(dark)
    chart.config = {
        "background": "transparent",
        "font": '"Source Sans", "Source Sans 3", system-ui, sans-serif',
        "view": {"stroke": None},
        "axis": {
            "labelColor": muted, "titleColor": muted, "gridColor": grid, "domainColor": grid, "tickColor": grid,
            "titleFontWeight": "normal", "labelFontSize": 12, "titleFontSize": 12,
        },
        "title": {"color": ink, "fontSize": 13, "fontWeight": 600, "anchor": "start"},
        "legend": {"labelColor": muted, "titleColor": muted, "titleFontWeight": "normal"},
    }  # fmt: skip
    return chart


def words(analysis: Analysis) -> list[str]:
    """The tokens as they may be shown."""
    return [markup.visible(token.text) or "◦" for token in analysis.tokens]


def axis_title(analysis: Analysis, a: Attribution) -> str:
    """Name and unit of a map: ``Integrated gradients (part of the logit of “negative”)``."""
    return f"{a.title} ({wording.unit_of(analysis, a)})"


def undefined(*maps: Attribution) -> str | None:
    """The sentence that stands where a figure of ``maps`` cannot be, or ``None``."""
    for a in maps:
        if a.scores is None:
            return f"{a.title}: {a.reason}"
        if len(a.scores) < 2:
            return "One word alone has no order to compare: type at least two."
    return None


def table(analysis: Analysis, **maps: Attribution) -> list[dict[str, Any]]:
    """One record per kept token: word, place, and value and rank in each named map.

    Raises:
        ValueError: a map is undefined; ask :func:`undefined` first.
    """
    sentence = undefined(*maps.values())
    if sentence:
        raise ValueError(sentence)
    ranked = {name: scale.ranks(a.scores or ()) for name, a in maps.items()}
    rows = []
    for i, (word, token) in enumerate(zip(words(analysis), analysis.tokens, strict=True)):
        if token.state == "deleted":
            continue
        row: dict[str, Any] = {"word": word, "position": i + 1}
        for name, a in maps.items():
            value = (a.scores or ())[i]
            row |= {name: value, f"{name}_words": wording.number(value, plus=a.signed), f"{name}_rank": ranked[name][i]}
        rows.append(row)
    return rows
