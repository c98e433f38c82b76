"""The dial over p for one sentence: what the pooler would do with another norm."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import altair as alt

from models.records import NormPoint, NormSweep
from viz import charts, markup, palette, wording

WORDS = 24
QUANTITIES = {"effective": "effective attention softmax(p·s)", "share": "share of the pooled vector"}


def nearest(sweep: NormSweep, p: float) -> NormPoint:
    """The point of the sweep closest to ``p`` on a log scale.

    Raises:
        ValueError: the sweep is empty.
    """
    if not sweep.points:
        raise ValueError("the sweep holds no point: compute it at one p or more")
    return min(sweep.points, key=lambda point: abs(_log(point.p) - _log(p)))


def _log(p: float) -> float:
    return math.log(p) if p > 0 else -math.inf


def dial_rows(sweep: NormSweep, p: float) -> list[dict[str, Any]]:
    """One row per word: effective attention and share at ``p`` and at the learned p."""
    now, learned = nearest(sweep, p), nearest(sweep, sweep.learned)
    rows = []
    for i, token in enumerate(sweep.tokens):
        row: dict[str, Any] = {"position": i + 1, "word": markup.visible(token.text)}
        if now.effective is not None and learned.effective is not None:
            row |= {"effective now": now.effective[i], "effective learned": learned.effective[i]}
        rows.append(row | {"share now": now.shares[i], "share learned": learned.shares[i]})
    return rows


def dial_words(
    sweep: NormSweep, p: float, quantity: str = "share", place: int = 0, dark: bool = False
) -> alt.LayerChart:
    """Per word, hollow at the learned p and filled at the current one, joined by a line.

    ``quantity`` is ``effective`` (effective attention softmax(p·s)) or ``share`` (share of the
    pooled vector, mean over dimensions); both sum to 100 % over all words and share one axis
    range. Words stand in text order; of a long text the strongest are shown.

    Raises:
        ValueError: the pooler has no effective attention.
    """
    rows = dial_rows(sweep, p)
    if quantity == "effective" and rows and "effective now" not in rows[0]:
        raise ValueError("this pooler has no attention, so there is no effective attention to show")
    sizes = [max(v for k, v in row.items() if isinstance(v, float)) for row in rows]
    strongest = set(sorted(range(len(rows)), key=lambda i: -sizes[i])[:WORDS])
    records = [
        {
            "name": f"{row['position']}  {row['word']}",
            "now": row[f"{quantity} now"],
            "learned": row[f"{quantity} learned"],
        }
        for i, row in enumerate(rows)
        if i in strongest
    ]
    return _dumbbells(records, QUANTITIES[quantity], max(sizes, default=1.0), place, dark)


def _dumbbells(records: list[dict[str, Any]], title: str, top: float, place: int, dark: bool) -> alt.LayerChart:
    """Learned (hollow) joined to now (filled)."""
    scale = alt.Scale(domain=[0, top * 1.05], nice=False)
    axis = alt.Axis(format=".0%", tickCount=4, title=f"{title} (hollow: learned p, filled: this p)", orient="top")
    base = alt.Chart().encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=140, offset=8)),
        tooltip=[
            alt.Tooltip("name:N", title="word"),
            alt.Tooltip("now:Q", format=".1%", title="at this p"),
            alt.Tooltip("learned:Q", format=".1%", title="at the learned p"),
        ],
    )
    colour = palette.reader(place, dark)
    now, learned = (alt.X(f"{name}:Q", scale=scale, axis=axis) for name in ("now", "learned"))
    rule = base.mark_rule(color=colour, strokeWidth=2, opacity=0.5).encode(x=now, x2="learned:Q")
    hollow = base.mark_point(size=70, filled=False, color=palette.muted(dark), strokeWidth=1.5).encode(x=learned)
    filled = base.mark_point(size=90, filled=True, color=colour, opacity=1).encode(x=now)
    layered = alt.layer(rule, hollow, filled, data=alt.InlineData(values=records)).properties(
        width="container", height=alt.Step(21)
    )
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def dial_strip(sweep: NormSweep, p: float, place: int = 0, dark: bool = False, height: int = 150) -> alt.LayerChart:
    """The pooled vector r by dimension: bars at ``p``, lines at the learned p, grouped by winner.

    The winner of a dimension is the token with its largest share at the learned p; groups alternate
    in strength and large ones carry their word. The y axis is r_d in the units of the states.
    """
    now, learned = nearest(sweep, p), nearest(sweep, sweep.learned)
    rows = strip_rows(sweep, now, learned)
    top = max((max(r["now"], r["learned"]) for r in rows), default=1.0)
    x_title = "dimension, grouped by the word that wins it at the learned p" if learned.winners else "dimension"
    base = alt.Chart().encode(
        x=alt.X("place:O", title=x_title, axis=alt.Axis(labels=False, ticks=False)),
        tooltip=[
            alt.Tooltip("dimension:Q"),
            alt.Tooltip("now:Q", format=".3f", title="r at this p"),
            alt.Tooltip("learned:Q", format=".3f", title="r at the learned p"),
            alt.Tooltip("winner:N", title="winner at the learned p"),
            alt.Tooltip("winner_now:N", title="winner at this p"),
        ],
    )
    bars = base.mark_bar(color=palette.reader(place, dark)).encode(
        y=alt.Y("now:Q", title="r", axis=alt.Axis(tickCount=4)), opacity=alt.Opacity("strength:Q", scale=None)
    )
    ticks = base.mark_tick(color=palette.ink(dark), thickness=2).encode(y="learned:Q")
    names = base.mark_text(fontSize=12, color=palette.ink(dark), baseline="bottom", limit=110).encode(
        y=alt.datum(1.12 * top), text="label:N"
    )
    layered = alt.layer(bars, ticks, names, data=alt.InlineData(values=rows)).properties(
        width="container", height=height, title="r by dimension (bar: this p, line: learned)"
    )
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def strip_rows(sweep: NormSweep, now: NormPoint, learned: NormPoint) -> list[dict[str, Any]]:
    """One row per dimension in drawing order, with its winners at both exponents."""
    words = [markup.visible(token.text) for token in sweep.tokens]
    order = _by_winner(learned.winners, learned.pooled)
    groups = list(dict.fromkeys(learned.winners[d] for d in order)) if learned.winners else []
    rows: list[dict[str, Any]] = []
    for n, d in enumerate(order):
        winner = learned.winners[d] if learned.winners else None
        rows.append(
            {
                "place": n + 1,
                "dimension": d,
                "now": now.pooled[d],
                "learned": learned.pooled[d],
                "winner": "" if winner is None else words[winner],
                "winner_now": words[now.winners[d]] if now.winners else "",
                "strength": 0.45 if winner is not None and groups.index(winner) % 2 else 0.75,
                "label": "",
            }
        )
    for winner, wins in Counter(learned.winners).items():
        # A word needs room above its bars: a twelfth of the strip or more.
        if wins * 12 >= len(order):
            first = next(n for n, d in enumerate(order) if learned.winners[d] == winner)
            rows[first + wins // 2]["label"] = words[winner]
    return rows


def _by_winner(winners: tuple[int, ...], pooled: tuple[float, ...]) -> list[int]:
    """Dimensions grouped by the token that wins them, the most winning token first, large r first."""
    if not winners:
        return sorted(range(len(pooled)), key=lambda d: -pooled[d])
    wins = Counter(winners)
    return sorted(range(len(pooled)), key=lambda d: (-wins[winners[d]], winners[d], -pooled[d]))


def dial_curve(sweep: NormSweep, p: float, place: int = 0, dark: bool = False, height: int = 220) -> alt.LayerChart:
    """Class probabilities against p (log scale), the learned p and the current one marked.

    At most five classes are drawn, those that reach the highest probability anywhere.
    """
    peak = {c: max((pt.probabilities[c] for pt in sweep.points), default=0.0) for c in range(len(sweep.labels))}
    shown = sorted(peak, key=lambda c: -peak[c])[:5]
    rows = [
        {"p": point.p, "probability": point.probabilities[c], "class": sweep.labels[c]}
        for point in sweep.points
        for c in sorted(shown)
    ]
    domain = [min(pt.p for pt in sweep.points), max(pt.p for pt in sweep.points)]
    x_scale = alt.Scale(type="log", domain=domain, nice=False)
    y_scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(title="p (log scale)", values=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50], format="~g", grid=False)
    curves = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=2.2, color=palette.reader(place, dark))
        .encode(
            x=alt.X("p:Q", scale=x_scale, axis=axis),
            y=alt.Y("probability:Q", scale=y_scale, axis=alt.Axis(tickCount=5, format=".1f"), title="probability"),
            strokeDash=alt.StrokeDash(
                "class:N", title=None, legend=alt.Legend(orient="top", symbolStrokeColor=palette.ink(dark))
            ),
            tooltip=["class:N", alt.Tooltip("p:Q", format=".2f"), alt.Tooltip("probability:Q", format=".2f")],
        )
    )
    marks = [
        {"p": sweep.learned, "says": f"learned {wording.exponent(sweep.learned)}", "y": 0.99},
        {"p": p, "says": f"dial {wording.exponent(p)}", "y": 0.06},
    ]
    marked = alt.Chart(alt.InlineData(values=marks)).encode(x=alt.X("p:Q", scale=x_scale))
    rules = marked.mark_rule(color=palette.ink(dark), strokeWidth=1.2).encode(
        strokeDash=alt.condition("datum.y < 0.5", alt.value([4, 3]), alt.value([1, 0]))
    )
    names = marked.mark_text(align="left", dx=5, fontSize=12, color=palette.ink(dark)).encode(
        y=alt.Y("y:Q", scale=y_scale), text="says:N"
    )
    layered = alt.layer(curves, rules, names).properties(width="container", height=height)
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished
