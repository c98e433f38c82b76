"""Agreement of maps as a grid: methods × readers, the number in every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.records import Agreement, Analysis
from viz import palette, wording
from viz.markup import Markup, join, style, tag

NAMES = {"kendall_tau": "Kendall τ_b", "spearman": "Spearman ρ", "top_k_overlap": "Top-5 overlap"}

CSS = """
.ps-agree{border-collapse:separate;border-spacing:3px;font-size:.875rem;font-variant-numeric:tabular-nums}
.ps-agree th{font-weight:500;text-align:left;padding:.3rem .7rem .3rem .1rem;vertical-align:bottom}
.ps-agree th[scope=col]{text-align:center;padding:.3rem .5rem;min-width:8rem}
.ps-agree td{text-align:center;border-radius:.35rem;padding:.4rem .6rem;min-width:5.5rem}
.ps-agree td.none{opacity:.7;background:color-mix(in srgb,currentColor 4%,transparent)}
.ps-agree sup{font-size:.65em;margin-left:.15em}
.ps-agree .badge{display:inline-block;width:1.35rem;border-radius:.3rem;font-weight:700;font-size:.75rem;
line-height:1.35rem;margin-right:.4rem}
.ps-agree-wrap{overflow-x:auto}.ps-agree-note{font-size:.8125rem;opacity:.75;margin:.35rem 0 0}
"""


def pairs(analyses: Sequence[Analysis], metric: str, reference: str | None) -> list[tuple[str, str]]:
    """The pairs of map keys to compare, in the order of the methods shown.

    With a ``reference`` every map is compared with that one, without it all pairs are listed.
    """
    found: dict[tuple[str, str], None] = {}
    for analysis in analyses:
        for item in analysis.agreements:
            if item.metric != metric:
                continue
            if reference is None:
                found[item.left, item.right] = None
            elif reference in (item.left, item.right):
                found[reference, item.right if item.left == reference else item.left] = None
    return list(found)


def lookup(analysis: Analysis, metric: str, left: str, right: str) -> Agreement | None:
    """The agreement of two maps in either order (the metrics shown here are symmetric)."""
    for item in analysis.agreements:
        if item.metric == metric and {item.left, item.right} == {left, right}:
            return item
    return None


def agreement_grid(
    analyses: Sequence[Analysis],
    reference: str | None = "attention",
    metric: str = "kendall_tau",
    colours: Mapping[str, int] | None = None,
) -> str:
    """HTML table: one row per map (or pair), one column per reader, τ in each cell.

    Undefined cells hold a dash and a number that leads to the reason below; p-value, n and what
    was ranked stand in the cell's tooltip. Colour runs from -1 (blue) over 0 to 1 (orange).
    """
    rows = pairs(analyses, metric, reference)
    if not rows:
        return tag("p", "Two maps or more are needed to compare them.", class_="ps-agree-note")
    titles = {a.key: a.title for analysis in analyses for a in analysis.attributions}
    name = NAMES.get(metric, metric)
    corner = name if reference is None else f"{name} with {titles.get(reference, reference)}"
    reasons: dict[str, int] = {}
    body = []
    for left, right in rows:
        title = titles.get(right, right)
        if reference is None:
            title = f"{titles.get(left, left)} ~ {title}"
        cells = [_cell(lookup(a, metric, left, right), reasons) for a in analyses]
        body.append(tag("tr", tag("th", title, scope="row"), *cells))
    places = colours or {}
    heads = [_head(a, places.get(a.model.id, place)) for place, a in enumerate(analyses)]
    table = tag(
        "table",
        tag("thead", tag("tr", tag("th", corner), *heads)),
        tag("tbody", *body),
        class_="ps-agree",
    )
    notes = [f"{number} {reason}" for reason, number in reasons.items()]
    low = "0 = none in common" if metric == "top_k_overlap" else f"0 = unrelated, {wording.MINUS}1 = reversed"
    notes.append(f"{name}: 1 = full agreement on the order of the words, {low}. Hover a cell for p and n.")
    return join(
        (style(CSS), tag("div", table, class_="ps-agree-wrap"), *(tag("p", n, class_="ps-agree-note") for n in notes))
    )


def agreement_rows(analyses: Sequence[Analysis]) -> list[dict[str, str | int | float | None]]:
    """Every agreement as a plain row, for the table and the download."""
    return [
        {
            "reader": analysis.model.title,
            "metric": item.metric,
            "left": item.left,
            "right": item.right,
            "value": item.value,
            "p_value": item.p_value,
            "n": item.n,
            "ranked": item.basis,
            "reason": item.reason,
        }
        for analysis in analyses
        for item in analysis.agreements
    ]


def _head(analysis: Analysis, place: int) -> Markup:
    light, dark = palette.reader(place), palette.reader(place, True)
    ink = palette.both((palette.text_on(light), palette.text_on(dark)))
    badge = tag(
        "span",
        palette.mark(place),
        class_="badge",
        style=f"background:{palette.both((light, dark))};color:{ink}",
    )
    return tag("th", badge, analysis.model.title, scope="col")


def _cell(item: Agreement | None, reasons: dict[str, int]) -> Markup:
    """One cell; undefined ones are numbered and explained under the table."""
    if item is None or item.value is None:
        reason = "not computed for this reader" if item is None else str(item.reason)
        number = reasons.setdefault(reason, len(reasons) + 1)
        return tag("td", wording.DASH, tag("sup", str(number)), class_="none", title=reason)
    step = palette.step(item.value, 1.0)
    light, dark = palette.swatch(step, True), palette.swatch(step, True, True)
    css = ""
    if step:
        css = f"background:{palette.both((light.background, dark.background))};"
        css += f"color:{palette.both((light.text, dark.text))}"
    ranked = "magnitudes ranked" if item.basis == "magnitude" else "signed scores ranked"
    return tag("td", wording.tau(item.value), title=f"{wording.agreement(item)}, {ranked}", style=css or None)
