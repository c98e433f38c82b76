"""Integrated gradients from many texts of random words instead of one empty text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.attribution.base import AttributionMethod, Scores, floats, seed_field
from models.attribution.integrated_gradients import ROUNDING, missed
from models.attribution.reading import Reading, differentiable, rows_per_chunk
from models.attribution.starts import random_texts
from models.attribution.target import Target, as_target

MOST_GRADIENTS = 512  # of all paths together, as integrated gradients by default
FIRST_STEPS = 8


@dataclass(frozen=True, slots=True)
class ExpectedGradientsParams:
    """How many random texts, which ones, and how exact the paths from them must be."""

    samples: int = field(
        default=8,
        metadata={
            "title": "Random texts",
            "min": 2,
            "max": 64,
            "step": 2,
            "help": "Texts of words drawn from the vocabulary; each is the start of one path.",
        },
    )
    seed: int = seed_field()
    tolerance: float = field(
        default=0.05,
        metadata={
            "title": "Largest error",
            "min": 0.001,
            "max": 0.1,
            "step": 0.001,
            "help": "Steps are doubled until |delta| is at most this part of the mean |F(x) − F(random text)|. "
            "The error of drawing few texts is mostly larger, so that exact paths buy little.",
        },
    )


class ExpectedGradients(AttributionMethod):
    """Expected gradients: E_{e'} (e_i − e'_i) · ∫₀¹ ∂F/∂e_i (e' + α(e − e')) dα, e' texts of random words.

    GradientSHAP draws e' and α together, one α each. Here the texts are drawn and α is integrated, so
    that the scores sum to F(x) − mean F(e') up to the error of the path, as those of integrated gradients
    do, and sampling is left in the choice of texts alone. Its size is said with the baseline: the standard
    error of mean F(e'). Every word of the vocabulary is as likely as any other at every place; an
    encoder's own tokens stay what they are. A random text is no zero vector: it looks like words.
    """

    name = "expected_gradients"
    title = "Expected gradients"
    family = "path"
    question = "How is the change of the logit, from texts of random words to this one, divided among the words?"
    formula = (
        r"\mathbb{E}_{e'} (e_i - e'_i) \cdot"
        r" \int_0^1 \frac{\partial F}{\partial e_i}(e' + \alpha (e - e'))\,d\alpha"
    )
    baseline = "texts of the same length, their words drawn evenly from the vocabulary"
    cost = "8 random texts, 8 to 64 gradient steps each, doubled until the error is at most 5 %"
    source = "Erion, Janizek, Sturmfels, Lundberg & Lee 2021; Captum GradientShap"
    signed = True
    complete = True
    Params = ExpectedGradientsParams

    def most_forwards(self, words: int) -> int:
        """The random texts, and all rounds of doubled steps on every path."""
        count = int(self.params.samples)
        return count * (1 + doubled(FIRST_STEPS, MOST_GRADIENTS // count))

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the mean path integral per token (T,), its completeness error and its sampling error."""
        count = self.params.samples
        origins = random_texts(reading, count, self.params.seed)
        starts = torch.cat([_values(reading, part, target) for part in origins.split(rows_per_chunk(len(reading)))])
        mean, error = float(starts.mean()), float(starts.std()) / count**0.5
        baseline = (
            f"{count} texts of words drawn from the vocabulary, seed {self.params.seed}: "
            f"their {target.word} is {mean:.3f} ± {error:.3f} on average (standard error)"
        )

        def path(steps: int) -> Tensor:
            return integrate(reading, target, steps, origins)

        now = reading.value(target)
        return refined(
            path, now - mean, self.params.tolerance, MOST_GRADIENTS // count, target, baseline, count, FIRST_STEPS,
            # Changes of either sign cancel in their mean, and errors are those of the paths.
            typical=float((now - starts).abs().mean()),
        )  # fmt: skip


@torch.no_grad()
def _values(reading: Reading, texts: Tensor, target: Target) -> Tensor:
    """Return F of a chunk of texts given by their embeddings (K, T, E): (K,) in double precision."""
    reading.ledger.pause(len(texts))
    return target(reading.classifier.from_embeddings(texts, reading.mask.expand(len(texts), -1))).double()


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
    warning = None if abs(delta) <= allowed else missed(delta, change, steps, tolerance, target.word)
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
