"""Numbers on a horizontal axis, one row each, as an HTML table: dots, intervals, rules, words beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from viz import palette
from viz.markup import Markup, join, style, tag

CSS = f"""
.ps-track{{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums;
--soft:{palette.both(palette.MUTED)};--rule:{palette.both(palette.GRID)};--ink:{palette.both(palette.INK)};
--paper:{palette.both(palette.PAGE)}}}
.ps-track th{{text-align:left;font-weight:400;padding:.1rem .9rem .1rem 0;width:15rem;overflow-wrap:anywhere}}
.ps-track td{{padding:.1rem 0;vertical-align:middle}}
.ps-track td.say{{padding-left:1rem;width:15rem}}
.ps-track tr.main th,.ps-track tr.main td.say{{font-weight:600}}
.ps-track tr.part th{{padding-left:1rem;color:var(--soft)}}
.ps-track tr.head>*{{padding-top:.9rem}}
.ps-track tr.tell td{{color:var(--soft);padding:0 0 .2rem}}
.ps-track .t{{position:relative;height:1.5rem;background-image:linear-gradient(var(--rule),var(--rule));
background-size:100% 1px;background-position:0 50%;background-repeat:no-repeat}}
.ps-track .t i{{position:absolute;box-sizing:border-box}}
.ps-track .g{{top:0;bottom:0;width:1px;background:var(--rule)}}
.ps-track .zero{{top:0;bottom:0;width:1px;background:var(--soft)}}
.ps-track .d{{top:50%;width:.7rem;height:.7rem;margin:-.35rem;border-radius:50%;background:var(--ink);opacity:.55}}
.ps-track .d.best,.ps-track .d.one,.ps-track .d.mean{{opacity:1}}
.ps-track .d.below{{background:var(--paper);border:2px solid var(--ink);opacity:.8}}
.ps-track .d.mean{{border-radius:0;transform:rotate(45deg);width:.75rem;height:.75rem;margin:-.375rem}}
.ps-track .s{{top:calc(50% - 1px);height:2px;background:var(--ink)}}
.ps-track .s.wide{{top:calc(50% - 2px);height:4px;border-radius:2px}}
.ps-track .m{{top:.1rem;bottom:.1rem;width:3px;margin-left:-1.5px;background:var(--soft)}}
.ps-track .axis td:nth-child(2)>div{{position:relative;height:1.2rem;color:var(--soft);font-size:.75rem}}
.ps-track .axis span{{position:absolute;transform:translateX(-50%);white-space:nowrap}}
.ps-track caption{{text-align:left;color:var(--soft);font-size:.8125rem;padding-bottom:.2rem}}
@media(max-width:48rem){{
.ps-track tr{{display:grid;grid-template-columns:auto minmax(0,1fr);gap:0 .8rem;padding:.3rem 0}}
.ps-track th,.ps-track td,.ps-track td.say{{width:auto;padding:0}}
.ps-track td.say{{grid-area:1/2;text-align:right}}
.ps-track tr.tell td,.ps-track td:nth-child(2){{grid-column:1/-1}}
.ps-track .axis th,.ps-track .axis td.say{{display:none}}}}
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from ``low`` to ``high`` with marked values; ``worded`` writes them."""

    low: float
    high: float
    ticks: tuple[float, ...]
    worded: Callable[[float], str]

    def at(self, value: float) -> str:
        """Where ``value`` stands, in percent of the axis; beyond its ends at the end."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def axis(values: Iterable[float], step: float, worded: Callable[[float], str], *, top: float | None = None) -> Axis:
    """An axis that holds ``values``, with marks at multiples of ``step`` (at most nine)."""
    found = list(values)
    low, high = min(found), max(found) if top is None else top
    while (high - low) / step > 8:
        step *= 2
    first, last = int(low // step), -int(-high // step)
    if last == first:
        last += 1
    return Axis(first * step, last * step, tuple(round(n * step, 9) for n in range(first, last + 1)), worded)


def dot(on: Axis, value: float, words: str, kind: str = "") -> Markup:
    """A dot; ``kind`` is ``best``, ``below``, ``mean`` or nothing."""
    return tag("i", class_=f"d {kind}".strip(), style=f"left:{on.at(value)}", title=words)


def span(on: Axis, low: float, high: float, words: str, kind: str = "") -> Markup:
    """A line from ``low`` to ``high``."""
    width = f"calc({on.at(high)} - {on.at(low)})"
    return tag("i", class_=f"s {kind}".strip(), style=f"left:{on.at(low)};width:{width}", title=words)


def mark(on: Axis, value: float, words: str) -> Markup:
    """A short upright bar: a reference to compare dots with."""
    return tag("i", class_="m", style=f"left:{on.at(value)}", title=words)


def row(on: Axis, name: str, marks: Sequence[Markup], told: str, kind: str = "", zero: float | None = None) -> Markup:
    """A row: its name, its marks on the axis, and what they say in words."""
    grid = [tag("i", class_="zero" if tick == zero else "g", style=f"left:{on.at(tick)}") for tick in on.ticks]
    body = tag("td", tag("div", *grid, *marks, class_="t", aria_hidden="true"))
    return tag("tr", tag("th", name, scope="row"), body, tag("td", told, class_="say"), class_=kind or None)


def sentence(words: str) -> Markup:
    """A row that is a sentence over the whole width."""
    return tag("tr", tag("td", words, colspan="3"), class_="tell")


def table(on: Axis, rows: Sequence[Markup], caption: str) -> str:
    """The rows over one axis, whose marks stand above and below."""
    marks = [tag("span", on.worded(tick), style=f"left:{on.at(tick)}") for tick in on.ticks]
    ends = tag(
        "tr", tag("th"), tag("td", tag("div", *marks)), tag("td", class_="say"), class_="axis", aria_hidden="true"
    )
    body = tag("tbody", ends, *rows, *([ends] if len(rows) > 12 else []))
    return join((style(CSS), tag("table", tag("caption", caption), body, class_="ps-track")))
