"""Where the maps of one reader disagree: methods against methods, and the words behind the worst pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType

from models.records import Agreement, Analysis, Disagreement, RankGap
from viz import markup, palette, wording
from viz.grid import Cell, grid
from viz.markup import Markup, join, style, tag
from viz.rowtable import row_table

NAMES: Mapping[str, str] = MappingProxyType({
    "feature_agreement": "Words",
    "rank_agreement": "Ranks",
    "sign_agreement": "Signs",
    "signed_rank_agreement": "Signed ranks",
    "spearman": "Rank correlation",
})  # fmt: skip
EXPLAINED: Mapping[str, str] = MappingProxyType({
    "feature_agreement": "the part of the {k} strongest words that both maps name",
    "rank_agreement": "the part of the first {k} ranks that hold the same word in both maps",
    "sign_agreement": "the part of the {k} strongest words that both maps name with the same sign",
    "signed_rank_agreement": "the part of the first {k} ranks that hold the same word with the same sign in both maps",
    "spearman": "Spearman's ρ of the sizes over all words: 1 the same order, −1 reversed",
})  # fmt: skip
COLUMNS = ("maps", *NAMES.values(), "words that stand furthest apart")
FEW = 6
WORDS = 3
# A number after a dash on the line would read as a negative value.
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
CSS = ".ps-dis-note{font-size:.8125rem;opacity:.75;margin:.35rem 0 0}"


def matrix(analysis: Analysis, found: Sequence[Disagreement], measure: str) -> str:
    """Methods against methods by one measure; each pair once, below the diagonal, with its reason where undefined."""
    if not found:
        return tag("p", "Two maps or more are needed to compare them.")
    titles = [(a.key, a.title) for a in analysis.attributions]
    pairs = {(d.left, d.right): d for d in found}
    reasons: dict[str, int] = {}
    rows = []
    for place, (key, title) in enumerate(titles[1:], start=1):
        cells = [_cell(pairs[other, key].of(measure), reasons) for other, _ in titles[:place]]
        rows.append((title, [*cells, *[Cell("")] * (len(titles) - 1 - place)]))
    k = found[0].k
    notes = [tag("p", f"{str(number).translate(_RAISED)} {reason}", class_="ps-dis-note")
             for reason, number in reasons.items()]  # fmt: skip
    said = f"{NAMES[measure]}: {EXPLAINED[measure].format(k=k)}."
    table = grid(NAMES[measure] + ("" if measure == "spearman" else f" at k = {k}"), [t for _, t in titles[:-1]], rows)
    return join((style(CSS), Markup(table), tag("p", said, class_="ps-dis-note"), *notes))


def pair_table(analysis: Analysis, found: Sequence[Disagreement], measure: str, *, every: bool = False) -> str:
    """The pairs that agree least by ``measure`` first, all measures of each, and the words that part them."""
    rows = pair_rows(analysis, found, measure)
    return row_table(rows if every else rows[:FEW], COLUMNS) if rows else ""


def pair_rows(analysis: Analysis, found: Sequence[Disagreement], measure: str) -> list[dict[str, str]]:
    """The same as plain rows, pairs without a value last."""
    titles = {a.key: a.title for a in analysis.attributions}
    places = count()

    def least(d: Disagreement) -> tuple[bool, float, int]:
        value = d.of(measure).value
        return (value is None, value or 0.0, next(places))

    return [
        {
            "maps": f"{titles[d.left]} ~ {titles[d.right]}",
            **{title: wording.tau(d.of(name).value) for name, title in NAMES.items()},
            COLUMNS[-1]: ", ".join(_gap(analysis, gap) for gap in d.gaps[:WORDS]) or _none(d),
        }
        for d in sorted(found, key=least)
    ]


def disagreement_rows(analyses: Sequence[tuple[Analysis, Sequence[Disagreement]]]) -> list[dict[str, object]]:
    """Every number as a plain row, for the download."""
    return [
        {
            "reader": analysis.model.title, "left": d.left, "right": d.right, "k": d.k,
            "measure": item.metric.partition("@")[0], "value": item.value, "n": item.n, "reason": item.reason,
        }
        for analysis, found in analyses
        for d in found
        for item in (*d.found, d.correlation)
    ]  # fmt: skip


def _cell(item: Agreement, reasons: dict[str, int]) -> Cell:
    if item.value is None:
        number = reasons.setdefault(str(item.reason), len(reasons) + 1)
        return Cell(wording.DASH + str(number).translate(_RAISED), title=str(item.reason))
    return Cell(wording.tau(item.value), step=palette.step(item.value, 1.0), signed=item.metric == "spearman",
                title=f"{wording.tau(item.value)} of {wording.count(item.n, 'word')}")  # fmt: skip


def _gap(analysis: Analysis, gap: RankGap) -> str:
    """``“never” 1 → 9 (42 %)``: the word, its two ranks, its part of the squared differences."""
    word = markup.visible(analysis.tokens[gap.index].text)
    return f"“{word}” {_rank(gap.left)} → {_rank(gap.right)} ({wording.percent(gap.part)})"


def _rank(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"


def _none(d: Disagreement) -> str:
    return "none: the ranks are the same" if d.correlation.value is not None else str(d.correlation.reason)
