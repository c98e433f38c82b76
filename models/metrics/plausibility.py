"""Plausibility: does a map point at the words that a person marked? It says nothing about faithfulness."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

NOTHING_MARKED = "Mark at least one word, and leave at least one unmarked: otherwise there is nothing to find."


@dataclass(frozen=True, slots=True)
class Plausibility:
    """How well one map finds the marked words: AUPRC, token-F1 and IOU of its top words, as many as are marked.

    ``base`` is the part of the words that is marked, which is what AUPRC is for a map made by chance. ``found`` is
    whether IOU is .5 or more, as ERASER counts it. All ``None`` with a ``reason`` where they are undefined.
    """

    auprc: float | None
    token_f1: float | None
    iou: float | None
    found: bool | None
    base: float | None
    reason: str | None = None


def judge(scores: Sequence[float], marked: Collection[int]) -> Plausibility:
    """Hold scores (n,) against the places of marked words (DeYoung et al. 2020)."""
    n, marks = len(scores), {place for place in marked if 0 <= place < len(scores)}
    if not marks or len(marks) == n:
        return Plausibility(None, None, None, None, None, NOTHING_MARKED)
    k = len(marks)
    top = set(sorted(range(n), key=lambda i: -scores[i])[:k])
    shared = len(top & marks)
    iou = shared / len(top | marks)
    # As many words are taken as are marked, so precision, recall and their mean are one number.
    return Plausibility(average_precision(scores, marks), shared / k, iou, iou >= 0.5, k / n)


def average_precision(scores: Sequence[float], marks: Collection[int]) -> float:
    """Return the area under precision and recall as a sum of steps, Σ (R_t − R_{t−1}) P_t over thresholds t.

    Words of equal score pass a threshold together, so that their order in the text does not count.
    """
    area = hits = taken = 0.0
    for threshold in sorted(set(scores), reverse=True):
        tied = [i for i, score in enumerate(scores) if score == threshold]
        new = sum(i in marks for i in tied)
        hits, taken = hits + new, taken + len(tied)
        area += new / len(marks) * hits / taken
    return area
