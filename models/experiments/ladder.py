"""The ladder from attention to leave-one-out: at which step do the rankings part?

Each rung adds one thing to the rung above it; Kendall τ_b between neighbours shows what that one
thing changes, and the weakest step names the cause. A step between a map without sign
and a map with one is compared by size |·|; a step between two signed maps keeps the signs.

Gradients may pass through the attention weights (attached, the derivative of what is computed) or
hold them constant (detached, as the published code of Jain & Wallace does, which cuts the graph at the
attention module). Detached, the rung of the states adds nothing to an exact share of a weighted mean,
Σ_d h_id ∂logit_c/∂h_id = a_i W_c·h_i, and what the weights do is left to the steps below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.analysis import Text, attribution, compare, predicted, prepare, target_of
from models.attribution.accounts import Accounts
from models.attribution.attention import Attention
from models.attribution.attention_norm import AttentionNorm
from models.attribution.base import AttributionMethod, Scores, floats
from models.attribution.exact_share import ExactShare
from models.attribution.input_gradient import InputGradient, InputGradientParams
from models.attribution.leave_one_out import LeaveOneOut
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.classifier import PoolingClassifier
from models.metrics.agreement import KENDALL
from models.records import Agreement, Attribution, Ladder, Request, Rung, Through

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
        return Scores(floats(reading.shares.mean(-1)))


class StateGradient(AttributionMethod):
    """State × gradient: h_i · ∂ logit_c / ∂ h_i, the attention attached or held constant."""

    name = "state_gradient"
    title = "State × gradient"
    family = "gradient"
    question = "To first order, what would the logit lose if the token state shrank to nothing?"
    formula = r"h_i \cdot \partial\,\mathrm{logit}_c / \partial h_i"
    baseline = "zero state, to first order only"
    cost = "one backward pass through the pooler"
    source = "product rule: exact share plus, while attached, the influence through the weights"
    signed = True
    complete = False
    Params = InputGradientParams

    @property
    def passes_weights(self) -> bool:
        """Only while the attention is free."""
        return bool(self.params.attention == "attached")

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return Σ_d h_id ∂logit_c/∂h_id per token (T,)."""
        gradient = reading.state_gradient(target, detached=self.params.attention == "detached")
        return Scores(floats((reading.hidden[0] * gradient).sum(-1)))


@dataclass(frozen=True, slots=True)
class _Step:
    """A method on the ladder, what it adds to the rung above, and what it means if τ falls there."""

    method: AttributionMethod
    adds: str
    cause: str


def ladder(
    classifier: PoolingClassifier, request: Request, through: Through = "attached", accounts: Accounts | None = None
) -> Ladder:
    """Climb from attention to leave-one-out for one text, gradients ``through`` the attention or past it.

    A pooler without attention has no weights to start from, nor to hold: its ladder begins at each token's share of
    the pooled vector, leaves out the rung of the state gradient, and is the same either way. Where a pooler has no
    exact split, the rung stays without a map, says so, and the step below leads over it. Texts that ``accounts``
    has already are not read again.

    Raises:
        PoolScopeError: as :func:`models.analysis.analyse`, or ``through`` is neither attached nor detached.
    """
    text = prepare(classifier, request)
    reading = Reading(classifier, text.ids, text.owners, accounts)
    target = target_of(classifier, request, predicted(classifier, reading.logits[0]))
    steps = _steps(classifier, classifier.labels[target.index], through)
    maps = [attribution(step.method, reading, text, target) for step in steps]
    above = [_above(maps, place) for place in range(len(maps))]
    taus = [
        compare(KENDALL, maps[other], made, text) if place else None
        for place, (other, made) in enumerate(zip(above, maps, strict=True))
    ]
    rungs = tuple(
        Rung(
            step.method.name, step.method.heading, _words(step, maps, place, above[place]), made.scores, tau,
            maps[above[place]].title if above[place] < place - 1 else "",
        )
        for place, (step, made, tau) in enumerate(zip(steps, maps, taus, strict=True))
    )  # fmt: skip
    defined = {i: tau.value for i, tau in enumerate(taus) if tau is not None and tau.value is not None}
    weakest = min(defined, key=defined.__getitem__) if defined else None
    sentence = _sentence(steps, taus, weakest, maps, text, classifier)
    return Ladder(rungs, weakest, sentence, through if classifier.pooler.attends else "none")


