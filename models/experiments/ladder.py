"""The ladder from attention to leave-one-out: at which step do the rankings part?

Each rung adds one thing to the rung above it; Kendall τ_b between neighbours shows what that one
thing changes, and the weakest step names the cause. A step between a map without sign
and a map with one is compared by size |·|; a step between two signed maps keeps the signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.analysis import Text, attribution, compare, predicted, prepare, target_of
from models.attribution.attention import Attention
from models.attribution.attention_norm import AttentionNorm
from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.exact_share import ExactShare
from models.attribution.input_gradient import InputGradient
from models.attribution.leave_one_out import LeaveOneOut
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier
from models.metrics.agreement import KENDALL
from models.records import Agreement, Attribution, Ladder, Request, Rung

AGREES = 0.7
BY_SIZE = " Compared by size, because the rung above has no sign."


class MeanShare(AttributionMethod):
    """A token's mean share of the pooled vector: where poolers without attention start."""

    name = "mean_share"
    title = "Share"
    family = "exact"
    question = "How large a part of the pooled vector comes from each token?"
    formula = r"\frac{1}{D}\sum_d \mathrm{share}_{id}"
    baseline = "none"
    cost = "no forward beyond the prediction's own"
    source = "the pooler's own formula"
    signed = False
    complete = False
    blind = True

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the mean share (T,), the same for every target."""
        with torch.no_grad():
            return Scores(floats(reading.classifier.pooler.shares(reading.hidden, reading.mask)[0].mean(-1)))


class StateGradient(AttributionMethod):
    """State × gradient with the attention attached: h_i · ∂ logit_c / ∂ h_i."""

    name = "state_gradient"
    title = "State × gradient"
    family = "gradient"
    question = "What does a token state do to the logit, its effect on the attention included?"
    formula = r"h_i \cdot \partial\,\mathrm{logit}_c / \partial h_i"
    baseline = "zero state, to first order only"
    cost = "one backward pass through the pooler"
    source = "product rule: exact share plus the influence through the weights"
    signed = True
    complete = False

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return Σ_d h_id ∂logit_c/∂h_id per token (T,)."""
        return Scores(floats((reading.hidden[0] * reading.state_gradient(target)).sum(-1)))


@dataclass(frozen=True, slots=True)
class _Step:
    """A method on the ladder, what it adds to the rung above, and what it means if τ falls there."""

    method: AttributionMethod
    adds: str
    cause: str


def ladder(classifier: PoolingClassifier, request: Request) -> Ladder:
    """Climb from attention to leave-one-out for one text.

    A pooler without attention has no weights to start from: its ladder begins at each token's
    share of the pooled vector and leaves out the rung on influence through the weights.

    Raises:
        PoolScopeError: as :func:`models.analysis.analyse`.
    """
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners)
    target = target_of(classifier, request, predicted(classifier, reading.logits[0]))
    steps = _steps(classifier, classifier.labels[target.index])
    maps = [attribution(step.method, reading, text, target) for step in steps]
    taus = [None, *(compare(KENDALL, a, b, text) for a, b in zip(maps, maps[1:], strict=False))]
    rungs = tuple(
        Rung(step.method.name, step.method.title, step.adds, scores.scores, tau)
        for step, scores, tau in zip(steps, maps, taus, strict=True)
    )
    defined = {i: tau.value for i, tau in enumerate(taus) if tau is not None and tau.value is not None}
    weakest = min(defined, key=defined.__getitem__) if defined else None
    return Ladder(rungs, weakest, _sentence(steps, taus, weakest, maps, text, classifier))


def _steps(classifier: PoolingClassifier, label: str) -> list[_Step]:
    """The rungs that exist for this pooler, with their words."""
    pooler, encoder = classifier.pooler, classifier.encoder
    norm = " and the learned norm" if hasattr(pooler, "exponent") else ""
    direction = _Step(
        ExactShare(),
        f"The direction{norm}: what each state says about “{label}” in the pooled vector.{BY_SIZE}",
        f"how much of a state enters the vector is not how much it says about “{label}”",
    )
    if encoder.contextual:
        mixing = "The encoder: a state also carries its neighbours, so its part is led back to the words."
        mixed = "the encoder mixes neighbours into every state, so a state's part is not its own word's part"
    else:
        mixing = "The encoder: each word vector is bent on its own before pooling; no neighbour is mixed in."
        mixed = "the encoder bends each word vector, so a word's first-order pull is not its state's part"
    words = _Step(InputGradient(), mixing, mixed)
    removal = _Step(
        LeaveOneOut(),
        "A real removal: the word is taken out and everything is computed again.",
        "taking a word out for good does something else than the first-order gradient foresees, "
        "since all that remains is read and weighed anew",
    )
    if not pooler.attends:
        start = f"{pooler.title} pooling has no attention: the ladder starts at each token's share."
        return [_Step(MeanShare(), start, ""), direction, words, removal]
    through = "Influence through the weights: a state also decides how much attention it and the others get."
    if pooler.surrogate:
        through = f"{through} {pooler.surrogate}"
    return [
        _Step(Attention(), "The weights alone: where the pooler looks.", ""),
        _Step(
            AttentionNorm(),
            "The length of each state: a large weight on a short state moves little.",
            "the attended states differ in length, so a weight is not an amount",
        ),
        direction,
        _Step(
            StateGradient(),
            through,
            "states act not only through what they carry but by moving the attention itself",
        ),
        words,
        removal,
    ]


def _sentence(
    steps: Sequence[_Step],
    taus: Sequence[Agreement | None],
    weakest: int | None,
    maps: Sequence[Attribution],
    text: Text,
    classifier: PoolingClassifier,
) -> str:
    """Say in plain words where the ladder breaks, or that it holds."""
    if weakest is None:
        reason = next((tau.reason for tau in taus if tau is not None), None)
        return f"No two rungs can be compared on this text. {reason}"
    tau = taus[weakest]
    assert tau is not None
    assert tau.value is not None
    first, last = maps[0].title, maps[-1].title
    ends = compare(KENDALL, maps[0], maps[-1], text).value
    whole = "" if ends is None else f" From {first} to {last} τ is {_two(ends)}."
    start = (
        ""
        if classifier.pooler.attends
        else f"{classifier.pooler.title} pooling has no attention to begin with. "
    )
    above, below = steps[weakest - 1].method.title, steps[weakest].method.title
    step = f"from {above} to {below} (τ = {_two(tau.value)})"
    if tau.value >= AGREES:
        return f"{start}No step breaks the ladder; the weakest is {step}.{whole}"
    return f"{start}The ladder breaks {step}: {steps[weakest].cause}.{whole}"


def _two(value: float) -> str:
    """Two decimals with a real minus sign, none in front of zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
