"""What breaks when the pooler is exchanged under a frozen encoder and head."""

from __future__ import annotations

from models.norm_records import Swap, SwapRow
from viz import panels, wording


def swap_rows(found: Swap) -> list[dict[str, object]]:
    """One row per pooler: prediction, margin of the reader's own answer, distance, examples that changed."""
    return [_row(found, row) for row in found.rows]


def _row(found: Swap, row: SwapRow) -> dict[str, object]:
    margin = f"log-odds of “{found.labels[found.target]}”"
    if row.probabilities is None or row.margin is None or row.distance is None:
        return {"pooler": row.title, "predicts": row.reason, margin: None, "TVD": None, "changed examples": None}
    told = panels.told(row.probabilities)
    flips = row.probabilities.index(max(row.probabilities)) != found.target
    classes = ", ".join(f"{found.labels[c]} {wording.probability(row.probabilities[c])}" for c in told)
    return {
        "pooler": row.title,
        "predicts": classes + (" (changed)" if flips else ""),
        margin: wording.number(row.margin, plus=True),
        "TVD": None if row.own else wording.number(row.distance),
        "changed examples": None if row.own or not row.of else f"{row.changed} of {row.of}",
    }


def worst(found: Swap) -> str:
    """Which exchange changes most predictions on the examples, in a sentence; empty without examples."""
    others = [row for row in found.rows if not row.own and row.changed is not None and row.of]
    if not others:
        return ""
    most, least = max(row.changed or 0 for row in others), min(row.changed or 0 for row in others)
    named = [row.title for row in others if row.changed == most]
    said = f"Of {wording.count(others[0].of, 'example')} of this task, "
    if most == least:
        return f"{said}every exchange changes the prediction of {most}."
    names = "” and “".join(named)
    return f"{said}“{names}” changes the most predictions, {most}; the mildest exchange changes {least}."