def _above(maps: Sequence[Attribution], place: int) -> int:
    """The rung that rung ``place`` is compared with: the nearest above that has a map, or else the one above."""
    known = [i for i in range(place) if maps[i].scores is not None]
    return known[-1] if known and maps[place].scores is not None else place - 1


def _words(step: _Step, maps: Sequence[Attribution], place: int, above: int) -> str:
    """What a rung adds and how it is compared, or why it is empty."""
    made = maps[place]
    if made.scores is None:
        return f"{step.adds} It has no map here: {made.reason}"
    size = BY_SIZE if place and made.signed and not maps[above].signed else ""
    gap = f" Compared over the gap, with {maps[above].title}." if place and above < place - 1 else ""
    return f"{step.adds}{size}{gap}"


def _steps(classifier: PoolingClassifier, label: str, through: Through) -> list[_Step]:
    """The rungs that exist for this pooler, with their words."""
    pooler, encoder = classifier.pooler, classifier.encoder
    norm = " and the learned norm" if hasattr(pooler, "exponent") else ""
    direction = _Step(
        ExactShare(),
        f"The direction{norm}: what each state says about “{label}” in the pooled vector.",
        f"how much of a state enters the vector is not how much it says about “{label}”",
    )
    if encoder.contextual:
        mixing = "The encoder: a state also carries its neighbours, so its part is led back to the words."
        mixed = "the encoder mixes neighbours into every state, so a state's part is not its own word's part"
    else:
        mixing = "The encoder: each word vector is bent on its own before pooling; no neighbour is mixed in."
        mixed = "the encoder bends each word vector, so a word's first-order pull is not its state's part"
    held = pooler.attends and through == "detached"
    removal = _Step(
        LeaveOneOut(),
        f"A real removal: the word is taken out and everything is computed again{', the weights too' if held else ''}.",
        "taking a word out for good does something else than the first-order gradient foresees, "
        + ("which held the weights constant" if held else "since all that remains is read and weighed anew"),
    )
    words = _Step(InputGradient(attention=through if pooler.attends else "attached"), mixing, mixed)
    # Without an exact split the rung above is empty, and this one brings the direction as well.
    split = pooler.homogeneous or pooler.path_integrated
    if held and split:
        adds = "The weights are held constant. Where the vector is a weighted mean this is the exact share once more."
        cause = "the pooler bends the states before it weighs them, so its slope is not the exact share"
    elif held:
        adds = f"The direction: what each state says about “{label}”, while the weights are held constant."
        cause = direction.cause
    elif split:
        adds = "Influence through the weights: a state also decides how much attention it and the others get."
        cause = "states act not only through what they carry but by moving the attention itself"
    else:
        adds = f"The direction, what each state says about “{label}”, and what it does by moving the attention."
        cause = f"a weight says neither what a state tells about “{label}” nor how that state moves the attention"
    states = _Step(StateGradient(attention=through), adds, cause)
    if states.method.passes_weights and pooler.surrogate:
        states = replace(states, adds=f"{states.adds} {pooler.surrogate}")
    if not pooler.attends:
        start = f"{pooler.title} pooling has no attention: the ladder starts at each token's share."
        return [_Step(MeanShare(), start, ""), direction, words, removal]
    return [
        _Step(Attention(), "The weights alone: where the pooler looks.", ""),
        _Step(
            AttentionNorm(),
            "The length of each state: a large weight on a short state moves little.",
            "the attended states differ in length, so a weight is not an amount",
        ),
        direction,
        states,
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
    if missing := [made.title for made in maps if made.scores is None]:
        whole += f" There is no {' and no '.join(missing)} here; the step below leads over the gap."
    start = (
        ""
        if classifier.pooler.attends
        else f"{classifier.pooler.title} pooling has no attention to begin with. "
    )
    above, below = maps[_above(maps, weakest)].title, maps[weakest].title
    step = f"from {above} to {below} (τ = {_two(tau.value)})"
    if tau.value >= AGREES:
        return f"{start}No step breaks the ladder; the weakest is {step}.{whole}"
    return f"{start}The ladder breaks {step}: {steps[weakest].cause}.{whole}"


def _two(value: float) -> str:
    """Two decimals with a real minus sign, none in front of zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
