"""Twins on the screen: a matrix of distances, the curve of adversaries, accuracies beside the seeds' band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from viz import charts, palette, wording
from viz.markup import Markup, join, style, tag

MOST = math.log(2)
# The end of the axis of distances; points nearer than this, in parts of the picture, share a label.
AXIS = 0.72
CROWDED = 0.06
CSS = """
.ps-cross{display:flex;flex-wrap:wrap;gap:1.2rem 2.4rem}.ps-cross table{border-collapse:separate;border-spacing:2px;
font-size:.8125rem;font-variant-numeric:tabular-nums}.ps-cross caption{text-align:left;padding-bottom:.3rem;opacity:.8}
.ps-cross th{font-weight:500;padding:.25rem .45rem;text-align:left;white-space:nowrap}
.ps-cross td{padding:.3rem .45rem;text-align:right;border-radius:.25rem;min-width:2.9rem}
@media(max-width:40rem){.ps-cross th,.ps-cross td{padding:.2rem .22rem;min-width:0;font-size:.75rem}}
"""


@dataclass(frozen=True, slots=True)
class Spot:
    """One reader in the plane of distances: ``jsd`` of the attention, ``tvd`` of the answers, what to call it."""

    name: str
    jsd: float
    tvd: float


@dataclass(frozen=True, slots=True)
class Scored:
    """One reader's accuracy on the test texts; ``first`` marks the one that the others are held against."""

    name: str
    accuracy: float
    first: bool = False


def crossed_html(
    names: Sequence[str], jsd: Sequence[Sequence[float]], tau: Sequence[Sequence[float | None]]
) -> str:
    """Two matrices over the same readers: JSD from 0 to ln 2, one hue; τ from −1 to 1, signed."""
    body = (
        _matrix("Distance of the attentions (JSD; 0 the same, .693 no word shared)", names, [
            [(wording.number(value), _css(value, MOST, False)) for value in row] for row in jsd
        ]),
        _matrix("Order of the words (Kendall's τ; 1 the same, 0 unrelated, −1 reversed)", names, [
            [(wording.tau(value), _css(value, 1.0, True)) for value in row] for row in tau
        ]),
    )  # fmt: skip
    css = f"{CSS}.ps-cross{{{palette.stylesheet()}}}"
    return join((style(css), tag("div", *body, class_="ps-cross")))


def curve_chart(
    means: Sequence[Spot], seeds: Sequence[Spot], here: Spot, chosen: str, place: int = 0, dark: bool = False,
    height: int = 320,
) -> alt.LayerChart:  # fmt: skip
    """Test-set means in the order given, joined; seeds as crosses; this text's own point beside them."""
    top = max([here.tvd, *(spot.tvd for spot in (*means, *seeds))], default=0.0)
    x = alt.X("jsd:Q", title="distance of the attention from the reader's (JSD, at most .693)",
              scale=alt.Scale(domain=[0, AXIS], nice=False), axis=alt.Axis(tickCount=7))  # fmt: skip
    y = alt.Y("tvd:Q", title="change of the answers (TVD)", axis=alt.Axis(tickCount=5),
              scale=alt.Scale(domain=[0, max(0.05, 1.15 * top)], nice=False))  # fmt: skip
    tips = [alt.Tooltip("name:N", title="reader"), alt.Tooltip("jsd:Q", format=".3f", title="JSD"),
            alt.Tooltip("tvd:Q", format=".3f", title="TVD")]  # fmt: skip
    colour, muted, ink = palette.reader(place, dark), palette.muted(dark), palette.ink(dark)
    labels = _labels(means, max(0.05, 1.15 * top))
    mean = alt.Chart(alt.InlineData(values=[
        _row(spot) | {"kind": "mean", "order": n, "now": spot.name == chosen, "label": labels[n]}
        for n, spot in enumerate(means)
    ])).encode(x=x, y=y, tooltip=tips)  # fmt: skip
    line = mean.mark_line(color=colour, opacity=0.5).encode(order="order:Q")
    dots = mean.mark_circle(color=colour, opacity=1).encode(size=alt.Size(
        "now:N", scale=alt.Scale(domain=[False, True], range=[60, 190]), legend=None
    ))  # fmt: skip
    # Above and below by turns: neighbours would write over each other.
    above, below = (
        mean.transform_filter(f"datum.order % 2 == {odd}").mark_text(dy=dy, fontSize=12, color=ink).encode(
            text="label:N"
        )
        for odd, dy in ((0, -14), (1, 16))
    )
    layers = [line, dots, above, below]
    if seeds:
        others = alt.Chart(alt.InlineData(values=[_row(spot) | {"kind": "seed"} for spot in seeds]))
        layers.append(others.mark_point(shape="cross", color=muted, filled=True, size=70, opacity=0.9).encode(
            x=x, y=y, tooltip=tips
        ))  # fmt: skip
    own = alt.Chart(alt.InlineData(values=[_row(here) | {"kind": "here", "said": "this text"}]))
    diamond = own.mark_point(
        shape="diamond", size=190, filled=True, opacity=1, color="#f0a562" if dark else "#b8571a"
    ).encode(x=x, y=y, tooltip=tips)
    right = here.jsd > 0.55
    label = own.mark_text(
        align="right" if right else "left", dx=-12 if right else 12, dy=1, fontSize=12, fontWeight=600, color=ink
    ).encode(x=x, y=y, text="said:N")
    finished: alt.LayerChart = charts.finish(
        alt.layer(*layers, diamond, label).properties(width="container", height=height), dark
    )
    return finished


