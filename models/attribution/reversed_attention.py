"""The floor of attention turned upside down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores, needs_attention
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier


class ReversedAttention(AttributionMethod):
    """The attention weights handed out in reverse order: the word with the least gets the most.

    The multiset of weights stays, so sum and entropy do; only who holds them is turned round. Words
    tied in attention stay tied and divide what falls to them evenly. A measure that rates this map no
    worse than attention does not see attention's order.
    """

    name = "reversed_attention"
    title = "Reversed attention"
    family = "floor"
    question = "What if attention had it exactly the wrong way round?"
    formula = r"a_{(n + 1 - \mathrm{rank}(i))}"
    baseline = "none"
    cost = "nothing"
    source = "control: the order that erasure (Serrano & Smith, ACL 2019) should rate lowest if attention is right"
    signed = False
    complete = False
    on_demand = True
    blind = True

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Without attention weights there is nothing to turn round."""
        return needs_attention(classifier)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the weights in reverse order at the first piece of every word (T,), the same for every target."""
        assert reading.weights is not None
        weights = reading.weights[0].double().tolist()
        words = np.array([sum(weights[place] for place in places) for places in reading.units])
        return Scores(reading.placed(turned(words)))


def turned(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same weights (n,) in the opposite order of rank; ties share."""
    ranks = np.unique(weights, return_inverse=True)[1]
    handed = np.empty_like(weights)
    handed[np.argsort(weights, kind="stable")] = np.sort(weights)[::-1]
    shared: NDArray[np.float64] = (np.bincount(ranks, weights=handed) / np.bincount(ranks))[ranks]
    return shared
