"""Integrated gradients by Captum, refined until the completeness error is small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.starts import KINDS, WORDS, start
from models.attribution.target import Target, as_target

FIRST_STEPS = 16
ROUNDING = 1e-5


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

    Captum computes the path sum on the embedding input (no hooks, so threads may share the
    classifier) with Gauss–Legendre nodes. Starting at 16, the steps are doubled until the scores
    sum to F(e) − F(e') within the tolerance; what is left over is ``delta``. A change of F too
    small for single precision counts as reached when the error is below 1e-5. By default e' = 0.
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    family = "path"
    question = "How is the change of the logit, from empty vectors to this text, divided among the words?"
    formula = r"(e_i - e'_i) \cdot \int_0^1 \frac{\partial F}{\partial e_i}(e' + \alpha (e - e'))\,d\alpha"
    baseline = WORDS["zero"]
    cost = "16 to 512 gradient steps, doubled until the error is at most 1 %"
    source = "Sundararajan, Taly & Yan, ICML 2017; Captum IntegratedGradients"
    signed = True
    complete = True
    Params = IntegratedGradientsParams

    def most_forwards(self, words: int) -> int:
        """The empty text, and all rounds of doubled steps."""
        return 1 + doubled(FIRST_STEPS, self.params.max_steps)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the path integral per token (T,) with its completeness error."""
        kind = self.params.baseline
        origin = start(reading, kind)
        with torch.no_grad():
            empty = reading.classifier.from_embeddings(origin, reading.mask)
            change = reading.value(target) - float(target(empty)[0])

        def path(steps: int) -> Tensor:
            return integrate(reading, target, steps, None if kind == "zero" else origin)

        return refined(path, change, self.params.tolerance, self.params.max_steps, target, WORDS[kind])


def refined(
    path: Callable[[int], Tensor], change: float, tolerance: float, most: int, target: Target, baseline: str,
    rows: int = 1, first: int = FIRST_STEPS, typical: float | None = None,
) -> Scores:  # fmt: skip
    """Double the steps of ``path``, which maps them to scores (T,), until these sum to ``change``.

    Up to ``most`` steps, ``rows`` gradients each; ``change`` cost one forward per row. The error allowed
    is ``tolerance`` of the ``typical`` change of F along one path, of ``change`` itself where there is one only.
    """
    allowed = max(tolerance * (abs(change) if typical is None else typical), ROUNDING)
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
