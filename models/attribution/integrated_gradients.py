"""Integrated gradients, refined where the path needs it until the completeness error is small."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from models.attribution.base import AttributionMethod, Scores
from models.attribution.quadrature import NODES, integrate_parts
from models.attribution.reading import Reading
from models.attribution.starts import KINDS, WORDS, start
from models.attribution.straight_path import StraightPath
from models.attribution.target import Target

ROUNDING: Final = 1e-5
# Fewest gradients over the readers of sst2 with a CNN, of 1, 2 and 3: whole numbers keep polynomials polynomials.
BEND: Final = 2.0


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

    Seven gradients are taken first, and more only where a part of the path does not sum to its part of the change,
    until the whole sums to F(e) − F(e') within the tolerance
    (:func:`~models.attribution.quadrature.integrate_parts`). They stand evenly where the states bend gently
    (:attr:`Encoder.smooth`); from nothing to a text most kinks of a ReLU and most turns of a layer norm come early,
    so that there the points crowd at the beginning. What is left over is
    ``delta``. A change of F too small for single precision counts as reached when the error is below 1e-5. By
    default e' = 0.
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    family = "path"
    question = "How is the change of the logit, from empty vectors to this text, divided among the words?"
    formula = r"(e_i - e'_i) \cdot \int_0^1 \frac{\partial F}{\partial e_i}(e' + \alpha (e - e'))\,d\alpha"
    baseline = WORDS["zero"]
    cost = "7 gradients, and up to 512 until the error is at most 1 %"
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
        tolerance, most = self.params.tolerance, max(len(NODES), min(int(self.params.max_steps), path.room))
        bend = 1.0 if reading.classifier.encoder.smooth else BEND
        found = integrate_parts(path.between, tolerance, most, ROUNDING, bend)
        scores, warning = path.scores(found.parts), None
        if abs(found.delta) > found.allowed:
            warning = missed(found.delta, found.change, found.points, tolerance, target.word)
        return Scores(
            scores, warning=warning, delta=sum(scores) - found.change, change=found.change,
            baseline=WORDS[kind], forwards=found.points + 1,
        )  # fmt: skip


def missed(delta: float, change: float, steps: int, tolerance: float, word: str) -> str:
    """Say in words how far from complete the map stayed."""
    part = f"{abs(delta) / abs(change):.1%} of the change" if abs(change) >= ROUNDING else f"{abs(delta):.1e}"
    return (
        f"After {steps} steps the scores still miss the change of the {word} by {part} "
        f"(at most {tolerance:.1%} was asked): read this map with care."
    )
