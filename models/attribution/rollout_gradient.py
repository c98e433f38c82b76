"""Rollout of what the attention does for the target, head by head."""

from __future__ import annotations

import torch

from models.attribution.base import Scores, floats
from models.attribution.layers import LayerMethod, encode, mixed
from models.attribution.reading import Reading
from models.attribution.target import Target


class RolloutGradient(LayerMethod):
    """Gradient-weighted rollout: R ← R + mean_heads (∂F/∂A ⊙ A)⁺ R from R = I, layer by layer.

    Heads that do nothing for F drop out, and so does what speaks against it. The last step is the
    pooler, taken the same way: (h_i · ∂F/∂h_i)⁺ with its weights held, which for attention is (a_i ∂F/∂a_i)⁺,
    times R. Layers that a state mixes by learned shares are mixed alike. Only what raises F is followed,
    so that a text whose every state speaks against the class has a map of zeros.
    """

    name = "rollout_gradient"
    title = "Rollout × gradient"
    question = "Which words feed, through the layers' attention, the states that raise the logit?"
    formula = (
        r"r^\top R_L,\quad R_l = R_{l-1} + \mathrm{mean}_h\big(\tfrac{\partial F}{\partial A_l} \odot A_l\big)^{\!+}"
        r" R_{l-1},\quad r_i = \big(h_i \cdot \tfrac{\partial F}{\partial h_i}\big)^{\!+}"
    )
    baseline = "none: local to this text"
    cost = "one more pass through the encoder and one backward pass"
    source = "after Chefer, Gur & Wolf, ICCV 2021 (the self-attention rule)"
    signed = False
    complete = False

    @property
    def passes_weights(self) -> bool:
        """Yes: the slopes of the layers' weights run through those of the pooler."""
        return True

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the relevance of each word for F (T,)."""
        classifier = reading.classifier
        with torch.enable_grad():
            # With a leaf as its input the encoder's attention is part of a graph, however frozen its weights are.
            hidden, attentions = encode(reading, reading.embeddings.clone().requires_grad_())
            number = target(classifier.decide(classifier.pool(hidden, reading.mask)))[0]
            slopes = torch.autograd.grad(number, attentions)
        with torch.no_grad():
            raised = [(a * s)[0].clamp_min(0).mean(0) for a, s in zip(attentions, slopes, strict=True)]
            relevance = [torch.eye(len(raised[0])).to(raised[0])]
            for step in raised:
                relevance.append(relevance[-1] + step @ relevance[-1])
            start = (reading.hidden[0] * reading.state_gradient(target, detached=True)).sum(-1).clamp_min(0)
            return Scores(floats(mixed(reading, start, relevance)), forwards=1)
