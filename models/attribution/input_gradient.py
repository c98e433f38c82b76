"""Gradient times embedding, with the attention free or held."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class InputGradientParams:
    """Whether the gradient may flow through the attention weights."""

    attention: str = field(
        default="attached",
        metadata={
            "title": "Attention",
            "choices": ("attached", "detached"),
            "help": "attached: moving a word may also move the attention; "
            "detached: the weights are held constant, as Jain & Wallace do.",
        },
    )


class InputGradient(AttributionMethod):
    """Input × gradient: e_i · ∂ logit_c / ∂ e_i.

    With ``attention="detached"`` the weights a are constants of the derivative. For a pooler that
    does not attend the two are one and the same map; the method says so and returns it, so that
    panels of different poolers can stand side by side.
    """

    name = "input_gradient"
    title = "Input × gradient"
    family = "gradient"
    question = "To first order, what would the logit lose if the word vector shrank to nothing?"
    formula = r"e_i \cdot \partial\,\mathrm{logit}_c / \partial e_i"
    baseline = "zero vector, to first order only"
    cost = "one backward pass, shared with saliency; detached takes one more"
    source = "Shrikumar et al. 2016; Captum InputXGradient; detached: Jain & Wallace, NAACL 2019"
    signed = True
    complete = False
    Params = InputGradientParams

    @property
    def passes_weights(self) -> bool:
        """Only while the attention is free."""
        return bool(self.params.attention == "attached")

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return Σ_d e_id ∂logit_c/∂e_id per token (T,)."""
        detached = self.params.attention == "detached"
        gradient = reading.embedding_gradient(target, detached=detached)
        warning = None
        if detached and reading.weights is None:
            title = reading.classifier.pooler.title
            warning = f"{title} pooling has no attention to hold constant; this map equals the attached one."
        return Scores(floats((reading.embeddings[0] * gradient).sum(-1)), warning=warning)
