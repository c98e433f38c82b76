"""Reading in tiers: words make sentences, sentences make parts, parts make the text.

A tiered pooler takes the number of each token's sentence where others take a mask: (B, T) whole
numbers, equal numbers side by side being one sentence, 0 on padding. A plain mask is one sentence.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from models.masking import minus_inf_padding, zero_padding
from models.poolers.base import Pooler
from models.sentences import segments
from models.text import Vocabulary


class TieredPooler(Pooler):
    """Base of poolers that pool words into sentences first."""

    attends = True
    tiered: ClassVar[bool] = True

    def grouped(self, vocabulary: Vocabulary, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the number (B, T) of each token's sentence, from 1, and 0 on padding.

        Told from the vocabulary's words, so a mark that the vocabulary lacks ends no sentence.
        """
        rows = torch.zeros_like(ids)
        for row, (numbers, length) in enumerate(zip(ids.tolist(), mask.sum(1).tolist(), strict=True)):
            words = [vocabulary.words[number] for number in numbers[:length]]
            rows[row, :length] = torch.tensor(segments(words), dtype=ids.dtype, device=ids.device) + 1
        return rows

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the product of the tiers' weights, the same in every dimension."""
        a = self.attention(hidden, mask) if weights is None else zero_padding(weights, mask.bool())
        assert a is not None  # every tiered pooler attends
        return a.unsqueeze(-1).expand(-1, -1, self.output_size)


def places(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return each token's group (B, T), from 0, and which groups there are (B, S).

    ``mask`` holds group numbers (or is a plain mask: one group); a new number begins a new group.
    Padding is given to group 0 and must be masked by the caller.
    """
    live, numbers = mask.bool(), mask.long()
    begins = torch.zeros_like(numbers)
    begins[:, 1:] = (numbers[:, 1:] != numbers[:, :-1]).long()
    index = torch.where(live, begins.cumsum(1), torch.zeros_like(numbers))
    count = index.amax(1, keepdim=True) + 1
    groups = torch.arange(int(count.max()), device=mask.device).unsqueeze(0) < count
    return index, groups


def group_softmax(scores: Tensor, index: Tensor, live: Tensor, count: int) -> Tensor:
    """Return softmax (B, T) of ``scores`` within each group: sums to 1 in every group, 0 on padding."""
    shown = minus_inf_padding(scores, live)
    top = shown.new_full((len(shown), count), -torch.inf).scatter_reduce(1, index, shown.detach(), "amax")
    # Padding stands in group 0, whose maximum is finite: exp(−inf) = 0, without a NaN on the way.
    powers = torch.exp(shown - top.gather(1, index))
    return zero_padding(powers / group_sum(powers, index, count).gather(1, index), live)


def group_sum(values: Tensor, index: Tensor, count: int) -> Tensor:
    """Sum (B, T) or (B, T, D) over the tokens of each group: (B, S) or (B, S, D)."""
    total = values.new_zeros(len(values), count, *values.shape[2:])
    return total.scatter_add(1, index if values.dim() == 2 else index.unsqueeze(-1).expand_as(values), values)


def within(weights: Tensor, index: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Divide weights (B, T) into those within each group (sum 1, or 0 in an empty one) and the groups' (B, S)."""
    groups = group_sum(weights, index, count)
    of_mine = groups.gather(1, index)
    return torch.where(of_mine > 0, weights / of_mine.clamp_min(torch.finfo(weights.dtype).tiny), weights), groups
