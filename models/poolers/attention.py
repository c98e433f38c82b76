"""Additive attention pooling."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from models.poolers.base import AttentionPooler


class AdditiveScorer(nn.Module):
    """Additive attention logits s_i = vᵀ tanh(W h_i + b), W: D → D/2, v without bias.

    The half width is that of Jain & Wallace's "tanh" attention; HAN uses the full one.
    """

    def __init__(self, state_size: int, attention_size: int | None = None) -> None:
        """Take D and, if not D/2, the width of the hidden layer."""
        super().__init__()
        width = attention_size or max(1, state_size // 2)
        self.project = nn.Linear(state_size, width)
        self.vector = nn.Linear(width, 1, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map hidden (B, T, D) to logits (B, T)."""
        return cast(Tensor, self.vector(torch.tanh(self.project(hidden))).squeeze(-1))


class AdditiveAttentionPooler(AttentionPooler):
    """Additive attention: a = softmax(vᵀ tanh(W h_i + b)), r = Σ_i a_i h_i.

    ``uniform`` freezes the attention at a_i = 1/N, with nothing to learn: the control of Wiegreffe &
    Pinter, and what stands in for an attention that is imposed from outside.
    """

    name = "attention"
    title = "Attention"
    formula = r"r = \sum_i a_i h_i,\quad a = \mathrm{softmax}_i\; v^\top\tanh(W h_i + b)"
    source = "Bahdanau et al., ICLR 2015; Yang et al., NAACL 2016; Jain & Wallace, NAACL 2019"

    def __init__(self, state_size: int, attention_size: int | None = None, uniform: bool = False) -> None:
        """Build the scorer for states of width D, or none where the attention is uniform."""
        super().__init__(state_size)
        self.scorer = None if uniform else AdditiveScorer(state_size, attention_size)

    @property
    def variant(self) -> str:
        """Say that the attention is frozen, where it is."""
        return "uniform" if self.scorer is None else ""

    def scores(self, hidden: Tensor) -> Tensor:
        """Return s_i = vᵀ tanh(W h_i + b), or 0 for all where the attention is uniform."""
        return hidden.new_zeros(hidden.shape[:2]) if self.scorer is None else cast(Tensor, self.scorer(hidden))
