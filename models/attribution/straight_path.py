"""The straight line of embeddings from a baseline to a text, and how a number changes along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.attribution.base import floats
from models.attribution.quadrature import Point
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.target import Target

# "Just after the beginning": far below the width of a panel, far above the grain of single precision.
AFTER: Final = 2.0**-14


class StraightPath:
    """F and its derivative on the way from the embeddings of a baseline (1, T, E) to those of a text.

    The part of token i in dF/dα is Σ_d ∂F/∂e_id (e_id − e'_id). Where the encoder begins with an affine layer
    (:meth:`Encoder.lead`), the line is followed behind it, and what the integral leaves there is led back through it
    once. At the very beginning all words are alike: a maximum is tied and a ReLU may stand on its kink, so the
    derivative at α = 0 is the one just after it, F is F(e'). Captum serves as reference in the tests; it would
    compute the points of a refined path anew each time.
    """

    def __init__(self, reading: Reading, target: Target, origin: Tensor) -> None:
        """Take the text, the number F and where the path begins."""
        self._reading, self._target = reading, target
        self._step = reading.embeddings - origin
        self._inputs = reading.embeddings.clone().requires_grad_()
        encoder = reading.classifier.encoder
        with torch.enable_grad():
            # Kept with its graph, by which :meth:`scores` goes back.
            self._lead = encoder.lead(self._inputs, reading.mask)
        with torch.no_grad():
            begin = None if self._lead is None else encoder.lead(origin, reading.mask)
        self._begin = origin if begin is None else begin
        self._way = self._step if self._lead is None else self._lead.detach() - self._begin
        self._first: float | None = None

    def at(self, alphas: Sequence[float]) -> list[Point]:
        """Return the points of several α, their gradients taken together in bounded batches."""
        return [point for part in self._chunks(alphas) for point in self._batch(part)]

    def between(self, alphas: Sequence[float]) -> tuple[list[Point], tuple[float, float]]:
        """Return the points of several α inside the line, and F at its ends: that of the text as it was read."""
        found = self.at(alphas)
        assert self._first is not None  # the first batch has it
        return found, (self._first, self._reading.value(self._target))

    def scores(self, parts: NDArray[np.float64]) -> tuple[float, ...]:
        """Turn integrated parts into one number per token."""
        if self._lead is None:
            return tuple(parts.tolist())
        felt = torch.from_numpy(parts).to(self._way).view_as(self._way)
        (gradient,) = torch.autograd.grad(self._lead, self._inputs, felt, retain_graph=True)
        return floats((gradient * self._step)[0].sum(-1))

    def _chunks(self, alphas: Sequence[float]) -> Iterator[Sequence[float]]:
        size = rows_per_chunk(len(self._reading))
        return (alphas[i : i + size] for i in range(0, len(alphas), size))

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return F (N,) of N points of the line."""
        classifier, mask = self._reading.classifier, self._reading.mask.expand(len(inputs), -1)
        if self._lead is None:
            return self._target(classifier.from_embeddings(inputs, mask))
        return self._target(classifier.decide(classifier.pool(classifier.encoder.follow(inputs, mask), mask)))

    def _batch(self, alphas: Sequence[float]) -> list[Point]:
        self._reading.ledger.pause(len(alphas))
        # The first batch has one more row, for F at the beginning.
        rows = [alpha or AFTER for alpha in alphas] + [0.0] * (self._first is None)
        share = torch.tensor(rows, dtype=self._way.dtype, device=self._way.device).view(-1, 1, 1)
        with torch.enable_grad(), differentiable(self._reading.ids):
            inputs = torch.addcmul(self._begin, share, self._way).requires_grad_()
            values = self._forward(inputs)
            (gradients,) = torch.autograd.grad(values[: len(alphas)].sum(), inputs)
        each = (gradients * self._way).sum(-1).double()
        parts = (gradients.flatten(1) if self._lead is not None else each).cpu().numpy()
        slopes, numbers = each.sum(1).tolist(), values.tolist()
        if self._first is None:
            self._first = numbers[-1]
        return [Point(parts[i], slopes[i], numbers[i] if a else self._first) for i, a in enumerate(alphas)]
