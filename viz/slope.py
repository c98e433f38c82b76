"""Rank slope chart: how the order of the words changes from one map to another."""

from __future__ import annotations

from typing import Any

import altair as alt

from models.records import Analysis, Attribution
from viz import charts, palette

TOP = 12


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
    label = f"rank by magnitude (1 = strongest of {total})"
    strong = alt.condition("datum.strong", alt.value(1.0), alt.value(0.35))
    base = alt.Chart(alt.InlineData(values=long)).encode(
        x=alt.X("side:N", sort=None, title=None, axis=alt.Axis(labelAngle=0, domain=False, ticks=False, orient="top")),
        y=alt.Y(
            "rank:Q",
            scale=alt.Scale(reverse=True, nice=False, padding=12),
            title=label,
            axis=alt.Axis(tickMinStep=1, grid=False),
        ),
        tooltip=[
            alt.Tooltip("word:N"),
            alt.Tooltip("before:Q", title=left.title),
            alt.Tooltip("after:Q", title=right.title),
        ],
    )
    lines = base.mark_line(point={"size": 45}, color=palette.reader(place, dark)).encode(
        detail="position:N",
        opacity=strong,
        strokeWidth=alt.condition("datum.chosen", alt.value(4), alt.value(1.8)),
    )
    text: dict[str, Any] = {"fontSize": 13, "color": palette.ink(dark), "limit": 120}
    before = base.transform_filter(alt.datum.end == 0).mark_text(align="right", dx=-10, **text)
    after = base.transform_filter(alt.datum.end == 1).mark_text(align="left", dx=10, **text)
    names = [layer.encode(text="label:N", opacity=strong) for layer in (before, after)]
    layered = alt.layer(lines, *names).properties(height=height, width="container")
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def _ends(
    row: dict[str, Any], left: Attribution, right: Attribution, total: int, selected: int | None
) -> list[dict[str, Any]]:
    """The two ends of one word's line."""
    before, after = row["left_rank"], row["right_rank"]
    common = {
        "word": row["word"],
        "position": row["position"],
        "before": before,
        "after": after,
        "chosen": row["position"] - 1 == selected,
        "strong": abs(before - after) * 3 >= total or row["position"] - 1 == selected,
    }
    first = {"side": left.title, "rank": before, "end": 0, "label": f"{row['word']}  {before}"}
    second = {"side": right.title, "rank": after, "end": 1, "label": f"{after}  {row['word']}"}
    return [common | first, common | second]
