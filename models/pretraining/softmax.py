"""From states to words: the full softmax, and a sampled one that makes training five times cheaper."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Rows of states that meet the whole vocabulary at once: bounds memory, changes nothing.
CHUNK = 2_048


class WordSoftmax(nn.Module):
    """log P(w | h) = h·e_w + b_w − log Σ_v exp(h·e_v + b_v), e the word table itself (tied weights).

    In training the sum over the other words is estimated from K of them, drawn from the words'
    frequencies Q: Σ_{v ≠ w} exp(s_v) ≈ Σ_{drawn v ≠ w} exp(s_v) / (K·Q(v)), importance sampling as in Bengio &
    Senécal 2008. Evaluation always uses the whole vocabulary.
    """

    noise: Tensor

    def __init__(self, counts: Tensor, samples: int = 1_024) -> None:
        """Take the words' counts (V,) in the training texts and K; b starts at the log frequencies."""
        super().__init__()
        frequency = (counts.double() + 1) / (counts.double() + 1).sum()
        self.samples = samples
        self.bias = nn.Parameter(frequency.log().float())
        self.register_buffer("noise", frequency.float(), persistent=False)

    def forward(
        self, states: Tensor, targets: Tensor, table: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return −log P of each target (N,) from states (N, D) and table (V, D)."""
        if self.training and 0 < self.samples < len(table):
            drawn = torch.multinomial(self.noise, self.samples, replacement=True, generator=generator)
            return self.sampled(states, targets, table, drawn, (self.samples * self.noise).log())
        parts = [
            F.cross_entropy(F.linear(part, table, self.bias), wanted, reduction="none")
            for part, wanted in zip(states.split(CHUNK), targets.split(CHUNK), strict=True)
        ]
        return torch.cat(parts)

    def sampled(self, states: Tensor, targets: Tensor, table: Tensor, drawn: Tensor, expected: Tensor) -> Tensor:
        """Return the sampled −log P (N,); ``expected`` (V,) is the log of how often a word is drawn."""
        right = (states * table[targets]).sum(-1) + self.bias[targets]
        others = F.linear(states, table[drawn], self.bias[drawn] - expected[drawn])
        others = others.masked_fill(targets.unsqueeze(1) == drawn, -torch.inf)
        return torch.logsumexp(torch.cat([right.unsqueeze(1), others], dim=1), dim=1) - right
