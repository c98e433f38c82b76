"""Structured self-attention: several weighted means of one text, side by side."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from models.errors import PoolScopeError
from models.masking import masked_softmax, zero_padding
from models.poolers.base import Pooler


class StructuredPooler(Pooler):
    """Structured self-attention: A = softmax_tokens(W₂ tanh(W₁ Hᵀ)), M = A H, r = M flattened (r·D).

    Every row of A is one hop, a distribution over tokens of its own; the head reads all hops. In
    training coefficient × ‖AAᵀ − I‖²_F is added to a text's loss: 0 where each hop looks at one token and
    no two at the same. The attention shown is the mean over hops; imposed weights (B, T) stand in
    for every hop alike, (B, T, r) for each its own. No biases, as printed in the paper; W₁: D → D/2.
    """

    name = "structured"
    title = "Structured"
    formula = r"M = A H,\quad A = \mathrm{softmax}_i\big(W_2 \tanh(W_1 H^\top)\big)"
    source = "Lin, Feng, dos Santos, Yu, Xiang, Zhou & Bengio, ICLR 2017"
    attends = True

    def __init__(
        self, state_size: int, hops: int = 4, coefficient: float = 0.1, attention_size: int | None = None
    ) -> None:
        """Take D, the number of hops, the penalty's coefficient and, if not D/2, the hidden width."""
        super().__init__(state_size)
        if hops < 1:
            raise PoolScopeError(f"{self.name}: hops came as {hops}; expected 1 or more")
        if not 0 <= coefficient < float("inf"):
            raise PoolScopeError(f"{self.name}: coefficient came as {coefficient}; expected a finite number, 0 or more")
        width = attention_size or max(1, state_size // 2)
        self.hops, self.coefficient = hops, coefficient
        self.project = nn.Linear(state_size, width, bias=False)
        self.queries = nn.Linear(width, hops, bias=False)

    @property
    def output_size(self) -> int:
        """Width r·D of the flattened matrix, hop after hop."""
        return self.hops * self.state_size

    def hop_weights(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return A transposed, (B, T, r): one distribution over tokens per hop."""
        return masked_softmax(self.queries(torch.tanh(self.project(hidden))), mask)

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the mean over hops (B, T)."""
        return self.hop_weights(hidden, mask).mean(-1)

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return every hop (B, T); with a single one it is the attention itself."""
        hops = self.hop_weights(hidden, mask).unbind(-1)
        return {f"hop {number}": hop for number, hop in enumerate(hops, start=1)} if len(hops) > 1 else {}

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return A H flattened, (B, r·D)."""
        return _flat(self._used(hidden, mask, weights), hidden)

    def own_weights(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return every hop (B, T, r)."""
        return self.hop_weights(hidden, mask)

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return A_ki, the same in the D dimensions of hop k."""
        return self._used(hidden, mask, weights).repeat_interleave(self.state_size, dim=-1)

    def divided(self, shares: Tensor, whole: Tensor) -> Tensor:
        """Return A_ki h_id (B, T, r·D), which sums over tokens to M exactly."""
        return shares * whole.repeat(1, 1, self.hops)

    def check(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> None:
        """Refuse what cannot be pooled; weights may come once for all hops or one map per hop."""
        per_hop = weights is not None and weights.dim() == 3 and weights.shape[2] == self.hops
        for part in weights.unbind(2) if weights is not None and per_hop else (weights,):
            super().check(hidden, mask, part)

    def objective(self, hidden: Tensor, mask: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the mean over texts of loss + coefficient × ‖AAᵀ − I‖²_F."""
        self.check(hidden, mask)
        hidden = zero_padding(hidden, mask)
        weights = self.hop_weights(hidden, mask)
        return (loss(_flat(weights, hidden)) + self.coefficient * overlap(weights)).mean()

    def _used(self, hidden: Tensor, mask: Tensor, weights: Tensor | None) -> Tensor:
        if weights is None:
            return self.hop_weights(hidden, mask)
        weights = zero_padding(weights, mask)
        return weights if weights.dim() == 3 else weights.unsqueeze(-1).expand(-1, -1, self.hops)


def overlap(weights: Tensor) -> Tensor:
    """Return ‖AAᵀ − I‖²_F (B,) of hops (B, T, r)."""
    products = torch.einsum("btj,btk->bjk", weights, weights)
    identity = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    return (products - identity).square().sum((1, 2))


def _flat(weights: Tensor, hidden: Tensor) -> Tensor:
    """Weighted means (B, r·D) by hops (B, T, r) of hidden (B, T, D), hop after hop."""
    return torch.einsum("btk,btd->bkd", weights, hidden).flatten(1)
