"""What a classifier attends to on a few fixed sentences, kept for every epoch of its training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from models.classifier import PoolingClassifier
from models.records import MethodCall, Request, Token
from models.text import WordTokenizer

GRADIENT = MethodCall("input_gradient", (("attention", "detached"),))
DIGITS = 4


def probe(classifier: PoolingClassifier, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return, per text, shares or attention weights, the prediction and τ(attention, gradient).

    Weights are per word of :class:`~models.text.WordTokenizer`, so that readers of words and readers of
    sub-words are followed on the same tokens: a word has the sum of its pieces, and ``special`` is what
    [CLS] and its like have, where there are any. The gradient is |gradient × embedding| with the
    attention held constant, as Jain & Wallace take it; τ is over the reader's own tokens, and ``None``
    for poolers without attention.
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
        weights = by_word(text, analysis.tokens, shown)
        record = {
            "attention": [round(value, DIGITS) for value in weights],
            "probabilities": [round(value, DIGITS) for value in analysis.prediction.probabilities],
            "tau": None if not tau or tau[0] is None else round(tau[0], DIGITS),
        }
        special = analysis.trace.special_share if analysis.trace.weights is None else analysis.trace.special_weight
        records.append({**record, "special": round(special, DIGITS)} if special else record)
    classifier.to(device).train(was_training)
    return records


def by_word(text: str, tokens: Sequence[Token], values: Sequence[float]) -> list[float]:
    """Sum the values of tokens of any kind over the words of ``text``, up to the last word that was read."""
    ends = [word.end for word in WordTokenizer()(text)]
    sums = [0.0] * (bisect_right(ends, tokens[-1].start) + 1)
    for token, value in zip(tokens, values, strict=True):
        sums[bisect_right(ends, token.start)] += value
    return sums
