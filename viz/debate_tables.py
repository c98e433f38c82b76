"""Tables of the debate: what moved where, what a map notices, what four orders of erasing reached."""

from __future__ import annotations

from collections.abc import Mapping

from models.experiment_records import Erasure, Sanity, SanityCell, SmallestEdit, Trial
from viz import wording
from viz.debate import word
from viz.markup import Markup, join, style, tag
from viz.rowtable import row_table

MOVES = 6
# A map that keeps this much of its order has hardly noticed.
HARDLY = 0.7
CSS = """
.ps-sanity{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;max-width:46rem;width:100%}
.ps-sanity th,.ps-sanity td{text-align:left;padding:.4rem .8rem .4rem 0;font-weight:400;vertical-align:baseline;
border-bottom:1px solid color-mix(in srgb,currentColor 13%,transparent)}
.ps-sanity thead th{font-size:.8125rem;opacity:.72}.ps-sanity tbody th{font-weight:500}
.ps-sanity .flag{font-weight:600;color:light-dark(#9a4310,#f0a562)}
.ps-sanity .soft{opacity:.72;font-size:.8125rem}
"""


def moves_words(trial: Trial, found: SmallestEdit) -> list[str]:
    """``3.2 % from “never” to “good”``, the largest first, and how much the rest moves."""
    told = [
        f"{wording.percent(move.mass)} from {word(trial, move.source)} to {word(trial, move.target)}"
        for move in found.moves[:MOVES]
    ]
    rest = sum(move.mass for move in found.moves[MOVES:])
    return [*told, f"{wording.percent(rest)} in smaller moves"] if rest else told


def sanity_html(found: Sanity) -> str:
    """Maps by parts, τ with the trained reader's map in each cell; those that did not notice are flagged in words."""
    cells = {(cell.method, cell.part): cell for cell in found.cells}
    titles = dict.fromkeys((cell.method, cell.title) for cell in found.cells)
    head = tag("tr", tag("th", "map", scope="col"), *(tag("th", f"without {t}", scope="col") for _, t in found.parts))
    rows = [
        tag("tr", tag("th", title, scope="row"), *(_cell(cells[method, part]) for part, _ in found.parts))
        for method, title in titles
    ]
    return join((style(CSS), tag("table", tag("thead", head), tag("tbody", *rows), class_="ps-sanity")))


def unmoved(found: Sanity) -> list[SanityCell]:
    """The cells whose map stayed the same to rounding."""
    return [cell for cell in found.cells if cell.same]


def erasure_rows(found: Erasure) -> list[Mapping[str, object]]:
    """Per order: the part of the words at which the answer flips, and the mean height of the curve."""
    return [
        {
            "order": curve.title,
            "answer flips after": "never" if curve.flip is None else wording.percent(curve.flip),
            "mean probability": wording.probability(curve.area),
        }
        for curve in found.curves
    ]


def erasure_html(found: Erasure) -> str:
    """The same as a table."""
    return row_table(erasure_rows(found), ("order", "answer flips after", "mean probability"))


def _cell(cell: SanityCell) -> Markup:
    if cell.reason is not None and cell.tau is None:
        return tag("td", tag("span", cell.reason, class_="soft"))
    said = f"τ {wording.tau(cell.tau)}"
    if cell.same:
        return tag("td", tag("span", "unchanged", class_="flag"), tag("span", f" {said}", class_="soft"))
    if cell.tau is not None and cell.tau >= HARDLY:
        return tag("td", tag("span", "hardly changed", class_="flag"), tag("span", f" {said}", class_="soft"))
    return tag("td", said)
