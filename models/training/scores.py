"""Test scores, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor


def scores(logits: Tensor, labels: Sequence[int]) -> dict[str, float]:
    """Return accuracy and macro-F1 (mean of the per-class F1, absent classes counting 0)."""
    predicted, classes = logits.argmax(1).tolist(), list(range(logits.shape[1]))
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "macro_f1": float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
    }
