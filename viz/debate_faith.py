"""Faithfulness on the screen: every map beside its floors, in one chart and one table; plausibility below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from models.experiment_records import Faithfulness, FaithRow, Sampled
from viz import charts, palette, wording
from viz.markup import Markup, join, style, tag
from viz.rowtable import CSS as ROWS_CSS
from viz.rowtable import row_table

COLUMNS = (
    "map", "comprehensiveness", "sufficiency", "log-odds", "flips after", "soft comprehensiveness", "soft sufficiency",
    "infidelity", "max-sensitivity",
)  # fmt: skip
CSS = ".ps-rows tr.faint{opacity:.6}.ps-rows .why{font-size:.8125rem}"


def faith_chart(found: Faithfulness, place: int = 0, dark: bool = False) -> alt.LayerChart:
    """Comprehensiveness of every map on one axis: random maps as a band, the range over operators as a line."""
    rows = [_point(row) for row in found.rows if row.comprehensiveness is not None]
    names = [row["map"] for row in rows]
    ends = [value for row in rows for value in (row["at"], row["low"], row["high"])]
    low, high = min(*ends, *found.random_band), max(*ends, *found.random_band)
    room = 0.05 * (high - low or 1)
    scale = alt.Scale(domain=[low - room, high + room], nice=False)
    x = alt.X("at:Q", title=f"comprehensiveness: probability of “{found.label}” lost", scale=scale,
              axis=alt.Axis(tickCount=6))  # fmt: skip
    y = alt.Y("map:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=190, offset=6))
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, tooltip=[
        alt.Tooltip("map:N"), alt.Tooltip("at:Q", format=".3f", title="comprehensiveness"), alt.Tooltip("said:N"),
    ])  # fmt: skip
    band = alt.Chart(alt.InlineData(values=[{"from": found.random_band[0], "to": found.random_band[1]}])).mark_rect(
        color=palette.muted(dark), opacity=0.16
    ).encode(x=alt.X("from:Q", scale=scale), x2="to:Q")
    colour = palette.reader(place, dark)
    rule = base.mark_rule(color=colour, strokeWidth=2, opacity=0.45).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    full = base.transform_filter("datum.beyond").mark_point(size=95, filled=True, opacity=1, color=colour).encode(x=x)
    hollow = base.transform_filter("!datum.beyond").mark_point(
        size=85, filled=False, strokeWidth=1.6, color=palette.muted(dark)
    ).encode(x=x)
    layered = alt.layer(band, rule, hollow, full).properties(width="container", height=alt.Step(25))
    done: alt.LayerChart = charts.finish(layered, dark)
    return done


def faith_rows(found: Faithfulness) -> list[dict[str, object]]:
    """The table as plain words."""
    return [
        {
            "map": row.title,
            "comprehensiveness": _number(row.comprehensiveness),
            "sufficiency": _number(row.sufficiency),
            "log-odds": _number(row.log_odds),
            "flips after": "" if row.comprehensiveness is None or not row.followed else _flip(row.flip),
            "soft comprehensiveness": _sampled(row.soft_comprehensiveness),
            "soft sufficiency": _sampled(row.soft_sufficiency),
            "infidelity": _ranged(row.infidelity, row.infidelity_range),
            "max-sensitivity": "" if row.sensitivity is None else wording.number(row.sensitivity),
        }
        for row in found.rows
    ]


def faith_html(found: Faithfulness) -> str:
    """The same as a table, without columns that were left out; maps no better than chance are faint and say so."""
    told = faith_rows(found)
    columns = [name for name in COLUMNS if any(said[name] for said in told)]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in columns)))
    body: list[Markup] = []
    for row, said in zip(found.rows, told, strict=True):
        if row.comprehensiveness is None:
            body.append(tag("tr", tag("th", row.title, scope="row"),
                            tag("td", row.reason, class_="why", colspan=len(columns) - 1), class_="faint"))  # fmt: skip
            continue
        idle = row.kind == "map" and not row.beyond
        name = f"{row.title} (no better than chance)" if idle else row.title
        cells = [tag("td", said[column], data_name=column) for column in columns[1:]]
        body.append(tag("tr", tag("th", name, scope="row"), *cells, class_="faint" if idle else None))
    return join((style(ROWS_CSS + CSS), tag("table", head, tag("tbody", *body), class_="ps-rows")))


def cost_words(found: Faithfulness) -> str:
    """What was read for it."""
    low, high = (wording.number(end) for end in found.random_band)
    return (
        f"{found.forwards:,} texts were read for this page, {found.reused:,} had been read before and were reused. "
        f"Random maps reach {low} to {high} (middle 90 % of {found.random})."
    )


def plausible_html(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """AUPRC, token-F1 and IOU per map, or the sentence that says what is missing."""
    reason = next((found["reason"] for _, found in rows if found["reason"]), None)
    if reason is not None:
        return tag("p", str(reason))
    return row_table([
        {
            "map": title, "AUPRC": f"{found['auprc']:.2f}", "by chance": f"{found['base']:.2f}",
            "token-F1": f"{found['token_f1']:.2f}", "IOU": f"{found['iou']:.2f}",
            "IOU ≥ .5": "yes" if found["found"] else "no",
        }
        for title, found in rows
    ], ("map", "AUPRC", "by chance", "token-F1", "IOU", "IOU ≥ .5"))  # fmt: skip


def _point(row: FaithRow) -> dict[str, Any]:
    at = row.comprehensiveness
    low, high = row.spread or (at, at)
    return {
        "map": row.title, "at": at, "low": low, "high": high, "beyond": row.kind != "map" or row.beyond,
        "said": "floor or oracle" if row.kind != "map" else "above chance" if row.beyond else "no better than chance",
    }  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else wording.number(value)


def _flip(part: float | None) -> str:
    return "never" if part is None else wording.percent(part)


def _sampled(found: Sampled | None) -> str:
    if found is None:
        return ""
    return f"{wording.number(found.mean)} [{wording.number(found.low)}, {wording.number(found.high)}]"


def _ranged(value: float | None, ends: tuple[float, float] | None) -> str:
    if value is None:
        return ""
    return wording.number(value) + ("" if ends is None else f" [{wording.number(ends[0])}, {wording.number(ends[1])}]")
