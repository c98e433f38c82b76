"""Attention times the slope of the target along it."""

from __future__ import annotations

import torch

from models.attribution.base import AttributionMethod, Scores, floats, needs_attention
from models.attribution.reading import Reading, differentiable
from models.attribution.target import Target
from models.classifier import PoolingClassifier


class AttentionGradient(AttributionMethod):
    """Attention × gradient: a_i ∂F / ∂a_i, the weights imposed as free numbers on unchanged states.

    Where the pooled vector is Σ a_i h_i and F a logit, the slope is W_c · h_i and the map is the exact
    share. Elsewhere the two part: a norm pooler may normalise its weights away, so that the map sums to
    0. Of several hops or heads each has a slope of its own, and a token gets the sum of its products.
    """

    name = "attention_gradient"
    title = "Attention × gradient"
    family = "attention"
    question = "To first order, what does each weight, taken as it stands, do to the logit?"
    formula = r"a_i \cdot \partial F / \partial a_i"
    baseline = "no weight on the token, to first order only; the other weights are not raised for it"
    cost = "one backward pass from the logit to the weights"
    source = "Serrano & Smith, ACL 2019"
    signed = True
    complete = False

    @property
    def passes_weights(self) -> bool:
        """No: the gradient ends at the weights, so that no stand-in for the choice of a hard pooler is used."""
        return False

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Without attention weights there is nothing to differentiate by."""
        return needs_attention(classifier)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return a_i ∂F/∂a_i (T,), summed over the maps of a pooler that has several."""
        classifier, hidden, mask = reading.classifier, reading.hidden, reading.mask
        assert reading.own_weights is not None
        with torch.enable_grad(), differentiable(reading.ids):
            weights = reading.own_weights.detach().requires_grad_()
            logits = classifier.decide(classifier.pool(hidden, mask, weights))
            (slope,) = torch.autograd.grad(target(logits)[0], weights)
        # (T,), or (T, maps) of a pooler with several.
        return Scores(floats((weights * slope)[0].reshape(len(reading), -1).sum(-1)))
