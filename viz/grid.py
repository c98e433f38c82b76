"""A grid of numbers with colour behind them, as an HTML table that scrolls inside itself when it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from viz import palette, wording
from viz.markup import Markup, join, style, tag

CSS = """
.ps-grid-wrap{overflow-x:auto}
.ps-grid{border-collapse:separate;border-spacing:3px;font-size:.875rem;font-variant-numeric:tabular-nums}
.ps-grid caption{text-align:left;font-size:.8125rem;opacity:.75;padding-bottom:.3rem}
.ps-grid th{font-weight:500;text-align:left;padding:.2rem .8rem .2rem .1rem;white-space:nowrap}
.ps-grid th[scope=col]{text-align:center;padding:.25rem .4rem;vertical-align:bottom;white-space:normal;
font-weight:400;opacity:.75;min-width:4.5rem;max-width:8rem}
.ps-grid td{text-align:center;border-radius:.35rem;padding:.3rem .5rem;min-width:4.5rem;line-height:1.2}
.ps-grid td small{display:block;font-size:.75em;opacity:.85}
.ps-grid td.none{opacity:.5;background:color-mix(in srgb,currentColor 4%,transparent)}
.ps-grid tr.gap>*{padding-top:.9rem}
.ps-grid .best{font-weight:700;text-decoration:underline;text-underline-offset:.2em}
@media(max-width:48rem){.ps-grid th[scope=row]{position:sticky;left:0;max-width:8.5rem;white-space:normal;z-index:1;
background:light-dark(#ffffff,#14171c)}}
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the number in words, a smaller line under it, its colour step and what hovering says."""

    text: str
    note: str = ""
    step: int = 0
    signed: bool = False
    title: str = ""
    best: bool = False


def grid(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell | None]]], caption: str = ""
) -> str:
    """Rows of cells under their columns; ``None`` is a dash."""
    head = tag("thead", tag("tr", tag("th", corner), *(tag("th", name, scope="col") for name in columns)))
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(_cell(cell, column) for cell, column in zip(cells, columns, strict=True)),
        )
        for name, cells in rows
    ]
    parts = [tag("caption", caption)] if caption else []
    table = tag("table", *parts, head, tag("tbody", *body), class_="ps-grid")
    return join((style(CSS), tag("div", table, class_="ps-grid-wrap", tabindex="0", role="region", aria_label=corner)))


def _cell(cell: Cell | None, column: str) -> Markup:
    if cell is None:
        return tag("td", wording.DASH, class_="none", title=f"{column}: not there")
    light, dark = (palette.swatch(cell.step, cell.signed, which) for which in (False, True))
    css = None
    if cell.step:
        css = f"background:{palette.both((light.background, dark.background))};color:"
        css += palette.both((light.text, dark.text))
    number = tag("span", cell.text, class_="best" if cell.best else None)
    note = [tag("small", cell.note)] if cell.note else []
    return tag("td", number, *note, style=css, title=cell.title or None)
