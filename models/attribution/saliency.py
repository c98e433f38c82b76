"""Gradient length."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class SaliencyParams:
    """Which norm turns the gradient of an embedding into one number."""

    norm: str = field(
        default="l2",
        metadata={
            "title": "Norm",
            "choices": ("l1", "l2"),
            "help": "l2 is the steepest change over all small moves of one length, l1 sums the dimensions.",
        },
    )


class Saliency(AttributionMethod):
    """Length of the gradient: ‖∂ logit_c / ∂ e_i‖."""

    name = "saliency"
    title = "Saliency"
    family = "gradient"
    question = "Which word vectors, moved a little, would change the logit most?"
    formula = r"\lVert \partial\,\mathrm{logit}_c / \partial e_i \rVert"
    baseline = "none: local to this text"
    cost = "one backward pass, shared with input × gradient"
    source = "Simonyan, Vedaldi & Zisserman, ICLR workshop 2014; Captum Saliency"
    signed = False
    complete = False
    Params = SaliencyParams

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the gradient's norm per token (T,)."""
        order = 1 if self.params.norm == "l1" else 2
        return Scores(floats(reading.embedding_gradient(target).norm(p=order, dim=-1)))
