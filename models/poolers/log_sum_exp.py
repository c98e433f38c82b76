"""Log-sum-exp pooling, the one pooler here that is not homogeneous."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.masking import masked_max, masked_min, masked_softmax, zero_padding
from models.poolers.base import Pooler
from models.poolers.power import Exponent
from models.records import Parameter

NODES = 16


class LogSumExpPooler(Pooler):
    """Log-sum-exp: r_d = (1/b) log((1/N) Σ_i exp(b h_id)), one learned b ∈ (0.01, ∞).

    b → 0 is the mean, b → ∞ the maximum. Twice the states do not give twice the vector, so Euler's
    theorem does not divide r among the tokens. They are divided along the straight path from h = 0,
    where r = 0: contribution_id = h_id ∫₀¹ softmax_i(b α h_d) dα sums to r_d, and the averaged
    softmax is the token's share. For a homogeneous pooler the same integral is Euler's split.
    """

    name = "log_sum_exp"
    title = "Log-sum-exp"
    formula = r"r_d = \frac{1}{b}\log\Big(\frac{1}{N}\sum_i e^{b h_{id}}\Big)"
    source = "Pinheiro & Collobert, CVPR 2015"
    homogeneous = False
    path_integrated = True
    reference = "h = 0, along the straight path (not homogeneous)"

    def __init__(self, state_size: int, b_initial: float = 1.0) -> None:
        """Start the sharpness b at ``b_initial``."""
        super().__init__(state_size)
        self.b = Exponent(b_initial, floor=0.01, symbol="b")

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return m + (1/b) log(1 + mean_i(exp(b (h_i − m)) − 1)), m the maximum: exact for small b too."""
        b = cast(Tensor, self.b()).to(hidden)
        # r does not depend on m, so m needs no gradient.
        top = masked_max(hidden, mask).detach()
        below = zero_padding(torch.expm1(b * zero_padding(hidden - top.unsqueeze(1), mask)), mask)
        return top + torch.log1p(below.sum(1) / mask.sum(1, keepdim=True)) / b

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return ∫₀¹ softmax_i(b α h_d) dα ≥ 0, which sums to 1 over tokens.

        Gauss–Legendre on intervals that double in length: the softmax turns fastest near α = 0, at
        the scale 1/(b · spread), and ever slower after.
        """
        b = cast(Tensor, self.b()).to(hidden)
        spread = float((b * (masked_max(hidden, mask) - masked_min(hidden, mask))).detach().max())
        doublings = max(0, math.ceil(math.log2(spread))) if spread > 0 else 0
        edges = [0.0, *(2.0**-k for k in range(doublings, -1, -1))]
        nodes, sizes = np.polynomial.legendre.leggauss(NODES)
        total = torch.zeros_like(hidden)
        # Differences to the maximum, so that a large common offset cannot drown them.
        below = b * zero_padding(hidden - masked_max(hidden, mask).unsqueeze(1), mask)
        for low, high in zip(edges, edges[1:], strict=False):
            half = (high - low) / 2
            for node, size in zip(nodes.tolist(), sizes.tolist(), strict=True):
                total = total + size * half * masked_softmax((low + half * (1 + node)) * below, mask)
        return total

    def learned(self) -> tuple[Parameter, ...]:
        """Report b."""
        return (self.b.parameter("b", "sharpness: 0 is the mean over tokens, ∞ the maximum"),)
