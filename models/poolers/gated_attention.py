"""Gated attention pooling."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from models.poolers.base import AttentionPooler


class GatedAttentionPooler(AttentionPooler):
    """Gated attention: s_i = wᵀ(tanh(V h_i) ⊙ σ(U h_i)), a = softmax(s), r = Σ_i a_i h_i.

    tanh is nearly linear around 0; the gate σ lets the scorer bend there. No biases, as printed in
    the paper; V, U: D → D/2.
    """

    name = "gated_attention"
    title = "Gated attention"
    formula = (
        r"r = \sum_i a_i h_i,\quad a = \mathrm{softmax}_i\; w^\top\big(\tanh(V h_i) \odot \sigma(U h_i)\big)"
    )
    source = "Ilse, Tomczak & Welling, ICML 2018"

    def __init__(self, state_size: int, attention_size: int | None = None) -> None:
        """Take D and, if not D/2, the width of the hidden layer."""
        super().__init__(state_size)
        width = attention_size or max(1, state_size // 2)
        self.project = nn.Linear(state_size, width, bias=False)
        self.gate = nn.Linear(state_size, width, bias=False)
        self.vector = nn.Linear(width, 1, bias=False)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return s_i = wᵀ(tanh(V h_i) ⊙ σ(U h_i))."""
        gated = torch.tanh(self.project(hidden)) * torch.sigmoid(self.gate(hidden))
        return cast(Tensor, self.vector(gated).squeeze(-1))