def accuracy_chart(
    rows: Sequence[Scored], band: tuple[float, float] | None, place: int = 0, dark: bool = False
) -> alt.LayerChart:
    """A dot per reader; the band is what seeds alone differ by. The axis does not begin at 0, and says so."""
    ends = [*(row.accuracy for row in rows), *(band or ())]
    gap = max(0.01, 0.15 * (max(ends) - min(ends)))
    scale = alt.Scale(domain=[max(0.0, min(ends) - gap), min(1.0, max(ends) + gap)], nice=False, zero=False)
    axis = alt.Axis(format=".1%", tickCount=4, labelOverlap=True, title="test accuracy (axis not from 0)")
    x = alt.X("accuracy:Q", axis=axis, scale=scale)
    values = [{"name": row.name, "accuracy": row.accuracy, "first": row.first} for row in rows]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("name:N", sort=None, title=None,
                axis=alt.Axis(ticks=False, domain=False, labelLimit=200, offset=8, grid=True)),
        tooltip=[alt.Tooltip("name:N", title="reader"), alt.Tooltip("accuracy:Q", format=".1%")],
    )  # fmt: skip
    colours = alt.Scale(domain=[True, False], range=[palette.reader(place, dark), palette.muted(dark)])
    dots = base.mark_circle(size=130, opacity=1).encode(x=x, color=alt.Color("first:N", scale=colours, legend=None))
    text = base.mark_text(dy=-13, fontSize=12, color=palette.ink(dark)).encode(
        x=x, text=alt.Text("accuracy:Q", format=".1%")
    )
    layers = [dots, text]
    if band is not None:
        between = alt.Chart(alt.InlineData(values=[{"low": band[0], "high": band[1]}]))
        layers.insert(0, between.mark_rect(color=palette.muted(dark), opacity=0.18).encode(
            x=alt.X("low:Q", axis=axis, scale=scale), x2="high:Q"
        ))  # fmt: skip
    finished: alt.LayerChart = charts.finish(
        alt.layer(*layers).properties(width="container", height=alt.Step(42)), dark
    )
    return finished


def _matrix(caption: str, names: Sequence[str], cells: Sequence[Sequence[tuple[str, str]]]) -> Markup:
    head = tag("tr", tag("th"), *(tag("th", name, scope="col") for name in names))
    rows = [
        tag("tr", tag("th", names[i], scope="row"), *(
            # A reader beside itself says nothing.
            tag("td", "·") if i == j else tag("td", words, class_=css) for j, (words, css) in enumerate(row)
        ))
        for i, row in enumerate(cells)
    ]  # fmt: skip
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows))


def _css(value: float | None, limit: float, signed: bool) -> str:
    return "z" if value is None else palette.css_class(palette.step(value, limit), signed)


def _labels(means: Sequence[Spot], height: float) -> list[str]:
    """What stands at each point: its name, or at the first of a crowd the names of all, said once."""
    labels: list[str] = []
    lead = 0
    for n, spot in enumerate(means):
        first = means[lead]
        near = n > 0 and math.hypot((spot.jsd - first.jsd) / AXIS, (spot.tvd - first.tvd) / height) < CROWDED
        if near:
            labels[lead] += f", {spot.name.removeprefix('λ ')}"
            labels.append("")
        else:
            lead = n
            labels.append(spot.name)
    return labels


def _row(spot: Spot) -> dict[str, object]:
    return {"name": spot.name, "jsd": spot.jsd, "tvd": spot.tvd}
