"""The quantities that twins are trained on and measured by, as tensors one can differentiate.

Shapes: probabilities (B, C), attention a, b (B, T) with exact 0 on padding, hidden (B, T, D), mask
(B, T); every function returns one number per row (B,). Divergences are in nats.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.masking import masked_mean, zero_padding


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """Return TVD(p, q) = ½ Σ_c |p_c − q_c|."""
    return (p - q).abs().sum(1) / 2


def kullback_leibler(log_a: Tensor, log_b: Tensor) -> Tensor:
    """Return KL(a ‖ b) = Σ_i a_i (log a_i − log b_i); both logarithms 0 on padding, where they cancel."""
    return (log_a.exp() * (log_a - log_b)).sum(1)


def jensen_shannon(a: Tensor, b: Tensor) -> Tensor:
    """Return JSD(a, b) = ½ KL(a ‖ m) + ½ KL(b ‖ m), m = (a + b)/2: 0 to ln 2."""
    middle = (a + b) / 2
    halves = (torch.xlogy(x, x) - torch.xlogy(x, middle) for x in (a, b))
    return sum((half.sum(1) for half in halves), torch.zeros(())).clamp_min(0) / 2


def permitted_mass(attention: Tensor, forbidden: Tensor) -> Tensor:
    """Return 1 − Σ_{i∈forbidden} a_i, summed over the permitted tokens so that little mass keeps its digits."""
    return torch.where(forbidden, torch.zeros((), dtype=attention.dtype), attention).sum(1)


def conicity(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return mean_i |cos(h_i, h̄)| with h̄ = mean_i h_i over real tokens: 1 where all states point one way.

    A text of one token has conicity 1. Mohankumar et al., ACL 2020.
    """
    hidden = zero_padding(hidden, mask)
    middle = masked_mean(hidden, mask)
    cosine = torch.cosine_similarity(hidden, middle.unsqueeze(1), dim=-1, eps=1e-12)
    return masked_mean(cosine.abs(), mask)
