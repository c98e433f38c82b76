"""The learned p of every cell: tasks and encoders down, poolers across, the number in each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from viz import palette, wording
from viz.grid import Cell, grid

# The colour is full where p is this many times (or this part of) an average's 1.
FULL = 4.0


@dataclass(frozen=True, slots=True)
class NormCell:
    """The p of one cell: the middle one, the extremes over dimensions and seeds, and where it started."""

    row: str
    column: str
    learned: float
    low: float
    high: float
    initial: float | None = None
    runs: int = 1


def norm_grid(cells: Sequence[NormCell], corner: str = "task · encoder") -> str:
    """HTML table of p; orange above 1 (towards the maximum), blue below (towards the small ones), log scale."""
    rows, columns = (list(dict.fromkeys(getattr(cell, name) for cell in cells)) for name in ("row", "column"))
    at: Mapping[tuple[str, str], NormCell] = {(cell.row, cell.column): cell for cell in cells}
    body = [(row, [_cell(at.get((row, column))) for column in columns]) for row in rows]
    return grid(corner, columns, body, "learned p; 1 = average, ∞ = maximum")


def _cell(cell: NormCell | None) -> Cell | None:
    if cell is None:
        return None
    step = palette.step(math.log(cell.learned), math.log(FULL)) if wording.exponent(cell.learned) != "1.00" else 0
    spans = wording.exponent(cell.low) != wording.exponent(cell.high)
    note = f"{wording.exponent(cell.low)}{wording.DASH}{wording.exponent(cell.high)}" if spans else ""
    started = "" if cell.initial is None else f"; it started at {wording.exponent(cell.initial)}"
    several = f", mean of {cell.runs} seeds" if cell.runs > 1 else ""
    title = f"{cell.row}, {cell.column}: p = {wording.exponent(cell.learned)}{several}{started}"
    return Cell(wording.exponent(cell.learned), note, step, signed=True, title=title)


def norm_row(cell: NormCell) -> dict[str, object]:
    """The same as a plain row, for the download."""
    return {"cell": cell.row, "pooler": cell.column, "initial p": cell.initial, "learned p": cell.learned,
            "lowest": cell.low, "highest": cell.high, "seeds": cell.runs}  # fmt: skip
