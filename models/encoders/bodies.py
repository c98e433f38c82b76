"""The bodies of the small language models: what pretraining trains and the encoders of a base run."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.encoders.blocks import Stack, sinusoids
from models.encoders.recurrent import backwards


class GptBody(nn.Module):
    """Causal Transformer: token i sees tokens 1 … i; layers x⁰ = √D·e + p, then each block's states.

    ``start`` (B,) is the place of each row's first token in its text, for texts read in several rows.
    """

    def __init__(self, width: int, layers: int = 2, heads: int = 4, ffn: int = 512, dropout: float = 0.0) -> None:
        """Take the width D of words and states, and the sizes of the stack."""
        super().__init__()
        self.width, self.depth = width, layers + 1
        self.stack = Stack(width, layers, heads, ffn, dropout, causal=True)
        self.dropout = nn.Dropout(dropout)

    def layers(self, embeddings: Tensor, mask: Tensor, start: Tensor | None = None) -> list[Tensor]:
        """Return all L + 1 layers (B, T, D) of embeddings (B, T, D), zeros on padding."""
        return self.stack.layers(self.dropout(placed(embeddings, start)), mask)


class BertBody(nn.Module):
    """Bidirectional Transformer over [CLS] and the tokens; layers x⁰ = √D·e + p + passage, then each block's states.

    [CLS] is a vector of its own, without a place; ``passages`` (2, D) tells the first passage from the
    second, there is no [SEP].
    """

    def __init__(self, width: int, layers: int = 3, heads: int = 4, ffn: int = 512, dropout: float = 0.0) -> None:
        """Take the width D of words and states, and the sizes of the stack."""
        super().__init__()
        self.width, self.depth = width, layers + 1
        self.stack = Stack(width, layers, heads, ffn, dropout)
        self.summary = nn.Parameter(torch.randn(width))
        self.passages = nn.Embedding(2, width)
        nn.init.normal_(self.passages.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)

    def layers(
        self, embeddings: Tensor, mask: Tensor, start: Tensor | None = None, second: Tensor | None = None
    ) -> list[Tensor]:
        """Return all L + 1 layers (B, 1 + T, D), [CLS] in front; ``second`` (B, T) is True in the second passage."""
        kinds = torch.zeros_like(mask, dtype=torch.long) if second is None else second.long()
        states = placed(embeddings, start) + self.passages(kinds)
        states = torch.cat([self.summary.expand(len(states), 1, -1), states], dim=1)
        return self.stack.layers(self.dropout(states), torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1))


class BiLmBody(nn.Module):
    """Two stacks of two LSTMs, one each way: layers [e; e], [f¹; b¹], [f²; b²] with f² = LSTM(f¹) + f¹.

    f reads from the left, b from the right; they share nothing but the words e, so that f_i knows tokens
    1 … i and b_i tokens i … N.
    """

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        """Take the width P of words and of one direction; states have twice that."""
        super().__init__()
        self.width, self.depth = 2 * width, 3
        self.onward = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(2))
        self.back = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def layers(self, embeddings: Tensor, mask: Tensor) -> list[Tensor]:
        """Return the three layers (B, T, 2P) of word vectors (B, T, P)."""
        found, left, right = [torch.cat([embeddings, embeddings], -1)], embeddings, backwards(embeddings, mask)
        for onward, back in zip(self.onward, self.back, strict=True):
            above, behind = onward(self.dropout(left))[0], back(self.dropout(right))[0]
            # Residual from the second layer on: the first reads the words themselves.
            left, right = (above, behind) if len(found) == 1 else (above + left, behind + right)
            found.append(torch.cat([left, backwards(right, mask)], dim=-1))
        return found


def placed(embeddings: Tensor, start: Tensor | None = None) -> Tensor:
    """Return √D·e + p (B, T, D), the positions counted from ``start``."""
    length, width = embeddings.shape[1:]
    if start is None:
        places = sinusoids(length, width, embeddings)
    else:
        where = start.unsqueeze(1) + torch.arange(length, device=start.device)
        places = sinusoids(int(start.max()) + length, width, embeddings)[where]
    return math.sqrt(width) * embeddings + places
