"""Shapley values by every coalition of words."""

from __future__ import annotations

from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores
from models.attribution.game import EMPTY, Game
from models.attribution.reading import Reading
from models.attribution.target import Target

MOST_WORDS: Final = 12


class ShapleyExact(AttributionMethod):
    """Shapley values by definition: a word's mean contribution over all orders in which words may come.

    Every coalition S of the n words is read, 2ⁿ texts, so n is at most 12. Absent words are
    deleted; of no words at all the worth is the logit of a single unknown word. The values are the
    only ones that sum to the logit's change (efficiency), treat interchangeable words alike
    (symmetry), give 0 to a word that never changes anything (dummy) and add up over logits
    (linearity). Texts without most of their words are no sentences: the classifier never saw such.
    """

    name = "shapley_exact"
    title = "Shapley, exact"
    family = "perturbation"
    question = "What does the word add to the logit, on average over every order in which the words may come?"
    formula = r"\sum_{S \not\ni i} \frac{|S|!\,(n-|S|-1)!}{n!} \big(v(S \cup i) - v(S)\big)"
    baseline = EMPTY
    cost = "2ⁿ forwards for n words, at most 4,096"
    source = "Shapley 1953; for classifiers: Štrumbelj & Kononenko, JMLR 2010"
    signed = True
    complete = True
    on_demand = True

    def most_forwards(self, words: int) -> int:
        """Every coalition; too long a text is refused."""
        return 2**words if words <= MOST_WORDS else 0

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the Shapley values (T,), or the reason why there are too many words."""
        words = len(reading.units)
        if words > MOST_WORDS:
            reason = (
                f"Exact Shapley values need every one of 2ⁿ coalitions, which is done for {MOST_WORDS} words or fewer; "
                f"this text has {words}: take Shapley sampling or Kernel SHAP."
            )
            return Scores(None, reason=reason)
        game = Game(reading, target)
        numbers = np.arange(2**words)
        worth = game((numbers[:, None] >> np.arange(words)) & 1 == 1)
        values, change = shapley(worth), game.whole - float(worth[0])
        delta = float(values.sum()) - change
        return Scores(reading.placed(values), delta=delta, change=change, baseline=self.baseline)


def shapley(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values (n,) of a game given by the worth (2ⁿ,) of coalition S at Σ_{i∈S} 2^i."""
    n = len(worth).bit_length() - 1
    numbers = np.arange(len(worth))
    sizes = (numbers[:, None] >> np.arange(n) & 1).sum(1)
    weights = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    values = np.empty(n)
    for i in range(n):
        without = numbers[(numbers >> i) & 1 == 0]
        values[i] = weights[sizes[without]] @ (worth[without + (1 << i)] - worth[without])
    return values
