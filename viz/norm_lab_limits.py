"""Scale limits side by side: what became of the states, and what each word takes with it when erased."""

from __future__ import annotations

from models.norm_records import LimitRow, ScaleLimits
from viz import markup, palette, panels, wording
from viz.grid import Cell, grid
from viz.study_tables import LIMITS

WORDS = 30


def limit_rows(found: ScaleLimits) -> list[dict[str, object]]:
    """One row per limit: negative states, zeros, prediction, and whether erasing depends on the scaling."""
    return [
        {
            "scale limit": LIMITS[row.limit] + (", as trained" if row.trained else ""),
            "negative states made alike": f"{wording.percent(row.lost)} of {wording.percent(row.negative)}",
            "a state of 0 becomes": _span(row.zero),
            "at the floor": wording.percent(row.floor),
            "predicts": ", ".join(
                f"{found.labels[c]} {wording.probability(row.probabilities[c])}" for c in panels.told(row.probabilities)
            ),
            "erasing, anew against frozen": _agreement(row),
        }
        for row in found.rows
    ]


def loss_html(found: ScaleLimits, *, frozen: bool) -> str:
    """Words down, limits across: what erasing the word takes off the log-odds of the target.

    The large number is with the scaling fitted anew or, if ``frozen``, with that of the whole text; the small one the
    other way, where the two differ. Of a long text the words that take most stand here, in text order.
    """
    shown = [(row.frozen, row.rescaled) if frozen else (row.rescaled, row.frozen) for row in found.rows]
    sizes = [max(abs(one[i] or 0.0) for pair in shown for one in pair) for i in range(len(found.tokens))]
    kept = [i for i, token in enumerate(found.tokens) if token.state != "deleted"]
    strongest = sorted(sorted(kept, key=lambda i: -sizes[i])[:WORDS])
    top = max((sizes[i] for i in strongest), default=0.0)
    body = [
        (f"{i + 1}  {markup.visible(found.tokens[i].text) or '◦'}", [_cell(one[i], two[i], top) for one, two in shown])
        for i in strongest
    ]
    less = f", {WORDS} of {wording.count(len(kept), 'word')}" if len(kept) > WORDS else ""
    how = "frozen" if frozen else "fitted anew"
    caption = f"taken off the log-odds of “{found.labels[found.target]}” by erasing the word, scaling {how}{less}"
    return grid("word", [LIMITS[row.limit] for row in found.rows], body, caption)


def loss_rows(found: ScaleLimits) -> list[dict[str, object]]:
    """The same as plain rows, for the download."""
    return [
        {"word": token.text, "scale limit": row.limit, "fitted anew": row.rescaled[i], "frozen": row.frozen[i]}
        for row in found.rows for i, token in enumerate(found.tokens)
    ]  # fmt: skip


def _cell(value: float | None, other: float | None, top: float) -> Cell | None:
    if value is None:
        return None
    said = wording.number(value, plus=True)
    differs = other is not None and wording.number(other, plus=True) != said
    step = palette.step(value, top) if top else 0
    return Cell(said, wording.number(other, plus=True) if differs and other is not None else "", step, signed=True)


def _span(zero: tuple[float, float]) -> str:
    low, high = (wording.number(value) for value in zero)
    return low if low == high else f"{low} to {high}"


def _agreement(row: LimitRow) -> str:
    if row.rescaled == row.frozen:
        return "the same" if any(value is not None for value in row.frozen) else "nothing left to pool"
    if row.tau is None:
        return str(row.reason)
    most = max(abs(x - y) for x, y in zip(row.rescaled, row.frozen, strict=True) if x is not None and y is not None)
    return f"τ {wording.tau(row.tau)}, up to {wording.number(most)} apart"
