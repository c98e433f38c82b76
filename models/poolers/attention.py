"""Additive attention pooling."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.poolers.base import AttentionPooler
from models.shared import PIECE, Shared


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

    def beside(self, shared: Shared, mask: Tensor) -> Tensor:
        """Return the logits (B, T), 0 on padding, of states by reference whose parts stand side by side.

        For evaluation. W h = Σ_k W_k h_k, and each W_k h_k is there once. tanh x = 2σ(2x) − 1, which takes a tenth of
        the time.
        """
        index, (weight, bias) = cast(Tensor, shared.index), (2 * self.project.weight, 2 * self.project.bias)
        projected = shared.states.new_empty(len(shared.states), len(weight))
        columns = weight.split(shared.states.shape[1], dim=1)
        for states, column, out in zip(
            shared.states.split(shared.sides), columns, projected.split(shared.sides), strict=True
        ):
            torch.mm(states, column.T, out=out)
        scores, minus = [], projected.new_tensor(-1.0)
        # In pieces that stay in the processor's caches.
        for some in index[mask].split(PIECE):
            bent = F.embedding_bag(some, projected, mode="sum").add_(bias).sigmoid_()
            scores.append(self.vector(torch.add(minus, bent, alpha=2, out=bent)))
        return projected.new_zeros(mask.shape).masked_scatter_(mask, torch.cat(scores))


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

    def scores_shared(self, shared: Shared, mask: Tensor) -> Tensor | None:
        """Return the logits of states by reference, part by part where they stand side by side."""
        if self.scorer is None or not shared.sides:
            return super().scores_shared(shared, mask)
        return self.scorer.beside(shared, mask)
