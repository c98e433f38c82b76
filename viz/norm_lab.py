"""Readings A, B and C of APLN side by side, and the identities between them with their residuals."""

from __future__ import annotations

import altair as alt

from models.norm_records import Identity, NormReadings
from viz import charts, markup, palette, panels, wording
from viz.markup import join, style, tag

WORDS = 24
NAMES = {
    "A": "A · weights renormalised after the power",
    "B": "B · weights outside the power",
    "C": "C · weights inside the power",
}
SHAPES = ("circle", "square", "triangle-up")
CSS = """
.ps-ident{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;width:100%;max-width:58rem}
.ps-ident th,.ps-ident td{text-align:left;padding:.34rem .9rem .34rem 0;font-weight:400;vertical-align:baseline;
border-bottom:1px solid color-mix(in srgb,currentColor 13%,transparent)}
.ps-ident thead th{font-size:.8125rem;opacity:.72;white-space:nowrap}.ps-ident tbody td{white-space:nowrap}
.ps-ident .fails{font-weight:600;color:light-dark(#9a4310,#f0a562)}.ps-ident .soft{opacity:.72;font-size:.8125rem}
@media(max-width:40rem){.ps-ident tbody td{white-space:normal}}
"""


def reading_rows(found: NormReadings) -> list[dict[str, object]]:
    """One row per reading: prediction, length of r, and in how many dimensions r falls somewhere on the dial."""
    rows: list[dict[str, object]] = []
    for point in found.points:
        told = panels.told(point.probabilities)
        rows.append({
            "reading": NAMES[point.reading] + (", as trained" if point.reading == found.own else ""),
            "predicts": ", ".join(f"{found.labels[c]} {wording.probability(point.probabilities[c])}" for c in told),
            "length of r": wording.number(sum(value * value for value in point.pooled) ** 0.5),
            "falls as p grows": f"in {point.falls} of {wording.count(len(point.pooled), 'dimension')}",
        })  # fmt: skip
    return rows


def factor_words(found: NormReadings) -> str:
    """What A and C have in common on this text, in numbers."""
    same = "C is A itself" if abs(found.factor - 1) < 1e-9 else f"C is A times {wording.number(found.factor)}"
    return f"On this text, at p = {wording.exponent(found.p)}, {same}: both have the same shares."


def share_chart(found: NormReadings, place: int = 0, dark: bool = False) -> alt.LayerChart:
    """Per word its share of the pooled vector: filled in A and C, which agree, hollow in B; a tick at attention a.

    Words stand in text order; of a long text the strongest are shown.
    """
    a, b = (next(point for point in found.points if point.reading == which) for which in "AB")
    sizes = [max(one) for one in zip(a.shares, b.shares, b.effective, strict=True)]
    strongest = set(sorted(range(len(sizes)), key=lambda i: -sizes[i])[:WORDS])
    rows = [
        {"name": f"{i + 1}  {markup.visible(token.text) or '◦'}", "A and C": a.shares[i], "B": b.shares[i],
         "attention": b.effective[i], "sharpened": a.effective[i]}
        for i, token in enumerate(found.tokens) if i in strongest
    ]  # fmt: skip
    title = "share of the vector (filled: A, C; hollow: B; tick: attention)"
    scale = alt.Scale(domain=[0, 1.05 * max(sizes, default=1.0)], nice=False)
    axis = alt.Axis(format=".0%", tickCount=4, title=title, orient="top", titleLimit=420)
    base = alt.Chart().encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=140, offset=8)),
        tooltip=[alt.Tooltip("name:N", title="word"), alt.Tooltip("A and C:Q", format=".1%", title="share in A and C"),
                 alt.Tooltip("B:Q", format=".1%", title="share in B"),
                 alt.Tooltip("attention:Q", format=".1%", title="attention a, which B uses"),
                 alt.Tooltip("sharpened:Q", format=".1%", title="softmax(p·s), which A and C use")],
    )  # fmt: skip
    colour = palette.reader(place, dark)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    layered = alt.layer(
        base.mark_rule(color=colour, strokeWidth=2, opacity=0.5).encode(x=x("A and C"), x2="B:Q"),
        base.mark_tick(color=palette.ink(dark), thickness=2, size=13).encode(x=x("attention")),
        base.mark_point(size=75, filled=False, color=colour, strokeWidth=1.8).encode(x=x("B")),
        base.mark_point(size=85, filled=True, color=colour, opacity=1).encode(x=x("A and C")),
        data=alt.InlineData(values=rows),
    )
    finished: alt.LayerChart = charts.finish(layered.properties(width="container", height=alt.Step(21)), dark)
    return finished


def vector_chart(found: NormReadings, dark: bool = False, height: int = 230) -> alt.Chart:
    """The three pooled vectors by dimension, ordered by A; one mark per reading and dimension."""
    order = sorted(range(len(found.points[0].pooled)), key=lambda d: -found.points[0].pooled[d])
    rows = [
        {"place": n + 1, "dimension": d + 1, "r": point.pooled[d], "reading": point.reading}
        for point in found.points for n, d in enumerate(order)
    ]  # fmt: skip
    names = [point.reading for point in found.points]
    colours = [palette.reader(i, dark) for i in range(len(names))]
    chart = alt.Chart(alt.InlineData(values=rows)).mark_point(filled=True, size=32, opacity=0.85).encode(
        x=alt.X("place:Q", title="dimension, ordered by A", axis=alt.Axis(labels=False, ticks=False, grid=False)),
        y=alt.Y("r:Q", title="r", axis=alt.Axis(tickCount=5)),
        color=alt.Color("reading:N", scale=alt.Scale(domain=names, range=colours),
                        legend=alt.Legend(title="reading", orient="top")),
        shape=alt.Shape("reading:N", scale=alt.Scale(domain=names, range=list(SHAPES)), legend=None),
        tooltip=[alt.Tooltip("reading:N"), alt.Tooltip("dimension:Q"), alt.Tooltip("r:Q", format=".4f")],
    )  # fmt: skip
    finished: alt.Chart = charts.finish(chart.properties(width="container", height=height), dark)
    return finished


def identity_html(found: NormReadings) -> str:
    """Every identity with its residual on this text, how large it may be, and whether it holds, in words."""
    head = tag("tr", *(tag("th", name, scope="col") for name in ("identity", "residual", "may be", "on this text")))
    rows = [
        tag("tr", tag("th", one.statement, scope="row"), tag("td", _size(one.residual)),
            tag("td", f"≤\u00a0{wording.number(one.bound)}", class_="soft"), _verdict(one))
        for one in found.identities
    ]  # fmt: skip
    return join((style(CSS), tag("table", tag("thead", head), tag("tbody", *rows), class_="ps-ident")))


def identity_rows(found: NormReadings) -> list[dict[str, object]]:
    """The same as plain rows, for the download."""
    return [
        {"identity": one.statement, "residual": one.residual, "bound": one.bound, "holds": one.holds}
        for one in found.identities
    ]


def _verdict(one: Identity) -> markup.Markup:
    return tag("td", "holds") if one.holds else tag("td", tag("span", "does not hold", class_="fails"))


def _size(residual: float) -> str:
    return "not a number" if residual != residual else wording.number(residual)

