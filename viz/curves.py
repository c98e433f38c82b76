"""Training curves of several classifiers, one figure per quantity: loss, dev accuracy, learned p, τ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from viz import charts, palette

NAMES: Mapping[str, str] = {
    "loss": "training loss (nats)",
    "dev": "dev accuracy",
    "p": "learned p",
    "tau": "τ(attention, gradient)",
}


@dataclass(frozen=True, slots=True)
class Course:
    """The training of one classifier: rows of ``norms.history_rows``, and its place in the palette."""

    title: str
    place: int
    rows: tuple[Mapping[str, float | None], ...]


def quantities(courses: Sequence[Course]) -> list[str]:
    """The quantities that at least one of the classifiers has."""
    return [name for name in NAMES if any(row.get(name) is not None for course in courses for row in course.rows)]


def curve(courses: Sequence[Course], name: str, dark: bool = False, height: int = 190) -> alt.LayerChart:
    """One quantity over epochs: a line per classifier in its colour, its letter at the line's end.

    p runs through the epochs in many small steps, the others have a dot per epoch.
    """
    rows = [row for course in courses for row in _rows(course, name)]
    colour = alt.Color(
        "mark:N",
        legend=None,
        scale=alt.Scale(
            domain=[palette.mark(course.place) for course in courses],
            range=[palette.reader(course.place, dark) for course in courses],
        ),
    )
    base = alt.Chart().encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, grid=False, format="d")),
        y=alt.Y(f"{name}:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
        color=colour,
        tooltip=[alt.Tooltip("who:N", title="classifier"), alt.Tooltip("epoch:Q", format=".2~f"),
                 alt.Tooltip(f"{name}:Q", format=".4f", title=NAMES[name])],
    )  # fmt: skip
    line = base.mark_line(strokeWidth=1.8, point=False if name == "p" else alt.OverlayMarkDef(size=36))
    text = base.mark_text(align="left", dx=8, fontSize=12, fontWeight=700).encode(text="end:N")
    layered = alt.layer(line, text, data=alt.InlineData(values=rows))
    finished: alt.LayerChart = charts.finish(
        layered.properties(height=height, width="container", title=NAMES[name]), dark
    )
    return finished


def _rows(course: Course, name: str) -> list[dict[str, Any]]:
    """The points of one line; the last one carries its letter."""
    found: list[dict[str, Any]] = [
        {"who": course.title, "mark": palette.mark(course.place), "epoch": row["epoch"], name: row[name], "end": ""}
        for row in course.rows
        if row.get(name) is not None
    ]
    for last in found[-1:]:
        last["end"] = last["mark"]
    return found
