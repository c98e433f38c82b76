"""Plain rows as a real HTML table: read by screen readers, wrapped on narrow screens, escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viz import palette
from viz.markup import Markup, join, style, tag

CSS = """
.ps-rows{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
.ps-rows th,.ps-rows td{text-align:left;padding:.38rem .9rem .38rem 0;vertical-align:baseline;font-weight:400;
border-bottom:1px solid color-mix(in srgb,currentColor 13%,transparent);overflow-wrap:anywhere}
.ps-rows thead th{font-size:.8125rem;opacity:.7;white-space:nowrap}
.ps-rows tbody th{font-weight:500;white-space:nowrap}
.ps-rows .badge{display:inline-block;width:1.35rem;border-radius:.3rem;font-weight:700;font-size:.75rem;
line-height:1.35rem;margin-right:.5rem;text-align:center}
.ps-rows caption{text-align:left;font-size:.8125rem;opacity:.7;padding-bottom:.3rem}
@media(max-width:40rem){.ps-rows thead{display:none}.ps-rows tr{display:block;padding:.5rem 0}
.ps-rows th{display:block;border:0;padding:.1rem 0}
.ps-rows td{display:inline-block;border:0;padding:.1rem .9rem .1rem 0}
.ps-rows td[data-name]::before{content:attr(data-name) ": ";opacity:.7}.ps-rows td:empty{display:none}}
"""


def row_table(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    caption: str = "",
    places: Mapping[str, int] | None = None,
) -> str:
    """The named ``columns`` of ``rows``; the first one is the row's heading and is written once per run.

    ``places`` maps headings to a place in the reader palette, whose letter is then put before
    them. ``None`` becomes an empty cell.
    """
    body: list[Markup] = []
    last: object = None
    for row in rows:
        heading = row.get(columns[0])
        cells = [_heading(str(heading), (places or {}).get(str(heading)), repeated=heading == last)]
        cells += [tag("td", "" if row.get(name) is None else row[name], data_name=name) for name in columns[1:]]
        body.append(tag("tr", *cells))
        last = heading
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in columns)))
    parts = [tag("caption", caption)] if caption else []
    return join((style(CSS), tag("table", *parts, head, tag("tbody", *body), class_="ps-rows")))


def _heading(words: str, place: int | None, *, repeated: bool) -> Markup:
    """The heading of a row; a repeated one is there for screen readers only."""
    if repeated:
        return tag("th", scope="row", aria_label=words)
    if place is None:
        return tag("th", words, scope="row")
    light, dark = palette.reader(place), palette.reader(place, True)
    ink = palette.both((palette.text_on(light), palette.text_on(dark)))
    css = f"background:{palette.both((light, dark))};color:{ink}"
    return tag("th", tag("span", palette.mark(place), class_="badge", style=css), words, scope="row")
