"""How long readers over one encoder take together, the second one pooling what the first one's encoder said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.analysis import analyse
from models.attribution.accounts import Accounts
from models.bench.common import TASK, classifier_of, table, text_of, timed, where
from models.classifier import PoolingClassifier
from models.records import Analysis, MethodCall, Request

ENCODERS: Final = ("pretrained",)
POOLERS: Final = ("cls", "mean", "max", "attention", "apln")
CALLS: Final = (MethodCall("leave_one_out"), MethodCall("shapley_sampling"))
LENGTH: Final = 30
HEADER: Final = (
    "encoder", "readers", "together", "each for itself", "forwards, reused", "each for itself: forwards", "difference",
)  # fmt: skip


def alone(readers: Sequence[PoolingClassifier], text: str) -> list[Analysis]:
    """Both maps by every reader, each with a book of its own."""
    return [analyse(reader, Request(text, CALLS)) for reader in readers]


def together(readers: Sequence[PoolingClassifier], text: str) -> list[Analysis]:
    """The same with the book of one visitor, who has all of them on the page and has read nothing yet."""
    accounts = Accounts()
    accounts.states.expect({reader.encoder_digest for reader in readers if reader.encoder_digest})
    return [analyse(reader, Request(text, CALLS), accounts) for reader in readers]


def row(encoder: str, runs: int) -> list[str]:
    """Measure the readers over one encoder: one cell per column."""
    readers, text = [classifier_of(encoder, pooler) for pooler in POOLERS], text_of(LENGTH)
    ours, others = timed(runs, lambda text: together(readers, text), lambda text: alone(readers, text), texts=(text,))
    one, other = together(readers, text), alone(readers, text)
    forwards, reused = (sum(getattr(found, count) for found in one) for count in ("forwards", "reused"))
    read = sum(found.forwards for found in other)
    apart = max(
        abs(left - right)
        for found, plain in zip(one, other, strict=True)
        for made, expected in zip(found.attributions, plain.attributions, strict=True)
        for left, right in zip(made.scores or (), expected.scores or (), strict=True)
    )
    times = (str(ours), others.beside(ours))
    return [encoder, str(len(readers)), *times, f"{forwards:,}, {reused:,}", f"{read:,}", f"{apart:.0e}"]


def report(runs: int) -> str:
    """Measure and return the section for BENCHMARKS.md."""
    lines = [
        "## Readers over one encoder",
        "",
        f"Leave-one-out and Shapley sampling of one text of {LENGTH} words by the readers of `{TASK}` over one encoder "
        f"({', '.join(POOLERS)}), asked one after the other. {where(runs)} “Together” they have one book, as on a "
        "page: what the encoder says of a perturbed text is kept, and every further reader only pools it. "
        "“Difference” is the largest between two scores of the same word.",
        "",
        *table(HEADER, (row(encoder, runs) for encoder in ENCODERS)),
        "",
    ]
    return "\n".join(lines)
