"""What a classifier attends to on a few fixed sentences, kept for every epoch of its training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.classifier import PoolingClassifier
from models.records import MethodCall, Request

GRADIENT = MethodCall("input_gradient", (("attention", "detached"),))
DIGITS = 4


def probe(classifier: PoolingClassifier, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return, per text, shares or attention weights, the prediction and τ(attention, gradient).

    The gradient is |gradient × embedding| with the attention held constant, as Jain & Wallace
    take it; τ is ``None`` for poolers without attention.
    """
    if not texts:
        return []
    from models.analysis import analyse

    was_training = classifier.training
    device = classifier.head.weight.device
    classifier.cpu().eval()
    records = []
    for text in texts:
        analysis = analyse(classifier, Request(text, (MethodCall("attention"), GRADIENT)))
        shown = analysis.trace.weights if analysis.trace.weights is not None else analysis.trace.shares
        tau = [a.value for a in analysis.agreements if a.metric == "kendall_tau"]
        records.append(
            {
                "attention": [round(value, DIGITS) for value in shown],
                "probabilities": [round(value, DIGITS) for value in analysis.prediction.probabilities],
                "tau": None if not tau or tau[0] is None else round(tau[0], DIGITS),
            }
        )
    classifier.to(device).train(was_training)
    return records
