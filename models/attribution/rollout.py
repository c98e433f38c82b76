"""Attention rollout: the pooler's weights led back through the layers to the words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.attribution.base import Scores, floats
from models.attribution.layers import LayerMethod, encode, mixed, pooling
from models.attribution.reading import Reading
from models.attribution.target import Target

RESIDUAL = 0.5


class Rollout(LayerMethod):
    """Attention rollout: aᵀ Â_L ⋯ Â_1 with Â_l = ½ I + ½ mean_heads A_l.

    A pooling weight says which *state* is looked at; after a Transformer a state is a mixture of words.
    Each layer is taken as half its attention and half the residual path, the layers are multiplied, and
    the pooling weights a (mean shares for poolers that do not attend) are led back to the words. Where a
    state mixes layers by learned shares s, the products are mixed alike: Σ_l s_l Â_l ⋯ Â_1. Feed-forward parts,
    norms and values are left out: this is where the weights lead, not what flows. What ends at a
    token that the encoder adds for itself is not shown, so that the map may sum to less than 1.
    """

    name = "rollout"
    title = "Attention rollout"
    question = "Which words do the attended states come from, if every layer mixes as its attention says?"
    formula = r"a^\top \hat A_L \cdots \hat A_1,\quad \hat A_l = \tfrac12 I + \tfrac12\,\mathrm{mean}_h A_l^{(h)}"
    baseline = "none: weights of an average, whatever the prediction is"
    cost = "one more pass through the encoder, and L products of T × T matrices"
    source = "Abnar & Zuidema, ACL 2020"
    signed = False
    complete = False
    blind = True

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the weight of each word (T,), the same for every target."""
        with torch.no_grad():
            _, attentions = encode(reading, reading.embeddings)
            values = mixed(reading, pooling(reading), rolled([residual(a[0].mean(0)) for a in attentions]))
        return Scores(floats(values), forwards=1)


def residual(attention: Tensor) -> Tensor:
    """Return ½ I + ½ A of an attention (T', T')."""
    return RESIDUAL * torch.eye(len(attention)).to(attention) + (1 - RESIDUAL) * attention


def rolled(steps: Sequence[Tensor]) -> list[Tensor]:
    """Return the products I, Â_1, Â_2 Â_1, … (T', T') that lead from each layer back to the embeddings."""
    found = [torch.eye(len(steps[0])).to(steps[0])]
    for step in steps:
        found.append(step @ found[-1])
    return found
