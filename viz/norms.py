"""Learned norms over the zoo: where p started, where training took it, and the road between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from viz import charts, palette, wording

# A curve of more points than this is drawn with small ones.
DOTS = 40


@dataclass(frozen=True, slots=True)
class LearnedNorm:
    """The exponent p of one shipped classifier; ``low`` and ``high`` are its extremes over units."""

    model: str
    title: str
    task: str
    encoder: str
    pooler: str
    initial: float
    learned: float
    low: float
    high: float


def learned_norm(
    model: str, title: str, task: str, encoder: str, pooler: str, initial: Sequence[float], values: Sequence[float]
) -> LearnedNorm:
    """Summarise the exponents of one pooler: medians, and the range of the learned ones."""
    return LearnedNorm(model, title, task, encoder, pooler, _median(initial), _median(values), min(values), max(values))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def norm_rows(norms: Sequence[LearnedNorm]) -> list[dict[str, str | float]]:
    """The same as plain rows, for the table and the download."""
    return [
        {"model": n.model, "task": n.task, "encoder": n.encoder, "pooler": n.pooler, "initial p": n.initial,
         "learned p": n.learned, "lowest": n.low, "highest": n.high}
        for n in norms
    ]  # fmt: skip


def norm_dots(norms: Sequence[LearnedNorm], dark: bool = False) -> alt.LayerChart:
    """Dot plot of p on a log scale: hollow = initial, filled = learned (median over units).

    A thin line spans the learned units, a thicker one joins start and end; the number stands
    above every filled dot. Rows are grouped by task, then encoder and pooler.
    """
    ordered = sorted(norms, key=lambda n: (n.task, n.encoder, n.pooler))
    rows = [
        {
            "row": f"{n.task}  ·  {n.title}",
            "initial": n.initial,
            "learned": n.learned,
            "low": n.low,
            "high": n.high,
            "words": wording.exponent(n.learned),
            "model": n.model,
        }
        for n in ordered
    ]
    extremes = [v for n in norms for v in (n.low, n.high, n.initial)] or [1.0]
    domain = [min(extremes) / 1.25, max(extremes) * 1.4]
    axis = alt.Axis(title="p (log scale); 1 = average, ∞ = maximum", values=_ticks(*domain), format="~g")
    ink = palette.ink(dark)
    base = alt.Chart().encode(
        y=alt.Y("row:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False, grid=True)),
        tooltip=[
            alt.Tooltip("model:N"), alt.Tooltip("initial:Q", format=".3f", title="initial p"),
            alt.Tooltip("learned:Q", format=".3f", title="learned p (median)"),
            alt.Tooltip("low:Q", format=".3f", title="lowest unit"),
            alt.Tooltip("high:Q", format=".3f", title="highest unit"),
        ],
    )  # fmt: skip

    def x(field: str) -> alt.X:
        return alt.X(field, scale=alt.Scale(type="log", domain=domain, nice=False), axis=axis)

    span = base.mark_rule(color=palette.muted(dark), strokeWidth=1.2).encode(x=x("low:Q"), x2="high:Q")
    start = base.mark_point(shape="circle", size=80, filled=False, color=ink, strokeWidth=1.6).encode(x=x("initial:Q"))
    end = base.mark_point(shape="circle", size=110, filled=True, color=ink, opacity=1).encode(x=x("learned:Q"))
    text = base.mark_text(dy=-13, fontSize=11, color=ink).encode(x=x("learned:Q"), text="words:N")
    layered = alt.layer(span, start, end, text, data=alt.InlineData(values=rows)).properties(
        width="container", height=alt.Step(32)
    )
    finished: alt.LayerChart = charts.finish(layered, dark)
    return finished


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers of a log axis inside the domain."""
    candidates = (0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)
    return [t for t in candidates if low <= t <= high]


def history_rows(
    history: Sequence[Mapping[str, Any]], initial: float | None = None, symbol: str = "p"
) -> list[dict[str, float | None]]:
    """Rows for :func:`trajectory` from a training history as the trainer writes it.

    The learned scalar, under its ``symbol``, comes several times an epoch (the median over units), starting
    from ``initial``; loss and dev accuracy once; tau is the mean over the probe sentences where it is defined.
    """
    rows: list[dict[str, float | None]] = [] if initial is None else [{"epoch": 0, symbol: initial}]
    for record in history:
        for at, *p in record.get("p_trajectory") or ():
            rows.append({"epoch": at, symbol: p[len(p) // 2]})
        taus = [probe["tau"] for probe in record.get("probes") or () if probe.get("tau") is not None]
        rows.append(
            {
                "epoch": record["epoch"],
                "loss": record.get("loss"),
                "dev": record.get("dev_accuracy"),
                "tau": sum(taus) / len(taus) if taus else None,
            }
        )
    return rows


def trajectory(history: Sequence[Mapping[str, Any]], title: str = "", dark: bool = False) -> alt.VConcatChart:
    """Training as stacked curves over one axis of epochs: p (or b, α), training loss, dev score, τ.

    ``history`` holds rows with ``epoch`` and any of ``p``, ``b``, ``α``, ``loss`` (nats), ``dev`` (accuracy) and
    ``tau`` (attention against gradient), as :func:`history_rows` makes them. Quantities that are
    missing get no panel, values that are ``None`` are passed over.
    """
    names = {symbol: f"learned {symbol}" for symbol in wording.SCALARS}
    names |= {"loss": "training loss (nats)", "dev": "dev accuracy", "tau": "τ(attention, gradient)"}
    rows = [
        {name: entry.get(name) for name in ("epoch", *names)} for entry in history if entry.get("epoch") is not None
    ]
    present = [name for name in names if any(row[name] is not None for row in rows)]
    base = alt.Chart()
    parts = []
    for name in present:
        last, dots = name == present[-1], sum(row[name] is not None for row in rows)
        axis = alt.Axis(tickMinStep=1, grid=False, labels=last, ticks=last)
        curve = (
            base.mark_line(
                point={"size": 40 if dots <= DOTS else 8, "color": palette.ink(dark)},
                color=palette.ink(dark),
                strokeWidth=1.8,
                invalid="filter",
            )
            .encode(
                x=alt.X("epoch:Q", title="epoch" if last else None, axis=axis),
                y=alt.Y(f"{name}:Q", title=names[name], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
                tooltip=[alt.Tooltip("epoch:Q"), alt.Tooltip(f"{name}:Q", format=".4f", title=names[name])],
            )
            .properties(width="container", height=95)
        )
        parts.append(curve)
    finished: alt.VConcatChart = charts.finish(
        alt.vconcat(*parts, data=alt.InlineData(values=rows), title=title, spacing=14).resolve_scale(x="shared"), dark
    )
    return finished
