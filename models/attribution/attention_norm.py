"""Attention times the length of what it weighs."""

from __future__ import annotations

import torch

from models.attribution.base import AttributionMethod, Scores, floats, needs_attention
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier


class AttentionNorm(AttributionMethod):
    """Norm-based attention: a_i ‖v_i‖₂, v_i what the weights weigh.

    A weight of .3 on a state of length 0.1 moves the pooled vector less than a weight of .1 on a
    state of length 2. Kobayashi et al. weigh transformed value vectors: so does self-attention,
    whose v_i = V h_i; every other pooler here weighs the state itself, v_i = h_i.
    """

    name = "attention_norm"
    title = "Attention × norm"
    family = "attention"
    question = "How much does each token put into the pooled vector, whatever its direction?"
    formula = r"a_i \lVert v_i \rVert_2 \quad (v_i = h_i;\ \text{self-attention: } V h_i)"
    baseline = "none"
    cost = "no forward beyond the prediction's own"
    source = "Kobayashi et al., EMNLP 2020"
    signed = False
    complete = False
    blind = True

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Without attention weights there is nothing to multiply."""
        return needs_attention(classifier)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return a_i ‖v_i‖ (T,), the same for every target."""
        assert reading.weights is not None
        with torch.no_grad():
            values = reading.classifier.pooler.values(reading.hidden)[0]
        return Scores(floats(reading.weights[0] * values.norm(dim=-1)))
