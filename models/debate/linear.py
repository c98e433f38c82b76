"""Smallest edit and erasure of many texts at once, where the logits are linear in the weights."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

HALVINGS: Final = 70
DOUBLINGS: Final = 20


def moved_mass(weights: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """Return the mass (B,) that moves in the smallest edit of each text, NaN where no weights turn the answer.

    The tilting of :class:`~models.experiments.smallest_edit.SmallestEditExperiment`, its λ found by halving for all
    texts together; of all rivals the nearest by KL.

    Args:
        weights: a (B, N), of sum 1.
        values: W h_i (B, N, C).
        bias: of the head (C,).
    """
    logits = torch.einsum("bn,bnc->bc", weights, values) + bias
    first = logits.argmax(-1)
    own = values.gather(2, first.view(-1, 1, 1).expand(-1, values.shape[1], 1))[..., 0]
    best = torch.full_like(logits[:, 0], torch.inf)
    moved = torch.full_like(best, torch.nan)
    for rival in range(values.shape[2]):
        v = own - values[..., rival]
        rest = bias[first] - bias[rival]
        low = torch.where(weights > 0, v, torch.inf).amin(1)
        possible = (first != rival) & (weights.sum(1) * low + rest < 0)
        if not bool(possible.any()):
            continue
        tilted = _tilted(weights, v, rest)
        ratio = torch.where(tilted > 0, tilted / torch.where(weights > 0, weights, 1.0), 1.0)
        divergence = (tilted * ratio.log()).sum(1)
        nearer = possible & (divergence < best)
        best = torch.where(nearer, divergence, best)
        moved = torch.where(nearer, (tilted - weights).clamp_min(0).sum(1), moved)
    return moved


def _tilted(weights: Tensor, v: Tensor, rest: Tensor) -> Tensor:
    """A e^{−λv}, of the mass of a, at the λ (B,) where Σ a' v + rest is 0; rows without one end anywhere."""
    mass, log_a = weights.sum(1, keepdim=True), weights.log()

    def tilt(strength: Tensor) -> Tensor:
        return mass * (log_a - strength.unsqueeze(1) * v).softmax(1)

    def above(strength: Tensor) -> Tensor:
        return (tilt(strength) * v).sum(1) + rest > 0

    high = 1 / (v.amax(1) - v.amin(1)).clamp_min(1e-12)
    for _ in range(DOUBLINGS):
        high = torch.where(above(high), 2 * high, high)
    low = torch.zeros_like(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = above(middle)
        low, high = torch.where(over, middle, low), torch.where(over, high, middle)
    return tilt(high)


def slopes(weights: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """Return ∂p_c/∂a (B, N) for the predicted class c: p_c (v_c − Σ_k p_k v_k)."""
    p = (torch.einsum("bn,bnc->bc", weights, values) + bias).softmax(-1)
    top, first = p.max(-1)
    own = values.gather(2, first.view(-1, 1, 1).expand(-1, values.shape[1], 1))[..., 0]
    return top.unsqueeze(1) * (own - torch.einsum("bnc,bc->bn", values, p))


def descending(scores: Tensor) -> Tensor:
    """Return places (B, N), largest score first, equal ones in the order of the text."""
    return scores.argsort(dim=1, descending=True, stable=True)


def flips(weights: Tensor, values: Tensor, bias: Tensor, counts: list[int], order: Tensor) -> Tensor:
    """Return the part of the words (B,), taken in ``order`` (B, N), at whose loss the answer flips; NaN for never.

    ``counts`` are the numbers of words gone that are looked at, from 0.
    """
    a = weights.gather(1, order)
    said = a.unsqueeze(-1) * values.gather(1, order.unsqueeze(-1).expand_as(values))
    left = a.flip(1).cumsum(1).flip(1)[:, counts]
    sums = said.flip(1).cumsum(1).flip(1)[:, counts]
    alive = left > 1e-9
    logits = sums / torch.where(alive, left, 1.0).unsqueeze(-1) * weights.sum(1).view(-1, 1, 1) + bias
    classes = logits.argmax(-1)
    changed = (classes != classes[:, :1]) & alive
    parts = torch.tensor(counts, dtype=weights.dtype) / weights.shape[1]
    found = parts[changed.long().argmax(1)]
    return torch.where(changed.any(1), found, torch.nan)


def median_flip(found: Tensor) -> Tensor:
    """Return the median (B,) over orders (K, B) of those that flip, where most of them do; NaN elsewhere."""
    most = 2 * (~found.isnan()).sum(0) > len(found)
    return torch.where(most, found.nanquantile(0.5, dim=0), torch.nan)
