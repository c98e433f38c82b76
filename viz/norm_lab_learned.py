"""The p that training found, by data set, encoder and seed, and one p per dimension as a histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import altair as alt

from models.norm_records import Variance
from models.study_records import StudyRun
from viz import charts, palette, wording

BINS = 24


def learned_strip(
    runs: Sequence[StudyRun], tasks: Mapping[str, str], encoders: Mapping[str, str], dark: bool = False
) -> alt.LayerChart:
    """One dot per run (seed): data sets down, p across on a log scale, an encoder a colour and a row of its own."""
    rows = [
        {"data set": tasks.get(run.task, run.task), "encoder": encoders.get(run.encoder, run.encoder), "p": run.p_mean,
         "seed": run.seed, "low": run.p_min, "high": run.p_max}
        for run in runs
    ]  # fmt: skip
    names = list(dict.fromkeys(str(row["encoder"]) for row in rows))
    colours = [palette.reader(i, dark) for i in range(len(names))]
    values = [run.p_mean for run in runs if run.p_mean is not None] or [1.0]
    domain = [min(*values, 1.0) / 1.15, max(*values, 1.0) * 1.15]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50) if domain[0] <= tick <= domain[1]]
    axis = alt.Axis(title="learned p (log scale); the line is an average's 1", format="~g", values=ticks)
    dots = alt.Chart(alt.InlineData(values=rows)).mark_point(filled=True, size=42, opacity=0.75).encode(
        x=alt.X("p:Q", scale=scale, axis=axis),
        y=alt.Y("data set:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=170)),
        yOffset=alt.YOffset("encoder:N", sort=names),
        color=alt.Color("encoder:N", scale=alt.Scale(domain=names, range=colours), sort=names,
                        legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=220)),
        tooltip=["data set:N", "encoder:N", "seed:Q", alt.Tooltip("p:Q", format=".3f"),
                 alt.Tooltip("low:Q", format=".3f", title="lowest dimension"),
                 alt.Tooltip("high:Q", format=".3f", title="highest dimension")],
    )  # fmt: skip
    one = alt.Chart(alt.InlineData(values=[{"p": 1.0}])).mark_rule(color=palette.muted(dark)).encode(
        x=alt.X("p:Q", scale=scale)
    )
    layered = alt.layer(one, dots).properties(width="container", height=alt.Step(11))
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def variance_words(found: Variance) -> str:
    """Where the variance of log p comes from, in a sentence."""
    parts = {"the data set": found.dataset, "the encoder": found.encoder, "what the two make together": found.both,
             "the seed": found.seed}  # fmt: skip
    said = ", ".join(f"{wording.percent(share)} by {name}" for name, share in parts.items())
    return (
        f"Over {found.runs} runs ({found.datasets} data sets × {found.encoders} encoders × {found.seeds} seeds) the "
        f"variance of log p is explained: {said}."
    )


def dimension_bins(values: Sequence[float]) -> list[dict[str, float | int]]:
    """Counts of p per dimension in bins of equal width on a log scale."""
    low, high = math.log(min(values)), math.log(max(values))
    step = (high - low) / BINS or 1e-9
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int((math.log(value) - low) / step))] += 1
    return [
        {"from": math.exp(low + i * step), "to": math.exp(low + (i + 1) * step), "dimensions": n}
        for i, n in enumerate(counts)
    ]


def dimension_chart(
    values: Sequence[float], initial: float, place: int = 0, dark: bool = False, height: int = 190
) -> alt.LayerChart:
    """How many dimensions learned which p; the dashed line is where all of them started."""
    bins = dimension_bins(values)
    domain = [min(float(bins[0]["from"]), initial) / 1.03, max(float(bins[-1]["to"]), initial) * 1.03]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    bars = alt.Chart(alt.InlineData(values=bins)).mark_bar(color=palette.reader(place, dark), opacity=0.8).encode(
        x=alt.X("from:Q", scale=scale, title="learned p of a dimension (log scale)",
                axis=alt.Axis(grid=False, format="~g", tickCount=6)),
        x2="to:Q",
        y=alt.Y("dimensions:Q", title="dimensions", axis=alt.Axis(tickCount=4, tickMinStep=1)),
        y2=alt.datum(0),
        tooltip=[alt.Tooltip("from:Q", format=".3f"), alt.Tooltip("to:Q", format=".3f"), "dimensions:Q"],
    )  # fmt: skip
    start = alt.Chart(alt.InlineData(values=[{"from": initial}])).mark_rule(
        color=palette.ink(dark), strokeDash=[4, 3]
    ).encode(x=alt.X("from:Q", scale=scale))  # fmt: skip
    finished: alt.LayerChart = charts.finish(
        alt.layer(bars, start).properties(width="container", height=height), dark
    )
    return finished
