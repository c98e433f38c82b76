"""Multi-head self-attention, then one vector."""

from __future__ import annotations

import math
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn

from models.errors import PoolScopeError
from models.masking import masked_softmax, zero_padding
from models.poolers.base import Pooler

Then = Literal["mean", "query"]
THENS: Final[tuple[str, ...]] = get_args(Then)


class SelfAttentionPooler(Pooler):
    """Multi-head self-attention, then a mean: r_d = Σ_j b_j Σ_i A_ji v_id, A the map of the head of d.

    Each head of width d has A = softmax_i(Q h_j · K h_i / √d), a distribution over the real tokens i for
    every real token j, and values v = V h without bias; the heads are concatenated, without an output
    projection. ``then`` says how the mixed states m_j = Σ_i A_ji v_i are averaged: ``mean`` takes
    b_j = 1/N, ``query`` takes b = softmax_j(q·m_j/√D) with q learned.

    Summed over j first, this is r_d = Σ_i w_i v_id with w_i = Σ_j b_j A_ji: the weight that token i really
    has in the head of dimension d. :meth:`maps` gives w of every head, :meth:`attention` their mean,
    :meth:`shares` in each dimension the w of its head. Imposed weights (B, T) are used by every head alike;
    (B, T, heads) imposes one map per head.
    """

    name = "self_attention"
    title = "Self-attention"
    formula = r"r_d = \sum_i w_i v_{id},\quad w_i = \sum_j b_j\,\mathrm{softmax}_i\; Q h_j\cdot K h_i/\sqrt{d}"
    source = "Vaswani et al., NeurIPS 2017; Lin et al., ICLR 2017 for self-attention before a pooled vector"
    attends = True

    def __init__(self, state_size: int, heads: int = 2, then: str = "mean") -> None:
        """Draw Q, K and V; where ``heads`` does not divide D, the first heads are one dimension wider."""
        super().__init__(state_size)
        if not 1 <= heads <= state_size:
            raise PoolScopeError(f"heads came as {heads}; expected 1 to {state_size}, the width of the states")
        if then not in THENS:
            raise PoolScopeError(f"unknown step {then!r} of self_attention; choose one of: {', '.join(THENS)}")
        self.heads, self.then = heads, then
        widths = [len(part) for part in torch.arange(state_size).tensor_split(heads)]
        self._head_of = [head for head, width in enumerate(widths) for _ in range(width)]
        self.query, self.key, self.value = (nn.Linear(state_size, state_size, bias=False) for _ in range(3))
        for projection in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(projection.weight)
        if then == "query":
            self.summary = nn.Parameter(torch.randn(state_size))

    def head_weights(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return w (B, T, heads): what each token weighs in each head, Σ_i w_i = 1, 0 on padding."""
        hidden = zero_padding(hidden, mask)
        maps = self._maps(hidden, mask)
        rows = self._row_weights(maps, hidden, mask)
        return torch.stack([torch.einsum("bij,bj->bi", a, rows) for a in maps], dim=-1)

    def attention(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the mean of the heads' token weights (B, T)."""
        return self.head_weights(hidden, mask).mean(-1)

    def maps(self, hidden: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Return the token weights of each of several heads; for ``query`` also the weights b of the mixed states."""
        weights = self.head_weights(hidden, mask)
        found = {f"head {head + 1}": weights[..., head] for head in range(self.heads) if self.heads > 1}
        if self.then == "query":
            hidden = zero_padding(hidden, mask)
            found["query"] = self._row_weights(self._maps(hidden, mask), hidden, mask)
        return found

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return Σ_i w_i v_i, each dimension with the weights of its head."""
        return (self.shares(hidden, mask, weights) * self.values(zero_padding(hidden, mask))).sum(1)

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return w_i of the head that dimension d belongs to, or what was imposed on it."""
        weights = self.head_weights(hidden, mask) if weights is None else zero_padding(weights, mask)
        if weights.dim() == 2:
            return weights.unsqueeze(-1).expand(-1, -1, self.state_size)
        return weights[..., self._head_of]

    def divided(self, shares: Tensor, whole: Tensor) -> Tensor:
        """Return c_id = w_i v_id (B, T, D): what the head of dimension d takes from token i."""
        return shares * self.values(whole)

    def own_weights(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the token weights of every head (B, T, heads)."""
        return self.head_weights(hidden, mask)

    def values(self, hidden: Tensor) -> Tensor:
        """Return v_i = V h_i (B, T, D), which the weights weigh."""
        projected: Tensor = self.value(hidden)
        return projected

    def check(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> None:
        """Refuse what cannot be pooled; weights may come once for all heads or one map per head."""
        per_head = weights is not None and weights.dim() == 3 and weights.shape[2] == self.heads
        for part in weights.unbind(2) if weights is not None and per_head else (weights,):
            super().check(hidden, mask, part)

    def _maps(self, hidden: Tensor, mask: Tensor) -> list[Tensor]:
        """A transposed, (B, T tokens i, T asking tokens j), one per head; columns sum to 1."""
        asked = self.query(hidden).tensor_split(self.heads, dim=-1)
        offered = self.key(hidden).tensor_split(self.heads, dim=-1)
        return [
            masked_softmax(k @ q.transpose(1, 2) / math.sqrt(q.shape[-1]), mask)
            for q, k in zip(asked, offered, strict=True)
        ]

    def _row_weights(self, maps: list[Tensor], hidden: Tensor, mask: Tensor) -> Tensor:
        """Weights b (B, T): the part of each real mixed state in the pooled vector."""
        if self.then == "mean":
            return mask.to(hidden.dtype) / mask.sum(1, keepdim=True)
        values = self.values(hidden).tensor_split(self.heads, dim=-1)
        mixed = torch.cat([a.transpose(1, 2) @ v for a, v in zip(maps, values, strict=True)], dim=-1)
        return masked_softmax(mixed @ self.summary / math.sqrt(self.state_size), mask)
