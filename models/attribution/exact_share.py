"""The exact decomposition of a logit at the pooler."""

from __future__ import annotations

import torch

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading
from models.classifier import PoolingClassifier


class ExactShare(AttributionMethod):
    """Each token's exact part of the logit: logit_c = b_c + Σ_i W_c · contribution_i.

    For poolers that are positively homogeneous of degree 1 in the states, Euler's theorem splits
    the pooled vector over the tokens without remainder: r_d = Σ_i share_id r_d. For attention the
    part of token i is a_i (W_c · h_i). The decomposition starts at the token states: what an
    encoder mixed into state i counts for token i.
    """

    name = "exact_share"
    title = "Exact share"
    family = "exact"
    question = "How much of the logit does each token state carry through the pooler?"
    formula = r"\phi_i = \sum_d W_{cd}\,\mathrm{share}_{id}\,r_d \quad (\text{attention: } a_i\,W_c\cdot h_i)"
    baseline = "the pooler's own zero point: h = 0, learned centres, or limited states of 0"
    cost = "no forward beyond the prediction's own"
    source = "Euler's theorem on homogeneous functions; for attention: Brunner et al., ICLR 2020"
    signed = True
    complete = True

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Only homogeneous poolers can be split exactly."""
        if classifier.pooler.homogeneous:
            return None
        title = classifier.pooler.title
        return f"{title} is not homogeneous in the states, so its vector has no exact split by token."

    def attribute(self, reading: Reading, target: int) -> Scores:
        """Return W_c · contribution_i (T,) with Σ = logit_c − b_c."""
        classifier = reading.classifier
        with torch.no_grad():
            parts = classifier.pooler.contributions(reading.hidden, reading.mask)[0]
            values = parts @ classifier.head.weight[target]
            change = reading.logit(target) - float(classifier.head.bias[target])
        return Scores(
            floats(values),
            delta=float(values.double().sum()) - change,
            change=change,
            baseline=f"{classifier.pooler.reference}: all that is left of the logit is the head's bias",
        )
