"""Raw attention."""

from __future__ import annotations

from models.attribution.base import AttributionMethod, Scores, floats, needs_attention
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier


class Attention(AttributionMethod):
    """The attention weights themselves: a_i = softmax(s)_i."""

    name = "attention"
    title = "Attention"
    family = "attention"
    question = "Where does the pooler look?"
    formula = r"a_i = \mathrm{softmax}(s)_i"
    baseline = "none: the weights sum to 1 whatever the prediction is"
    cost = "no forward beyond the prediction's own"
    source = "Bahdanau et al., ICLR 2015; as an explanation: Jain & Wallace, NAACL 2019"
    signed = False
    complete = False
    blind = True

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Without attention weights there is nothing to show."""
        return needs_attention(classifier)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return a (T,), the same for every target."""
        assert reading.weights is not None
        return Scores(floats(reading.weights[0]))
