"""α-entmax attention pooling with α learned."""

from __future__ import annotations

from typing import cast

import torch
from entmax import entmax_bisect
from torch import Tensor

from models.masking import minus_inf_padding, zero_padding
from models.poolers.attention import AdditiveAttentionPooler
from models.poolers.power import Exponent
from models.records import Parameter

LOWEST, HIGHEST = 1.01, 2.5


class EntmaxPooler(AdditiveAttentionPooler):
    """α-entmax attention: a = argmax_{a ∈ Δ} sᵀa + H_α(a), with one α ∈ (1.01, 2.5) learned, at first 1.5.

    H_α is Tsallis' entropy: α → 1 is softmax, α = 2 sparsemax; the larger α, the more tokens get a weight
    of exactly 0. α = 1.01 + 1.49 σ(ρ); its gradient is that of the bisection's fixed point. Below 1.01
    that gradient is a difference of nearly equal numbers. Scores are additive, s_i = vᵀ tanh(W h_i + b).
    """

    name = "entmax"
    title = "Entmax"
    formula = r"r = \sum_i a_i h_i,\quad a = \alpha\text{-entmax}_i\; v^\top\tanh(W h_i + b)"
    source = "Peters, Niculae & Martins, ACL 2019; learned α: Correia, Niculae & Martins, EMNLP 2019; entmax library"
    sparse = True

    def __init__(self, state_size: int, attention_size: int | None = None, alpha_initial: float = 1.5) -> None:
        """Build the scorer and start α at ``alpha_initial``."""
        super().__init__(state_size, attention_size)
        self.alpha = Exponent(alpha_initial, floor=LOWEST, ceiling=HIGHEST, symbol="α")

    def normalise(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return a (B, T): ≥ 0, sum 1, exactly 0 on padding and on tokens that are left out."""
        return entmax_weights(scores, mask, cast(Tensor, self.alpha()))

    def learned(self) -> tuple[Parameter, ...]:
        """Report α."""
        return (self.alpha.parameter("α", "sparsity of the attention: 1 is softmax, 2 is sparsemax"),)


def entmax_weights(scores: Tensor, mask: Tensor, alpha: Tensor | float) -> Tensor:
    """Return α-entmax of scores (B, T) over the real tokens.

    The threshold is found in double precision: with α near 1 it is raised to the power 1/(α − 1).
    """
    exponent = torch.as_tensor(alpha, dtype=torch.float64, device=scores.device)
    weights: Tensor = entmax_bisect(minus_inf_padding(scores, mask).double(), exponent, dim=1)
    return zero_padding(weights.to(scores.dtype), mask)
