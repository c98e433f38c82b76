"""Pre-norm Transformer blocks and positions, shared by every encoder and language model built on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import PoolScopeError
from models.masking import zero_padding


class Block(nn.Module):
    """One pre-norm block: x ← x + Attend(LN x), then x ← x + W₂ GELU(W₁ LN x).

    Attend is multi-head scaled dot-product attention, softmax(QKᵀ/√d)V per head. Pre-norm keeps a clean
    path from loss to embeddings, so that no warm-up of the learning rate is needed (Xiong et al., ICML 2020).
    """

    def __init__(self, width: int, heads: int, ffn: int, dropout: float = 0.0) -> None:
        """Take the width D, the number of heads (a divisor of D) and the inner width of the feed-forward part."""
        super().__init__()
        if heads < 1 or width < 1 or width % heads:
            raise PoolScopeError(f"width {width} cannot be shared by {heads} heads; choose a multiple of the heads")
        self.heads = heads
        self.attend_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, ffn), nn.Linear(ffn, width)
        self.dropout = nn.Dropout(dropout)
        for linear in (self.qkv, self.out, self.widen, self.narrow):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, states: Tensor, allowed: Tensor | None, *, causal: bool = False) -> Tensor:
        """Map states (B, T, D) to (B, T, D); see :meth:`attention` for who may look where."""
        query, key, value = self._project(states)
        read = F.scaled_dot_product_attention(
            query, key, value, attn_mask=None if causal else allowed, is_causal=causal,
            dropout_p=self.dropout.p if self.training else 0.0,
        )  # fmt: skip
        states = states + self.dropout(self.out(read.transpose(1, 2).flatten(2)))
        inner = self.dropout(F.gelu(self.widen(self.feed_norm(states))))
        return cast(Tensor, states + self.dropout(self.narrow(inner)))

    def attention(self, states: Tensor, allowed: Tensor | None, *, causal: bool = False) -> Tensor:
        """Return the attention (B, heads, T, T) that :meth:`forward` reads with, rows = the token that looks.

        ``allowed`` (B, 1, 1, T) is True on tokens that may be looked at; ``causal`` says instead that a
        token looks at itself and what stands before it, which padding on the right never does.
        """
        query, key, _ = self._project(states)
        logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if causal:
            allowed = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        return torch.softmax(logits, dim=-1)

    def _project(self, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, each (B, heads, T, D / heads)."""
        mixed = self.qkv(self.attend_norm(states)).unflatten(-1, (3, self.heads, -1))
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        return query, key, value


class Stack(nn.Module):
    """L blocks and a last layer norm: x (B, T, D) with positions already in it → states (B, T, D)."""

    def __init__(
        self, width: int, layers: int, heads: int, ffn: int, dropout: float = 0.0, *, causal: bool = False
    ) -> None:
        """Take the sizes; ``causal`` blocks look back only."""
        super().__init__()
        if layers < 1:
            raise PoolScopeError(f"{layers} layers came; a Transformer needs one or more")
        self.causal = causal
        self.blocks = nn.ModuleList(Block(width, heads, ffn, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the normalised states of the last block, zeros on padding."""
        return self.layers(states, mask)[-1]

    def layers(self, states: Tensor, mask: Tensor) -> list[Tensor]:
        """Return what enters the first block and what leaves each, L + 1 times (B, T, D), the last one normalised."""
        allowed, found = mask[:, None, None, :], [states]
        for block in self.blocks:
            found.append(block(found[-1], allowed, causal=self.causal))
        found[-1] = self.norm(found[-1])
        return [zero_padding(layer, mask) for layer in found]

    def attentions(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return every block's attention (L, B, heads, T, T), 0 in rows and columns of padding."""
        allowed, found = mask[:, None, None, :], []
        for block in cast(Iterable[Block], self.blocks):
            found.append(block.attention(states, allowed, causal=self.causal))
            states = block(states, allowed, causal=self.causal)
        real = mask[:, None, :, None] & allowed
        return torch.where(real, torch.stack(found), torch.zeros((), dtype=states.dtype, device=states.device))


def sinusoids(length: int, width: int, like: Tensor) -> Tensor:
    """Return positions (T, D) of Vaswani et al. 2017: sin and cos of t / 10000^(2k/D), interleaved."""
    place = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(10_000.0) / width))
    waves = torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1).flatten(1)
    return waves[:, :width].to(like)
