"""Integrated gradients of several texts of one length by one fixed rule, all in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.target import Target

# Points of Gauss and Legendre: where the states bend gently (:attr:`Encoder.smooth`) fewer are as good.
POINTS: Final = 16
GENTLE: Final = 9


def integrated(readings: Sequence[Reading], target: Target, origin: Tensor) -> Tensor:
    """Return (e_i − e'_i) · ∫₀¹ ∂F / ∂e_i (e' + α (e − e')) dα for K texts of T tokens, (K, T), in double precision.

    ``origin`` (1, T, E) is the baseline e' of all. Texts that lie close together, such as one text whose vectors
    tremble, get errors that are nearly alike and leave the *difference* of two maps, as adaptive refinement does not,
    whose error is another one for every text.
    """
    first = readings[0]
    classifier, ledger = first.classifier, first.ledger
    nodes, weights = np.polynomial.legendre.leggauss(GENTLE if classifier.encoder.smooth else POINTS)
    ways = torch.cat([reading.embeddings for reading in readings]) - origin
    alphas = torch.tensor((1 + nodes) / 2).to(ways).view(-1, 1, 1)
    found = []
    for part in (origin + alphas * ways.unsqueeze(1)).flatten(0, 1).split(rows_per_chunk(len(first))):
        ledger.pause(len(part))
        with torch.enable_grad(), differentiable(first.ids):
            inputs = part.requires_grad_()
            numbers = target(classifier.from_embeddings(inputs, first.mask.expand(len(inputs), -1)))
            (gradients,) = torch.autograd.grad(numbers.sum(), inputs)
        found.append(gradients)
    slopes = torch.cat(found).double().unflatten(0, (len(readings), -1))
    return torch.einsum("q,kqte,kte->kt", torch.tensor(weights / 2).to(slopes), slopes, ways.double())
