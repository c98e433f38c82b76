"""Definitions in plain words, from ``words.md``: a figure opens its own, the About page shows all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and what it means, in Markdown of our own."""

    title: str
    text: str


def _read() -> dict[str, Definition]:
    """Sections of the file: ``# key: Title`` and the text below it."""
    content = Path(__file__).with_name("words.md").read_text(encoding="utf-8")
    found = {}
    for section in content.removeprefix("# ").split("\n# "):
        head, _, text = section.partition("\n")
        key, _, title = head.partition(": ")
        found[key] = Definition(title, text.strip())
    return found


ALL: Final = _read()
SHARE, DELTA, RANK, WITHOUT, TAU = (ALL[key] for key in ("share", "delta", "rank", "without", "tau"))
NORM, POOLED_SHARE, TRAINING = (ALL[key] for key in ("norm", "pooled_share", "training"))
DISAGREE = ALL["disagree"]
NEAR, TIERS = ALL["near"], ALL["tiers"]
SCATTER, SLOPE, LADDER = (ALL[key] for key in ("scatter", "slope", "ladder"))
TVD, CONE, AOPC, PLAUSIBLE = (ALL[key] for key in ("tvd", "cone", "aopc", "plausible"))
FILM, JSD, SCORES, BASELINE = (ALL[key] for key in ("film", "jsd", "scores", "baseline"))
PAIRED, RANKS, OVERFLOW = (ALL[key] for key in ("paired", "mean_rank", "overflow"))
LIMITS, SOURCES = ALL["limits"], ALL["sources"]
# The order in which the About page tells them.
BASICS: Final = tuple(ALL[key] for key in ("pooling", "attention", "attribution", "faithfulness"))
NUMBERS: Final = (
    SHARE, RANK, DELTA, WITHOUT, NEAR, TAU, DISAGREE, NORM, POOLED_SHARE, JSD, TVD, CONE, AOPC, PLAUSIBLE, SCORES,
    BASELINE,
)  # fmt: skip
FIGURES: Final = (SCATTER, SLOPE, LADDER, TIERS, TRAINING, FILM, PAIRED, RANKS, OVERFLOW)
