"""Sparsemax attention pooling."""

from __future__ import annotations

from entmax import sparsemax
from torch import Tensor

from models.masking import minus_inf_padding, zero_padding
from models.poolers.attention import AdditiveAttentionPooler


class SparsemaxPooler(AdditiveAttentionPooler):
    """Sparsemax attention: a = argmin_{a ∈ Δ} ‖a − s‖², the projection of the scores on the simplex.

    Scores far enough below the best get a weight of exactly 0 and no gradient, so the rest of the
    text is not merely faint: it is not read. Scores are additive, s_i = vᵀ tanh(W h_i + b).
    """

    name = "sparsemax"
    title = "Sparsemax"
    formula = r"r = \sum_i a_i h_i,\quad a = \mathrm{sparsemax}_i\; v^\top\tanh(W h_i + b)"
    source = "Martins & Astudillo, ICML 2016; entmax library"
    sparse = True

    def normalise(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return a (B, T): ≥ 0, sum 1, exactly 0 on padding and on tokens that are left out."""
        return sparsemax_weights(scores, mask)


def sparsemax_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Project scores (B, T) of the real tokens on the simplex.

    >>> import torch
    >>> sparsemax_weights(torch.tensor([[-2.0, 0.0, 0.5]]), torch.ones(1, 3, dtype=torch.bool))
    tensor([[0.0000, 0.2500, 0.7500]])
    """
    projected: Tensor = sparsemax(minus_inf_padding(scores, mask), dim=1)
    return zero_padding(projected, mask)
