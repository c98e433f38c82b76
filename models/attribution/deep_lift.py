"""DeepLIFT by the rescale rule, where that rule is right."""

from __future__ import annotations

import torch

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading
from models.attribution.rescale import Rescaling
from models.attribution.target import Target
from models.classifier import PoolingClassifier

ENCODERS = ("embedding", "cnn", "ngram")
POOLERS = ("cls", "last", "max", "mean")


class DeepLift(AttributionMethod):
    """DeepLIFT: (e_i − e'_i) · m_i, every slope on the way back replaced by Δoutput / Δinput, from e' = 0.

    The text and the baseline go through the classifier side by side. Where a function bends, its
    multiplier is the slope of the chord between the two, not of the tangent; a maximum hands its change to
    the token that wins in the text, or in the baseline where that one wins more. So the parts add up to F(x) − F(0)
    exactly. The rule is for functions of one number and maxima: products of two changing factors, as in the gates
    of an LSTM and under every attention, are neither, and what it says there does not add up. There the
    method refuses. It explains logits, as its authors advise: a softmax blurs the parts.
    """

    name = "deep_lift"
    title = "DeepLIFT"
    family = "path"
    question = "How is the change of the logit, from empty vectors to this text, handed back step by step to the words?"
    formula = r"(e_i - e'_i)\cdot\prod \frac{\Delta\,\mathrm{output}}{\Delta\,\mathrm{input}}"
    baseline = "zero vectors, which is the padding word at every place"
    cost = "one forward and one backward pass over text and baseline together"
    source = "Shrikumar, Greenside & Kundaje, ICML 2017 (rescale rule); Captum DeepLift"
    signed = True
    complete = True
    scalars = ("logit",)

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Only chains of linear maps, functions of one number and maxima have multipliers."""
        encoder, pooler = classifier.encoder, classifier.pooler
        if encoder.name not in ENCODERS:
            what = "layers with attention" if encoder.self_attends else "gates"
            return f"DeepLIFT is wrong through the {what} of the {encoder.title} encoder, which multiply what changes."
        if pooler.name not in POOLERS:
            how = "whose weights multiply states that change too" if pooler.attends else "which is no sum or maximum"
            return f"DeepLIFT has no rule for {pooler.title} pooling, {how}."
        return None

    def most_forwards(self, words: int) -> int:
        """The text and its start, side by side."""
        return 2

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the change handed back to each word (T,), with what is left over."""
        both = torch.cat([reading.embeddings, torch.zeros_like(reading.embeddings)]).requires_grad_()
        with torch.enable_grad(), Rescaling():
            numbers = target(reading.classifier.from_embeddings(both, reading.mask.expand(2, -1)))
        (multipliers,) = torch.autograd.grad(numbers[0], both)
        values = (reading.embeddings[0] * multipliers[0]).sum(-1)
        change = float(numbers[0].detach().double() - numbers[1].detach().double())
        delta = float(values.double().sum()) - change
        return Scores(floats(values), delta=delta, change=change, baseline=self.baseline, forwards=2)
