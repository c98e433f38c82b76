"""Rank slope chart: how the order of the words changes from one map to another."""

from __future__ import annotations

from typing import Any

import altair as alt

from models.records import Analysis, Attribution
from viz import charts, palette

TOP = 12
_SIDES = alt.Axis(labelAngle=0, domain=False, ticks=False, orient="top", labelLimit=220)


def slope(
    analysis: Analysis,
    left: Attribution,
    right: Attribution,
    top: int = TOP,
    selected: int | None = None,
    place: int = 0,
    dark: bool = False,
    height: int = 420,
) -> alt.LayerChart:
    """Lines from each word's rank on the left to its rank on the right (1 = largest magnitude).

    The ``top`` words of either map are drawn; those that move by a third of the list or more are
    strong, the others faint. Raises ``ValueError`` where a map is undefined.
    """
    rows = charts.table(analysis, left=left, right=right)
    total = len(rows)
    kept = [row for row in rows if min(row["left_rank"], row["right_rank"]) <= top]
    long = [line for row in kept for line in _ends(row, left, right, total, selected)]
    base = alt.Chart().encode(
        x=alt.X("side:N", sort=None, title=None, axis=_SIDES),
        y=alt.Y(
            "rank:Q",
            scale=alt.Scale(reverse=True, nice=False, zero=False, padding=12),
            title=f"rank by magnitude (1 = strongest of {total})",
            axis=alt.Axis(labels=False, grid=False, ticks=False, domain=False),
        ),
        opacity=alt.Opacity("strength:Q", scale=None),
    )
    colour, ink = palette.reader(place, dark), palette.ink(dark)
    lines = base.mark_line(point={"size": 45, "color": colour}, color=colour).encode(
        detail="position:N",
        strokeWidth=alt.StrokeWidth("width:Q", scale=None),
        tooltip=[
            alt.Tooltip("word:N"),
            alt.Tooltip("before:Q", title=left.title),
            alt.Tooltip("after:Q", title=right.title),
        ],
    )
    before = base.mark_text(align="right", dx=-10, fontSize=13, color=ink, limit=120).encode(text="near:N")
    after = base.mark_text(align="left", dx=10, fontSize=13, color=ink, limit=120).encode(text="far:N")
    layered = alt.layer(lines, before, after, data=alt.InlineData(values=long))
    finished: alt.LayerChart = charts.finish(layered.properties(height=height, width="container"), dark)
    return finished


def _ends(
    row: dict[str, Any], left: Attribution, right: Attribution, total: int, selected: int | None
) -> list[dict[str, Any]]:
    """The two ends of one word's line."""
    before, after = row["left_rank"], row["right_rank"]
    chosen = row["position"] - 1 == selected
    common = {
        "word": row["word"],
        "position": row["position"],
        "before": before,
        "after": after,
        "strength": 1.0 if chosen or abs(before - after) * 3 >= total else 0.5,
        "width": 4.0 if chosen else 1.8,
    }
    first = {"side": left.title, "rank": before, "near": f"{row['word']}  {before}", "far": ""}
    second = {"side": right.title, "rank": after, "near": "", "far": f"{after}  {row['word']}"}
    return [common | first, common | second]
