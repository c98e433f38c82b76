"""Integrated gradients, refined where the path needs it until the completeness error is small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.quadrature import Point, integrate_parts
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.starts import KINDS, WORDS, start
from models.attribution.target import Target, as_target

ROUNDING = 1e-5
# "Just after the beginning": far below the width of a panel, far above the grain of single precision.
AFTER = 2.0**-14


@dataclass(frozen=True, slots=True)
class IntegratedGradientsParams:
    """Where the path begins, and when its refinement may stop."""

    tolerance: float = field(
        default=0.01,
        metadata={
            "title": "Largest error",
            "min": 0.001,
            "max": 0.1,
            "step": 0.001,
            "help": "The path is divided more finely until |delta| is at most this part of |F(x) − F(baseline)|.",
        },
    )
    max_steps: int = field(
        default=512,
        metadata={
            "title": "Most steps",
            "min": 16,
            "max": 2048,
            "step": 16,
            "help": "Refinement ends here even if the error is still too large; the map then says so.",
        },
    )
    baseline: str = field(
        default="zero",
        metadata={
            "title": "Baseline",
            "choices": KINDS,
            "help": "Where the path begins: zero vectors everywhere, or in place of every word the padding word, "
            "the mean of all word vectors, or the unknown word. The map answers for that choice.",
        },
    )


class IntegratedGradients(AttributionMethod):
    """Integrated gradients: (e_i − e'_i) · ∫₀¹ ∂F / ∂e_i (e' + α (e − e')) dα, from a baseline e' to the text.

    The integral is that of :func:`~models.attribution.quadrature.integrate_parts`: 9 gradients, and more where a
    part of the path does not sum to its part of the change, until the whole sums to F(e) − F(e') within the
    tolerance; what is left over is ``delta``. A change of F too small for single precision counts as reached when the
    error is below 1e-5. By default e' = 0.
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    family = "path"
    question = "How is the change of the logit, from empty vectors to this text, divided among the words?"
    formula = r"(e_i - e'_i) \cdot \int_0^1 \frac{\partial F}{\partial e_i}(e' + \alpha (e - e'))\,d\alpha"
    baseline = WORDS["zero"]
    cost = "9 to 512 gradients, more of them until the error is at most 1 %"
    source = "Sundararajan, Taly & Yan, ICML 2017"
    signed = True
    complete = True
    Params = IntegratedGradientsParams

    def most_forwards(self, words: int) -> int:
        """Every gradient allowed, and F of the empty text."""
        return int(self.params.max_steps) + 1

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the path integral per token (T,) with its completeness error."""
        kind = self.params.baseline
        path = StraightPath(reading, target, start(reading, kind))
        tolerance = self.params.tolerance
        found = integrate_parts(path.at, tolerance, self.params.max_steps, ROUNDING)
        scores, warning = path.scores(found.parts), None
        if abs(found.delta) > found.allowed:
            warning = _missed(found.delta, found.change, found.points, tolerance, target.word)
        return Scores(
            scores, warning=warning, delta=sum(scores) - found.change, change=found.change,
            baseline=WORDS[kind], forwards=found.points + 1,
        )  # fmt: skip


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
        encoder = reading.classifier.encoder
        with torch.no_grad():
            lead = encoder.lead(origin, reading.mask)
            self._leads = lead is not None
            self._begin = origin if lead is None else lead
            end = reading.embeddings if lead is None else encoder.lead(reading.embeddings, reading.mask)
        assert end is not None
        self._way = end - self._begin

    def at(self, alphas: Sequence[float]) -> list[Point]:
        """Return the points of several α, their gradients taken together in bounded batches."""
        size = rows_per_chunk(len(self._reading))
        return [point for i in range(0, len(alphas), size) for point in self._batch(alphas[i : i + size])]

    def scores(self, parts: NDArray[np.float64]) -> tuple[float, ...]:
        """Turn integrated parts into one number per token."""
        if not self._leads:
            return tuple(parts.tolist())
        reading = self._reading
        felt = torch.from_numpy(parts).to(self._way).view_as(self._way)
        with torch.enable_grad():
            inputs = reading.embeddings.clone().requires_grad_()
            lead = reading.classifier.encoder.lead(inputs, reading.mask)
            assert lead is not None
            (gradient,) = torch.autograd.grad(lead, inputs, felt)
        return floats((gradient * self._step)[0].sum(-1))

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return F (N,) of N points of the line."""
        classifier, mask = self._reading.classifier, self._reading.mask.expand(len(inputs), -1)
        if not self._leads:
            return self._target(classifier.from_embeddings(inputs, mask))
        return self._target(classifier.decide(classifier.pool(classifier.encoder.follow(inputs, mask), mask)))

    def _batch(self, alphas: Sequence[float]) -> list[Point]:
        self._reading.ledger.pause(len(alphas))
        # Where α = 0 is among them, one more row for F there.
        rows = [alpha or AFTER for alpha in alphas] + [0.0] * (0.0 in alphas)
        share = torch.tensor(rows, dtype=self._way.dtype, device=self._way.device).view(-1, 1, 1)
        with torch.enable_grad(), differentiable(self._reading.ids):
            inputs = torch.addcmul(self._begin, share, self._way).requires_grad_()
            values = self._forward(inputs)
            (gradients,) = torch.autograd.grad(values.sum(), inputs)
        each = torch.einsum("ntk,tk->nt", gradients, self._way[0]).double()
        parts = (gradients.flatten(1) if self._leads else each).cpu().numpy()
        slopes, numbers = each.sum(1).tolist(), values.tolist()
        return [Point(parts[i], slopes[i], numbers[i] if a else numbers[-1]) for i, a in enumerate(alphas)]


def refined(
    path: Callable[[int], Tensor], change: float, tolerance: float, most: int, target: Target, baseline: str,
    rows: int, first: int, typical: float,
) -> Scores:  # fmt: skip
    """Double the steps of ``path``, which maps them to scores (T,), until these sum to ``change``.

    Up to ``most`` steps, ``rows`` gradients each; ``change`` cost one forward per row. The error allowed
    is ``tolerance`` of the ``typical`` change of F along one path.
    """
    allowed = max(tolerance * typical, ROUNDING)
    steps, forwards = min(first, most), rows
    while True:
        values = path(steps)
        forwards += rows * steps
        delta = float(values.double().sum()) - change
        if abs(delta) <= allowed or steps >= most:
            break
        steps = min(2 * steps, most)
    warning = None if abs(delta) <= allowed else _missed(delta, change, steps, tolerance, target.word)
    return Scores(floats(values), warning=warning, delta=delta, change=change, baseline=baseline, forwards=forwards)


def doubled(first: int, most: int) -> int:
    """Sum the steps of all rounds of :func:`refined`, were every one of them needed."""
    steps = total = min(first, most)
    while steps < most:
        steps = min(2 * steps, most)
        total += steps
    return total


def integrate(reading: Reading, target: Target | int, steps: int, origins: Tensor | None = None) -> Tensor:
    """Path sum of Captum with ``steps`` Gauss–Legendre nodes, summed over dimensions: (T,).

    From zero, or the mean of the paths from each of ``origins`` (K, T, E).
    """
    from captum.attr import IntegratedGradients as CaptumIntegratedGradients  # 0.5 s of import

    aim, rows = as_target(target), rows_per_chunk(len(reading))

    def forward(embeddings: Tensor, mask: Tensor) -> Tensor:
        reading.ledger.pause(len(embeddings))
        return aim(reading.classifier.from_embeddings(embeddings, mask))

    def paths(starts: Tensor | None) -> Tensor:
        count = 1 if starts is None else len(starts)
        with differentiable(reading.ids):
            scores: Tensor = CaptumIntegratedGradients(forward).attribute(
                reading.embeddings.repeat(count, 1, 1),
                baselines=starts,
                additional_forward_args=(reading.mask.expand(count, -1),),
                n_steps=steps,
                method="gausslegendre",
                internal_batch_size=rows,
            )
        return scores.sum(-1).detach()

    # No more paths at once than rows fit into a batch: Captum never cuts a single step.
    found = [paths(None)] if origins is None else [paths(part) for part in origins.split(rows)]
    return torch.cat(found).mean(0)


def _missed(delta: float, change: float, steps: int, tolerance: float, word: str) -> str:
    """Say in words how far from complete the map stayed."""
    part = f"{abs(delta) / abs(change):.1%} of the change" if abs(change) >= ROUNDING else f"{abs(delta):.1e}"
    return (
        f"After {steps} steps the scores still miss the change of the {word} by {part} "
        f"(at most {tolerance:.1%} was asked): read this map with care."
    )
