"""Saliency without its jitter: the gradient averaged over noisy copies of the text."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores, floats, seed_field
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class SmoothGradParams:
    """How much noise, how many copies, and which draw."""

    noise: float = field(
        default=0.1,
        metadata={
            "title": "Noise",
            "min": 0.0,
            "max": 0.5,
            "step": 0.01,
            "help": "Standard deviation of the noise, as a part of the range (largest − smallest) of the text's "
            "embeddings; 0 is saliency.",
        },
    )
    samples: int = field(
        default=16,
        metadata={
            "title": "Copies",
            "min": 2,
            "max": 256,
            "step": 2,
            "help": "Noisy copies of the text; the jitter that is left falls with the square root of their number.",
        },
    )
    seed: int = seed_field()


class SmoothGrad(AttributionMethod):
    """SmoothGrad: the length of the mean gradient over noisy copies, ‖(1/S) Σ_s ∂F/∂e_i (e + ε_s)‖₂.

    ε ~ N(0, σ²) on every dimension of every embedding, σ = noise · (max e − min e). The mean is taken
    over the gradients and their length afterwards, so that what points everywhere cancels. The noise is
    drawn from ``seed``: the same text gives the same map.
    """

    name = "smooth_grad"
    title = "SmoothGrad"
    family = "gradient"
    question = "Which word vectors, moved a little, would change the logit, also in the neighbourhood of this text?"
    formula = r"\lVert \mathbb{E}_{\varepsilon}\, \partial F / \partial e_i\,(e + \varepsilon) \rVert"
    baseline = "none: local to a neighbourhood of this text"
    cost = "one gradient per noisy copy, 16 by default, in batches"
    source = "Smilkov, Thorat, Kim, Viégas & Wattenberg 2017; Captum NoiseTunnel"
    signed = False
    complete = False
    Params = SmoothGradParams

    def most_forwards(self, words: int) -> int:
        """One gradient per copy."""
        return int(self.params.samples)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the length of the mean gradient per token (T,)."""
        points = reading.embeddings + _noise(reading, self.params)
        with torch.enable_grad(), differentiable(reading.ids):
            chunks = [_gradients(reading, part, target) for part in points.split(rows_per_chunk(len(reading)))]
        mean = torch.cat(chunks).mean(0)
        return Scores(floats(mean.norm(dim=-1)), forwards=len(points))


def _noise(reading: Reading, params: SmoothGradParams) -> Tensor:
    """Return ε (S, T, E), drawn on the CPU so that every device gets the same."""
    like = reading.embeddings
    sigma = params.noise * float(like.max() - like.min())
    source = torch.Generator().manual_seed(params.seed)
    drawn = torch.randn(params.samples, *like.shape[1:], generator=source)
    return sigma * drawn.to(like)


def _gradients(reading: Reading, points: Tensor, target: Target) -> Tensor:
    """Return ∂F/∂e at each of the points (S, T, E)."""
    reading.ledger.pause(len(points))
    points = points.detach().requires_grad_()
    logits = reading.classifier.from_embeddings(points, reading.mask.expand(len(points), -1))
    (gradient,) = torch.autograd.grad(target(logits).sum(), points)
    return gradient
