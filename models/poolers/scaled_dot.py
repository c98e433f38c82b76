"""Scaled dot-product attention with one learned query."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.poolers.base import AttentionPooler


class ScaledDotPooler(AttentionPooler):
    """Scaled dot-product attention: a = softmax(q·h_i / √D), r = Σ_i a_i h_i, q learned.

    q starts as standard normal, so the logits of unit-variance states start with variance 1.
    """

    name = "scaled_dot"
    title = "Scaled dot"
    formula = r"r = \sum_i a_i h_i,\quad a = \mathrm{softmax}_i\; q\cdot h_i/\sqrt{D}"
    source = "Vaswani et al., NeurIPS 2017; a learned query as in Jain & Wallace, NAACL 2019 (“dot”)"

    def __init__(self, state_size: int) -> None:
        """Draw the query for states of width D."""
        super().__init__(state_size)
        self.query = nn.Parameter(torch.randn(state_size))

    def scores(self, hidden: Tensor) -> Tensor:
        """Return s_i = q·h_i / √D."""
        return hidden @ self.query / math.sqrt(self.state_size)
