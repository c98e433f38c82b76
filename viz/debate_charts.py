"""Charts of the debate: shuffles, erasure, the cone of states, weights before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from models.experiment_records import Conicity, Erasure, Permutation, Trial
from viz import charts, palette
from viz.debate import word

WORDS = 24
BINS = 25
LABELS = 30


def shuffle_chart(found: Permutation, place: int = 0, dark: bool = False, height: int = 210) -> alt.LayerChart:
    """How often a shuffle changed the output by how much; the line is the median."""
    top = max(max(found.changes), 0.01)
    step = top / BINS
    counts = [0] * BINS
    for change in found.changes:
        counts[min(BINS - 1, int(change / step))] += 1
    rows = [{"from": i * step, "to": (i + 1) * step, "shuffles": n} for i, n in enumerate(counts)]
    base = alt.Chart(alt.InlineData(values=rows))
    bars = base.mark_bar(color=palette.reader(place, dark), opacity=0.75).encode(
        x=alt.X("from:Q", title="change of the output (total variation distance)", axis=alt.Axis(tickCount=6),
                scale=alt.Scale(domain=[0, top], nice=False)),
        x2="to:Q",
        y=alt.Y("shuffles:Q", title="shuffles", axis=alt.Axis(tickMinStep=1, tickCount=4)),
        y2=alt.datum(0),
        tooltip=[alt.Tooltip("from:Q", format=".3f"), alt.Tooltip("to:Q", format=".3f"), "shuffles:Q"],
    )  # fmt: skip
    median = alt.Chart(alt.InlineData(values=[{"median": found.median, "said": f"median {found.median:.3f}"}]))
    line = median.mark_rule(color=palette.ink(dark), strokeWidth=2).encode(x="median:Q")
    text = median.mark_text(align="left", dx=6, dy=6, color=palette.ink(dark), fontSize=12, baseline="top").encode(
        x="median:Q", y=alt.value(0), text="said:N"
    )
    return _finished(alt.layer(bars, line, text).properties(width="container", height=height), dark)


def erasure_chart(found: Erasure, place: int = 0, dark: bool = False, height: int = 300) -> alt.LayerChart:
    """Probability of the first predicted class against the part of the words gone; dots mark the flips."""
    rows, band, flips = [], [], []
    for curve in found.curves:
        for i, fraction in enumerate(curve.fractions):
            rows.append({"order": curve.title, "gone": fraction, "p": curve.probabilities[i]})
            if curve.low:
                band.append({"gone": fraction, "low": curve.low[i], "high": curve.high[i]})
        # A median over several orders need not lie on their mean curve.
        if curve.flip is not None and not curve.low:
            at = min(range(len(curve.fractions)), key=lambda i, curve=curve: abs(curve.fractions[i] - curve.flip))  # type: ignore[misc]
            flips.append({"order": curve.title, "gone": curve.fractions[at], "p": curve.probabilities[at]})
    names = [curve.title for curve in found.curves]
    colours = [palette.reader(i, dark) for i in range(len(names) - 1)] + [palette.muted(dark)]
    dashes = [[1, 0], [7, 3], [2, 3], [1, 0]][: len(names)]
    x = alt.X("gone:Q", title="part of the words taken out", axis=alt.Axis(format=".0%", grid=False, tickCount=6),
              scale=alt.Scale(domain=[0, 1], nice=False))  # fmt: skip
    y = alt.Y("p:Q", title=f"probability of “{found.label}”", scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("order:N", scale=alt.Scale(domain=names, range=colours), sort=names,
                       legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=200))  # fmt: skip
    dash = alt.StrokeDash("order:N", scale=alt.Scale(domain=names, range=dashes), sort=names, legend=None)
    tips = [alt.Tooltip("order:N"), alt.Tooltip("gone:Q", format=".0%"), alt.Tooltip("p:Q", format=".2f")]
    area = alt.Chart(alt.InlineData(values=band)).mark_area(color=palette.muted(dark), opacity=0.18).encode(
        x="gone:Q", y="low:Q", y2="high:Q"
    )
    lines = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=2).encode(
        x=x, y=y, color=colour, strokeDash=dash, tooltip=tips
    )
    dots = alt.Chart(alt.InlineData(values=flips)).mark_point(size=110, filled=True, opacity=1).encode(
        x="gone:Q", y="p:Q", color=colour, tooltip=tips
    )
    layered = alt.layer(area, lines, *([dots] if flips else []))
    return _finished(layered.properties(width="container", height=height), dark)


def cone_chart(
    trial: Trial, found: Conicity, place: int = 0, dark: bool = False, height: int = 340
) -> alt.LayerChart:
    """Every state as an arrow from the origin: its true length, its true angle to the mean state (to the right)."""
    reach = max(math.hypot(x, y) for x, y in found.points) * 1.08
    longest = sorted(range(len(found.points)), key=lambda i: -math.hypot(*found.points[i]))
    named = set(longest[:LABELS])
    rows = [
        {"x0": 0.0, "y0": 0.0, "x": x, "y": y, "cosine": c, "word": word(trial, i),
         "label": word(trial, i).strip("“”") if i in named else ""}
        for i, ((x, y), c) in enumerate(zip(found.points, found.cosines, strict=True))
    ]  # fmt: skip
    low = min(0.0, *(x for x, _ in found.points)) * 1.08
    side = max(abs(y) for _, y in found.points) * 1.15 or 1.0
    base = alt.Chart(alt.InlineData(values=rows))
    x = alt.X("x:Q", title="along the mean state", axis=alt.Axis(tickCount=6, grid=False),
              scale=alt.Scale(domain=[low, reach], nice=False))  # fmt: skip
    y = alt.Y("y:Q", title="across", axis=alt.Axis(tickCount=5), scale=alt.Scale(domain=[-side, side], nice=False))
    tips = [alt.Tooltip("word:N"), alt.Tooltip("cosine:Q", format=".2f", title="cosine with the mean")]
    colour = palette.reader(place, dark)
    rays = base.mark_rule(color=colour, opacity=0.35).encode(x="x0:Q", x2="x:Q", y="y0:Q", y2="y:Q")
    dots = base.mark_circle(color=colour, size=55, opacity=0.9).encode(x=x, y=y, tooltip=tips)
    names = base.mark_text(align="left", dx=7, fontSize=12, color=palette.ink(dark), limit=120).encode(
        x="x:Q", y="y:Q", text="label:N"
    )
    mean = alt.Chart(alt.InlineData(values=[{"x": low, "x2": reach}])).mark_rule(
        color=palette.muted(dark), strokeDash=[4, 4]
    ).encode(x="x:Q", x2="x2:Q", y=alt.datum(0))
    return _finished(alt.layer(mean, rays, dots, names).properties(width="container", height=height), dark)


def weight_chart(
    trial: Trial, before: Sequence[float], after: Sequence[float], names: tuple[str, str], place: int = 0,
    dark: bool = False,
) -> alt.LayerChart:  # fmt: skip
    """Per word, hollow before and filled after, joined by a line; of a long text the words with most weight."""
    top = max(*before, *after)
    strongest = set(sorted(range(len(before)), key=lambda i: -max(before[i], after[i]))[:WORDS])
    rows: list[dict[str, Any]] = [
        {"name": f"{trial.kept[i] + 1}  {word(trial, i).strip('“”')}", "before": before[i], "after": after[i]}
        for i in range(len(before)) if i in strongest
    ]  # fmt: skip
    axis = alt.Axis(format=".0%", tickCount=4, title=f"weight (hollow: {names[0]}, filled: {names[1]})", orient="top")
    scale = alt.Scale(domain=[0, top * 1.05], nice=False)
    base = alt.Chart().encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=140, offset=8)),
        tooltip=[alt.Tooltip("name:N", title="word"), alt.Tooltip("before:Q", format=".1%", title=names[0]),
                 alt.Tooltip("after:Q", format=".1%", title=names[1])],
    )  # fmt: skip
    old, new = (alt.X(f"{key}:Q", scale=scale, axis=axis) for key in ("before", "after"))
    colour = palette.reader(place, dark)
    rule = base.mark_rule(color=colour, strokeWidth=2, opacity=0.5).encode(x=new, x2="before:Q")
    hollow = base.mark_point(size=70, filled=False, color=palette.muted(dark), strokeWidth=1.5).encode(x=old)
    filled = base.mark_point(size=90, filled=True, color=colour, opacity=1).encode(x=new)
    layered = alt.layer(rule, hollow, filled, data=alt.InlineData(values=rows))
    return _finished(layered.properties(width="container", height=alt.Step(21)), dark)


def _finished(chart: Any, dark: bool) -> alt.LayerChart:  # noqa: ANN401  # altair's charts share no useful base class
    done: alt.LayerChart = charts.finish(chart, dark)
    return done
