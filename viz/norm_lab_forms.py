"""Log against pow form: how many dimensions single precision loses, over the dial."""

from __future__ import annotations

import math

import altair as alt

from models.norm_records import FormCount, FormCounts
from viz import charts, palette, wording

TITLES = {"log": "log form", "pow": "pow form"}


def form_chart(found: FormCounts, what: str, p: float, dark: bool = False, height: int = 190) -> alt.LayerChart:
    """Lost ``values`` or ``gradients`` of both forms against p; the dashed line is the dial."""
    domain = [min(one.p for one in found.counts), max(one.p for one in found.counts)]
    scale = alt.Scale(type="log", domain=domain, nice=False)
    axis = alt.Axis(title="p (log scale)", values=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50], format="~g", grid=False)
    names, colours = list(TITLES.values()), [palette.reader(i, dark) for i in range(len(TITLES))]
    rows = [{"p": one.p, "form": TITLES[one.form], "lost": getattr(one, what), "what": what} for one in found.counts]
    lines = alt.Chart(alt.InlineData(values=rows)).mark_line(strokeWidth=2.4).encode(
        x=alt.X("p:Q", scale=scale, axis=axis),
        y=alt.Y("lost:Q", title=None, scale=alt.Scale(domain=[0, found.dimensions]), axis=alt.Axis(tickCount=4)),
        color=alt.Color("form:N", scale=alt.Scale(domain=names, range=colours),
                        legend=alt.Legend(title=None, orient="top")),
        strokeDash=alt.StrokeDash("form:N", scale=alt.Scale(domain=names, range=[[1, 0], [6, 3]]), legend=None),
        tooltip=["form:N", alt.Tooltip("p:Q", format=".2f"), alt.Tooltip("lost:Q", title=f"{what} lost")],
    )  # fmt: skip
    rule = alt.Chart(alt.InlineData(values=[{"p": p}])).mark_rule(color=palette.ink(dark), strokeDash=[4, 3])
    layered = alt.layer(lines, rule.encode(x=alt.X("p:Q", scale=scale)))
    said = f"{what} lost, of {wording.count(found.dimensions, 'dimension')} (dashed: the dial)"
    finished: alt.LayerChart = charts.finish(layered.properties(width="container", height=height, title=said), dark)
    return finished


def form_rows(found: FormCounts, p: float) -> list[dict[str, object]]:
    """Both forms at the p nearest to the dial's."""
    return [
        {
            "form": TITLES[form],
            "values lost": f"{one.values} of {found.dimensions}",
            "gradients lost": f"{one.gradients} of {found.dimensions}",
            "largest error of the rest": "nothing came" if one.error is None else wording.percent(one.error)
            if one.error >= 0.001 else wording.number(one.error),
        }
        for form in TITLES for one in [_nearest(found, form, p)]
    ]  # fmt: skip


def count_rows(found: FormCounts) -> list[dict[str, object]]:
    """Every count, for the download."""
    return [
        {"form": one.form, "p": one.p, "values lost": one.values, "gradients lost": one.gradients,
         "dimensions": found.dimensions, "largest relative error": one.error}
        for one in found.counts
    ]  # fmt: skip


def first_loss(found: FormCounts) -> str:
    """From which p on the pow form loses something, in a sentence."""
    lost = [one.p for one in found.counts if one.form == "pow" and max(one.values, one.gradients)]
    if not lost:
        return "On this text the pow form loses nothing anywhere on the dial."
    small, large = [p for p in lost if p < 1], [p for p in lost if p >= 1]
    said = [f"at p = {wording.exponent(max(small))} and below"] if small else []
    said += [f"from p = {wording.exponent(min(large))} on"] if large else []
    return f"On this text the pow form loses dimensions {' and '.join(said)}."


def _nearest(found: FormCounts, form: str, p: float) -> FormCount:
    return min((one for one in found.counts if one.form == form), key=lambda one: abs(math.log(one.p / p)))
