"""Attention against attribution: one point per word."""

from __future__ import annotations

from typing import Any

import altair as alt

from models.records import Analysis, Attribution
from viz import charts, palette

LABELS = 24
_ROOM = alt.Scale(padding=22, nice=False)


def scatter(
    analysis: Analysis,
    x: Attribution,
    y: Attribution,
    size: Attribution | None = None,
    selected: int | None = None,
    place: int = 0,
    dark: bool = False,
    height: int = 420,
) -> alt.LayerChart:
    """Words by their value in two maps; area is the size of ``size`` (usually leave-one-out).

    ``place`` is the reader's place in the palette, ``selected`` the index of the clicked token.
    Raw values with their units; the words furthest from the crowd are labelled, all have
    tooltips. Raises ``ValueError`` where a map is undefined (see ``charts.undefined``).
    """
    third = size if size is not None and size.scores is not None else None
    maps = {"x": x, "y": y} | ({"size": third} if third else {})
    rows = charts.table(analysis, **maps)
    for row in rows:
        row["area"] = abs(row.get("size", 1.0))
        row["chosen"] = row["position"] - 1 == selected
    _label(rows)
    tips = [alt.Tooltip("word:N", title="word"), alt.Tooltip("position:Q", title="position")]
    for name, a in maps.items():
        tips.append(alt.Tooltip(f"{name}_words:N", title=a.title))
        tips.append(alt.Tooltip(f"{name}_rank:Q", title=f"rank in {a.title}"))
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=charts.axis_title(analysis, x), axis=alt.Axis(grid=False, tickCount=6), scale=_ROOM),
        y=alt.Y("y:Q", title=charts.axis_title(analysis, y), axis=alt.Axis(tickCount=6), scale=_ROOM),
        tooltip=tips,
    )
    points = base.mark_circle(color=palette.reader(place, dark), opacity=0.65, stroke=palette.ink(dark)).encode(
        size=alt.Size("area:Q", legend=None, scale=alt.Scale(range=[30, 700], zero=True)),
        strokeWidth=alt.condition("datum.chosen", alt.value(2.5), alt.value(0)),
    )
    names = base.mark_text(align="left", dx=9, dy=-7, fontSize=13, color=palette.ink(dark), limit=160).encode(
        text="label:N", size=alt.value(13)
    )
    layered = alt.layer(points, names, data=alt.InlineData(values=rows)).properties(height=height, width="container")
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def _label(rows: list[dict[str, Any]]) -> None:
    """Label words that stand out in either map, as long as no label would cover another.

    Places are estimated on a canvas of 100 × 30 characters; the selected word is always labelled.
    """
    spans = {}
    for axis in "xy":
        low, high = min(0.0, *(r[axis] for r in rows)), max(0.0, *(r[axis] for r in rows))
        spans[axis] = (low, (high - low) or 1.0)
    taken: list[tuple[float, float, float]] = []
    order = sorted(rows, key=lambda row: (not row["chosen"], min(row["x_rank"], row["y_rank"])))
    for row in order:
        left, line = (scale * (row[a] - spans[a][0]) / spans[a][1] for a, scale in (("x", 75), ("y", 26)))
        right = left + len(row["word"]) + 1.5
        free = all(abs(line - other) >= 1 or right < a or left > b for a, b, other in taken)
        row["label"] = row["word"] if free and len(taken) < LABELS else ""
        if row["label"]:
            taken.append((left, right, line))
