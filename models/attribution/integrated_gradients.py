"""Integrated gradients by Captum, refined until the completeness error is small."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading, differentiable, rows_per_chunk

FIRST_STEPS = 16
ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class IntegratedGradientsParams:
    """When the refinement of the path may stop."""

    tolerance: float = field(
        default=0.01,
        metadata={
            "title": "Largest error",
            "min": 0.001,
            "max": 0.1,
            "step": 0.001,
            "help": "Steps are doubled until |delta| is at most this part of |F(x) − F(baseline)|.",
        },
    )
    max_steps: int = field(
        default=512,
        metadata={
            "title": "Most steps",
            "min": 16,
            "max": 2048,
            "step": 16,
            "help": "Doubling ends here even if the error is still too large; the map then says so.",
        },
    )


class IntegratedGradients(AttributionMethod):
    """Integrated gradients: e_i · ∫₀¹ ∂ logit_c / ∂ e_i (α e) dα, from the zero vector to the text.

    Captum computes the path sum on the embedding input (no hooks, so threads may share the
    classifier) with Gauss–Legendre nodes. Starting at 16, the steps are doubled until the scores
    sum to F(x) − F(0) within the tolerance; what is left over is ``delta``. A change of F too
    small for single precision counts as reached when the error is below 1e-5.
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    family = "path"
    question = "How is the change of the logit, from empty vectors to this text, divided among the words?"
    formula = r"e_i \cdot \int_0^1 \frac{\partial\,\mathrm{logit}_c}{\partial e_i}(\alpha e)\,d\alpha"
    baseline = "zero vectors, which is the padding word at every place"
    cost = "16 to 512 gradient steps, doubled until the error is at most 1 %"
    source = "Sundararajan, Taly & Yan, ICML 2017; Captum IntegratedGradients"
    signed = True
    complete = True
    Params = IntegratedGradientsParams

    def attribute(self, reading: Reading, target: int) -> Scores:
        """Return the path integral per token (T,) with its completeness error."""
        classifier, mask = reading.classifier, reading.mask
        with torch.no_grad():
            empty = classifier.from_embeddings(torch.zeros_like(reading.embeddings), mask)
        change = reading.logit(target) - float(empty[0, target])
        allowed = max(self.params.tolerance * abs(change), ROUNDING)
        steps, forwards = min(FIRST_STEPS, self.params.max_steps), 1
        while True:
            values = integrate(reading, target, steps)
            forwards += steps
            delta = float(values.double().sum()) - change
            if abs(delta) <= allowed or steps >= self.params.max_steps:
                break
            steps = min(2 * steps, self.params.max_steps)
        warning = None if abs(delta) <= allowed else _missed(delta, change, steps, self.params.tolerance)
        scores = floats(values)
        return Scores(scores, warning=warning, delta=delta, change=change, baseline=self.baseline, forwards=forwards)


def integrate(reading: Reading, target: int, steps: int) -> Tensor:
    """Path sum of Captum with ``steps`` Gauss–Legendre nodes, summed over dimensions: (T,)."""
    from captum.attr import IntegratedGradients as CaptumIntegratedGradients  # 0.5 s of import

    def forward(embeddings: Tensor, mask: Tensor) -> Tensor:
        return reading.classifier.from_embeddings(embeddings, mask)[:, target]

    with differentiable(reading.ids):
        scores: Tensor = CaptumIntegratedGradients(forward).attribute(
            reading.embeddings.clone(),
            additional_forward_args=(reading.mask,),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=rows_per_chunk(len(reading)),
        )
    return scores[0].sum(-1).detach()


def _missed(delta: float, change: float, steps: int, tolerance: float) -> str:
    """Say in words how far from complete the map stayed."""
    part = f"{abs(delta) / abs(change):.1%} of the change" if abs(change) >= ROUNDING else f"{abs(delta):.1e}"
    return (
        f"After {steps} steps the scores still miss the change of the logit by {part} "
        f"(at most {tolerance:.1%} was asked): read this map with care."
    )
