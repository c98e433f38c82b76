"""The furthest attention that leaves a logit margin in an interval: exact, by its vertices.

Weights a' over N tokens with mass M and token margins u are sought that maximise JSD(a, a') over the polytope

    P = { a' ≥ 0, Σ a'_i = M, low ≤ Σ a'_i u_i ≤ high }.

*Why two tokens suffice.* JSD(a, ·) is convex, since (x, y) ↦ x log(x/y) is jointly convex and the middle is
affine in a'. A convex function on a compact polytope takes its maximum at a vertex. At a vertex of P, N linearly
independent constraints are tight; Σ a' = M is one, at most one of the two sides of the slab can be added (they
are parallel), so at least N − 2 of the bounds a'_i ≥ 0 are tight: at most two tokens have weight. With one token
it is M e_i, with low ≤ M u_i ≤ high; with two, one side s of the slab is tight and a'_i = (s − M u_j)/(u_i − u_j),
a'_j = M − a'_i. All of these are tried: O(N²).

*Why each is cheap.* The JSD splits over tokens, JSD(a, a') = Σ_k g(a_k, a'_k) with
g(x, y) = ½ [x log 2x/(x+y) + y log 2y/(x+y)] and g(x, 0) = ½ x log 2, so a vertex costs two evaluations of g
beyond Σ_k g(a_k, 0).

For a classifier of two classes with a linear head over Σ a_i h_i, |Δp| ≤ ε is such an interval of the logit margin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Furthest:
    """For each of B texts the JSD (B,) and the vertex: tokens ``first`` and ``second`` (B,) with their weights."""

    distance: Tensor
    first: Tensor
    second: Tensor
    first_weight: Tensor
    second_weight: Tensor


def furthest(weights: Tensor, values: Tensor, low: Tensor, high: Tensor, mask: Tensor) -> Furthest:
    """Return the optimum over P for each of B texts.

    Args:
        weights: a (B, N), ≥ 0; its sum over real tokens is M.
        values: u (B, N), what each token adds to the margin with weight 1.
        low: lower side of the slab (B,), −inf for none.
        high: upper side (B,), inf for none; a itself must lie between the two.
        mask: real tokens (B, N).
    """
    a = torch.where(mask, weights, 0.0)
    mass = a.sum(1)
    half = math.log(2) / 2
    rest = half * mass
    best = torch.full_like(mass, -torch.inf)
    first = second = torch.zeros_like(mass, dtype=torch.long)
    share = mass.clone()

    # One token alone. The margin is that of a computed sum, so the slab is widened by its rounding.
    slack = 1e-12 * (1 + (mass.unsqueeze(1) * values.abs()).masked_fill(~mask, 0).amax(1))
    alone = mass.unsqueeze(1) * values
    inside = mask & (alone >= (low - slack).unsqueeze(1)) & (alone <= (high + slack).unsqueeze(1))
    gain = rest.unsqueeze(1) + _gain(a, mass.unsqueeze(1).expand_as(a), half)
    score, place = gain.masked_fill(~inside, -torch.inf).max(1)
    better = score > best
    best = torch.where(better, score, best)
    first, second = torch.where(better, place, first), torch.where(better, place, second)

    # Two tokens on either side of the slab, (2, B, N, N).
    sides = torch.stack((low, high))
    there = sides.isfinite()
    apart = values.unsqueeze(2) - values.unsqueeze(1)
    needed = torch.where(there, sides, 0.0).unsqueeze(2) - mass.unsqueeze(1) * values
    left = needed.unsqueeze(2) / torch.where(apart == 0, torch.inf, apart)
    most = mass.view(-1, 1, 1)
    pairs = mask.unsqueeze(2) & mask.unsqueeze(1) & (apart != 0)
    fits = pairs & (left >= 0) & (left <= most) & there.view(2, -1, 1, 1)
    left = left.clamp(min=torch.zeros_like(most), max=most)
    # What token j has of the pair (i, j) is what it has as the first of (j, i).
    one = _gain(a.unsqueeze(2), left, half)
    gain = (rest.view(-1, 1, 1) + one + one.mT).masked_fill(~fits, -torch.inf)
    scores, places = gain.flatten(2).max(2)
    shares = left.flatten(2).gather(2, places.unsqueeze(2))[:, :, 0]
    for score, place, found in zip(scores, places, shares, strict=True):
        better = score > best
        best, first, second, share = (
            torch.where(better, new, old)
            for new, old in ((score, best), (place // a.shape[1], first), (place % a.shape[1], second), (found, share))
        )
    alone_weight = torch.where(first == second, mass, share)
    return Furthest(best.clamp_min(0), first, second, alone_weight, mass - alone_weight)


def _gain(a: Tensor, t: Tensor, half: float) -> Tensor:
    """g(a, t) − g(a, 0), as ½ [a log 2a + t log 2t − (a + t) log (a + t)] − ½ a log 2 with 0 log 0 = 0."""
    return (_entropy(a + t) - _entropy(a) - _entropy(t)) / 2 + half * t


def _entropy(x: Tensor) -> Tensor:
    """−x log x with 0 log 0 = 0; several times as fast as ``torch.xlogy``, which goes number by number."""
    return -x * x.clamp_min(1e-300).log()


def slab(probability: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return the logit margins between which a probability p changes by ε at most: logit(p − ε), logit(p + ε)."""
    low, high = probability - epsilon, probability + epsilon
    return (
        torch.where(low > 0, low.clamp(1e-300, 1 - 1e-16).logit(), -torch.inf),
        torch.where(high < 1, high.clamp(1e-300, 1 - 1e-16).logit(), torch.inf),
    )
