"""How the debate's numbers fall over a test set: cumulative curves per predicted class, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import altair as alt

from models.experiment_records import MOST, Reference
from viz import charts, palette, wording
from viz.rowtable import row_table

# Points of a curve: 0, 2, …, 100 %.
POINTS: Final = 51
# As many classes as dashes can tell apart.
DASHES: Final = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 3), (4, 6), (1, 4), (10, 2, 2, 2, 2, 2))


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the debate: short title, the question it answers, its axis, what that measures, and its range."""

    title: str
    question: str
    axis: str
    measures: str
    low: float
    high: float


NUMBERS: Final[Mapping[str, Number]] = MappingProxyType({
    "tau_weights_gradient": Number(
        "Attention ~ gradient", "Do attention and gradient order the words of a text alike?",
        "Kendall's τ_b", "attention and |gradient × embedding|: −1 is reversed, 1 the same order", -1, 1,
    ),
    "tau_weights_removal": Number(
        "Attention ~ leave-one-out", "Do attention and removal order the words of a text alike?",
        "Kendall's τ_b", "attention and leave-one-out: −1 is reversed, 1 the same order", -1, 1,
    ),
    "tau_gradient_removal": Number(
        "Gradient ~ leave-one-out", "Do gradient and removal, which need no attention, order the words alike?",
        "Kendall's τ_b", "|gradient × embedding| and leave-one-out: −1 is reversed, 1 the same order", -1, 1,
    ),
    "permutation": Number(
        "Permutation", "How much does the answer change when the weights are shuffled among the words?",
        "median TVD", "the change of the output under 100 shuffles: 0 is none, 1 the opposite answer", 0, 1,
    ),
    "adversary": Number(
        "Adversarial attention", "How different could the attention have been with the same answer?",
        "JSD (nats)", "the furthest attention that moves the output by .01 at most: 0 is the same, .693 shares no word",
        0, MOST,
    ),
    "smallest_edit": Number(
        "Smallest edit", "How much attention has to move before the answer changes?",
        "part that moves", "the smallest edit of the attention: 0 moves nothing, 1 all of it", 0, 1,
    ),
    "erasure": Number(
        "Erasure", "How soon does the answer flip when the heaviest words are left out first?",
        "part left out", "the words that are gone when the answer flips: 0 is none, 1 all", 0, 1,
    ),
    "erasure_gradient": Number(
        "… by gradient", "How soon does the answer flip when words go by their gradient?",
        "part left out", "the words that are gone when the answer flips: 0 is none, 1 all", 0, 1,
    ),
    "erasure_product": Number(
        "… by product", "How soon does the answer flip when words go by weight × gradient?",
        "part left out", "the words that are gone when the answer flips: 0 is none, 1 all", 0, 1,
    ),
    "erasure_random": Number(
        "… by chance", "How soon does the answer flip when words go by chance?",
        "part left out", "the words that are gone when the answer flips, median of ten orders: 0 is none, 1 all", 0, 1,
    ),
    "conicity": Number(
        "Conicity", "Do all states of a text point the same way, so that it hardly matters which are weighed?",
        "conicity", "the token states of a text: 0 point every way, 1 one way", 0, 1,
    ),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fallen:
    """How one number falls for one reader, a distribution per predicted class, and the reader's palette place."""

    reader: str
    place: int
    classes: tuple[Reference, ...]


def curves(fallen: Fallen, number: Number, dark: bool = False, height: int = 220) -> alt.LayerChart:
    """The part of the test texts with this number or a smaller one, a line per predicted class.

    A line passes through quantiles; nothing is smoothed. The medians are marked.
    """
    labels = [reference.label for reference in fallen.classes]
    rows = [row for reference in fallen.classes for row in _points(reference)]
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(labels))]
    colour = palette.reader(fallen.place, dark)
    base = alt.Chart().encode(
        x=alt.X("value:Q", title=number.axis, scale=alt.Scale(domain=[number.low, number.high], nice=False)),
        y=alt.Y("part:Q", title="part of the test texts", scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5)),
        tooltip=[alt.Tooltip("label:N", title="predicted class"), alt.Tooltip("value:Q", format=".3f"),
                 alt.Tooltip("part:Q", format=".0%", title="this or less")],
    )  # fmt: skip
    line = base.mark_line(color=colour, strokeWidth=2).encode(
        strokeDash=alt.StrokeDash("label:N", title="it predicts", sort=None, legend=alt.Legend(
            orient="bottom", columns=2, symbolStrokeWidth=2, symbolSize=400),
            scale=alt.Scale(domain=labels, range=dashes)),
        order="part:Q",
    )  # fmt: skip
    median = base.mark_point(color=colour, filled=True, size=60, opacity=1).transform_filter("datum.part == 0.5")
    layered = alt.layer(line, median, data=alt.InlineData(values=rows))
    finished: alt.LayerChart = charts.finish(layered.properties(height=height, width="container"), dark)
    return finished


def heading(fallen: Fallen) -> str:
    """The reader with its letter."""
    return f"{palette.mark(fallen.place)} · {fallen.reader}"


def rows_of(found: Iterable[Fallen]) -> list[dict[str, Any]]:
    """One record per reader and predicted class: how many texts, mean, spread, quantiles, significance."""
    return [
        {
            "reader": fallen.reader, "predicts": one.label, "texts": one.n, "mean": one.mean, "sd": one.sd,
            "10 %": one.at(0.1), "median": one.at(0.5), "90 %": one.at(0.9), "p ≤ .05": one.significant,
            "without a value": one.undefined, "data": one.data, "split": one.split,
        }
        for fallen in found for one in fallen.classes
    ]  # fmt: skip


def table_html(found: Sequence[Fallen]) -> str:
    """The same as a table for people."""
    shown = []
    for row in rows_of(found):
        spread = "" if row["sd"] is None else f" ± {wording.number(row['sd'])}"
        shown.append({
            "reader": row["reader"], "it predicts": row["predicts"], "texts": f"{row['texts']:,}",
            "mean ± sd": f"{wording.number(row['mean'])}{spread}",
            "middle 80 %": f"{wording.number(row['10 %'])} to {wording.number(row['90 %'])}",
            "median": wording.number(row["median"]),
            "p ≤ .05": None if row["p ≤ .05"] is None else wording.percent(row["p ≤ .05"]),
            "without a value": f"{row['without a value']:,}" if row["without a value"] else None,
        })  # fmt: skip
    columns = [name for name in shown[0] if any(row[name] not in (None, "") for row in shown)] if shown else []
    return row_table(shown, columns, places={fallen.reader: fallen.place for fallen in found})


def _points(reference: Reference) -> list[dict[str, Any]]:
    """Quantiles as points of the cumulative curve."""
    parts = [i / (POINTS - 1) for i in range(POINTS)]
    return [{"label": reference.label, "value": reference.at(part), "part": part} for part in parts]
