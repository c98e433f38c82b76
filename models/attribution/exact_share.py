"""The exact decomposition of a logit at the pooler."""

from __future__ import annotations

import torch

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier


class ExactShare(AttributionMethod):
    """Each token's exact part of the logit: logit_c = b_c + Σ_i W_c · contribution_i.

    For poolers that are positively homogeneous of degree 1 in the states, Euler's theorem splits
    the pooled vector over the tokens without remainder: r_d = Σ_i share_id r_d. For attention the
    part of token i is a_i (W_c · h_i). The decomposition starts at the token states: what an
    encoder mixed into state i counts for token i. A pooler that is not homogeneous may integrate
    its gradient along the straight path from its reference instead, which for a homogeneous one
    gives the same parts; the map then says so.
    """

    name = "exact_share"
    title = "Exact share"
    family = "attention"
    question = "How much of the logit does each token state carry through the pooler?"
    formula = r"\phi_i = \sum_d W_{cd}\,\mathrm{share}_{id}\,r_d \quad (\text{attention: } a_i\,W_c\cdot h_i)"
    baseline = "the pooler's own zero point: h = 0, learned centres, or limited states of 0"
    cost = "no forward beyond the prediction's own"
    source = "Euler's theorem on homogeneous functions; for attention: Brunner et al., ICLR 2020"
    signed = True
    complete = True
    scalars = ("logit",)

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Only homogeneous and path-integrated poolers can be split without remainder."""
        if classifier.pooler.homogeneous or classifier.pooler.path_integrated:
            return None
        title = classifier.pooler.title
        return f"{title} is not homogeneous in the states, so its vector has no exact split by token."

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return W_c · contribution_i (T,) with Σ = logit_c − b_c."""
        classifier = reading.classifier
        with torch.no_grad():
            whole = reading.hidden if classifier.pooler.divides == "states" else reading.pooled
            parts = classifier.pooler.divided(reading.shares.unsqueeze(0), whole)[0]
            values = parts @ target.vector(classifier.head.weight)
            change = reading.value(target) - float(target.vector(classifier.head.bias))
        warning = None
        if not classifier.pooler.homogeneous:
            warning = (
                f"{classifier.pooler.title} is not homogeneous in the states, so its formula does not divide itself: "
                f"these parts are integrals along the straight path from states of 0, which sum to the logit as well."
            )
        return Scores(
            floats(values),
            warning=warning,
            delta=float(values.double().sum()) - change,
            change=change,
            baseline=f"{classifier.pooler.reference}: all that is left of the {target.word} is the head's bias",
        )
