"""The published search for adversarial attention, restated plainly: what the exact solution is held against.

Five random starts of weights a' = softmax(θ), five hundred steps of Adam on −JSD(a, a') + λ max(0, TVD − ε), the
furthest of those within ε; every start of every text of a batch at once (Jain & Wallace 2019, with their λ and rate).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from models.experiments.frozen import jsd, tvd
from models.masking import masked_softmax

STARTS: Final = 5
STEPS: Final = 500
RATE: Final = 0.01
PRICE: Final = 500.0


def plain_search(weights: Tensor, values: Tensor, bias: Tensor, epsilon: float, mask: Tensor, seed: int = 1) -> Tensor:
    """Return the largest JSD (B,) found within ``epsilon``; 0 where no start ends there.

    Args:
        weights: the reader's a (B, N).
        values: W h_i (B, N, C), what each token says about every class.
        bias: of the head (C,).
        epsilon: how far the output may move (TVD).
        mask: real tokens (B, N).
        seed: of the starts.
    """
    generator = torch.Generator().manual_seed(seed)
    own = weights.repeat(STARTS, 1)
    there = mask.repeat(STARTS, 1)
    said = values.repeat(STARTS, 1, 1)
    output = (torch.einsum("bn,bnc->bc", own, said) + bias).softmax(-1)
    theta = torch.rand(own.shape, generator=generator, dtype=own.dtype).requires_grad_()
    optimiser = torch.optim.Adam([theta], lr=RATE, amsgrad=True)

    def measured() -> tuple[Tensor, Tensor]:
        found = masked_softmax(theta, there)
        change = tvd((torch.einsum("bn,bnc->bc", found, said) + bias).softmax(-1), output)
        return jsd(own, found), change

    with torch.enable_grad():
        for _ in range(STEPS):
            distance, change = measured()
            optimiser.zero_grad()
            (PRICE * (change - epsilon).clamp_min(0) - distance).sum().backward()
            optimiser.step()
    with torch.no_grad():
        distance, change = measured()
    return torch.where(change <= epsilon, distance, 0.0).view(STARTS, -1).amax(0)
