"""The scorecard: what each experiment found on this text, side by side, and no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.experiment_records import Reference
from viz import debate
from viz.rowtable import row_table

NO_VERDICT = (
    "There is no sum of these rows. They ask different questions: whether orders agree, whether other weights would "
    "do, whether the words are needed. An attention map may pass one and fail another, and which one counts depends "
    "on what you want to use it for."
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row: the question, what was found, the number with its distribution, what it bears on."""

    question: str
    found: str
    value: float | None
    reference: Reference | None
    bears: str


def scorecard_html(rows: Sequence[Evidence]) -> str:
    """The rows as a table."""
    return row_table([
        {
            "question": row.question,
            "on this text": row.found,
            "among test texts": "" if row.value is None else debate.beside(row.value, row.reference),
            "bears on": row.bears,
        }
        for row in rows
    ], ("question", "on this text", "among test texts", "bears on"))  # fmt: skip
