"""The learned mix of a language model's layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.records import Parameter


class LayerMix(nn.Module):
    """h = γ Σ_j s_j h_j with s = softmax(λ) over the layers (Peters et al., NAACL 2018).

    It starts at λ = 0 and γ = 1: the mean of the layers.
    """

    def __init__(self, layers: int) -> None:
        """Take the number of layers, the words' own (j = 0) included."""
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Mix states (B, T, D) of each layer into one (B, T, D)."""
        shares = torch.softmax(self.logits, dim=0)
        mixed = shares[0] * layers[0]
        for share, layer in zip(shares[1:], layers[1:], strict=True):
            mixed = mixed + share * layer
        return self.scale * mixed

    def learned(self) -> tuple[Parameter, ...]:
        """Return s and γ beside their starts."""
        shares = torch.softmax(self.logits.detach().double(), dim=0).tolist()
        count = len(shares)
        return (
            Parameter(
                "layer mix s", tuple(shares), (1 / count,) * count,
                "share of each layer of the language model in a token's state, the words' own layer first",
                "≥ 0, sum 1",
            ),
            Parameter("layer scale γ", (float(self.scale.detach()),), (1.0,), "factor on the mix", "any number"),
        )  # fmt: skip
