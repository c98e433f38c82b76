"""The straight line of embeddings from a baseline to a text, and how a number changes along it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.attribution.base import floats
from models.attribution.ledger import BUDGET
from models.attribution.quadrature import Points
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.target import Target


class StraightPath:
    """F and its derivative on the way from the embeddings of a baseline (1, T, E) to those of a text.

    The part of token i in dF/dα is Σ_d ∂F/∂e_id (e_id − e'_id). Where the encoder begins with an affine layer
    (:meth:`Encoder.lead`), the line is followed behind it, and what the integral leaves there is led back through it
    once. Captum serves as reference in the tests; it would compute the points of a refined path anew each time.
    """

    def __init__(self, reading: Reading, target: Target, origin: Tensor) -> None:
        """Take the text, the number F and where the path begins."""
        self._reading, self._target = reading, target
        self._step = reading.embeddings - origin
        with torch.no_grad():
            begin = reading.classifier.encoder.lead(origin, reading.mask.bool())
        self._begin = origin if begin is None else begin
        # Any other encoder's way may not be there yet, and is not needed here.
        self._inputs, self._lead = (reading.embeddings, None) if begin is None else reading.lead
        self._way = self._step if self._lead is None else self._lead.detach() - self._begin
        self._first: float | None = None

    @property
    def room(self) -> int:
        """How many points may be kept until all are weighed: 256 MiB of their parts."""
        return BUDGET // ((len(self._reading) if self._lead is None else self._way.numel()) * self._way.itemsize)

    def between(self, alphas: Sequence[float]) -> tuple[list[Points], tuple[float, float]]:
        """Return the points of several α inside the line, and F at its ends: that of the text as it was read.

        Gradients are taken together, in bounded batches.
        """
        size = rows_per_chunk(len(self._reading))
        found = [self._batch(alphas[i : i + size]) for i in range(0, len(alphas), size)]
        assert self._first is not None  # the first batch has it
        return found, (self._first, self._reading.value(self._target))

    def scores(self, parts: NDArray[np.float64]) -> tuple[float, ...]:
        """Turn integrated parts into one number per token."""
        if self._lead is None:
            return tuple(parts.tolist())
        felt = torch.from_numpy(parts).to(self._way).view_as(self._way)
        (gradient,) = torch.autograd.grad(self._lead, self._inputs, felt, retain_graph=True)
        return floats((gradient * self._step)[0].sum(-1))

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return F (N,) of N points of the line."""
        classifier, mask = self._reading.classifier, self._reading.mask.expand(len(inputs), -1)
        if self._lead is None:
            return self._target(classifier.from_embeddings(inputs, mask))
        return self._target(classifier.decide(classifier.pool(classifier.encoder.follow(inputs, mask), mask)))

    def _batch(self, alphas: Sequence[float]) -> Points:
        self._reading.ledger.pause(len(alphas))
        # The first batch has one more row, for F at the beginning.
        rows = [*alphas, 0.0] if self._first is None else alphas
        share = torch.tensor(rows, dtype=self._way.dtype, device=self._way.device).view(-1, 1, 1)
        with torch.enable_grad(), differentiable(self._reading.ids):
            inputs = torch.addcmul(self._begin, share, self._way).requires_grad_()
            values = self._forward(inputs)
            (gradients,) = torch.autograd.grad(values[: len(alphas)].sum(), inputs)
        numbers = values.detach().double().cpu().numpy()
        if self._first is None:
            self._first = float(numbers[-1])
        gradients = gradients[: len(alphas)]
        each = (gradients * self._way).sum(-1).double()
        parts = each if self._lead is None else gradients.flatten(1)
        return Points(parts.cpu().numpy(), each.sum(1).cpu().numpy(), numbers[: len(alphas)])
