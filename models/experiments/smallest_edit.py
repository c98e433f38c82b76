"""The smallest change of the attention that changes the answer."""

from __future__ import annotations

from torch import Tensor

from models.attribution.base import floats
from models.classifier import PoolingClassifier
from models.experiment_records import Move, SmallestEdit
from models.experiments.base import Experiment, NotHereError, no_weights
from models.experiments.frozen import Frozen, is_linear, jsd

TINY = 1e-12


class SmallestEditExperiment(Experiment):
    """argmin over a' of KL(a' ‖ a) such that another class draws level, token states frozen.

    With v_i = (W_c − W_k)·h_i the margin of the predicted class c over a rival k is Σ a'_i v_i + b, so the set is a
    half-space and the KL projection onto it is exponential tilting, a'_i ∝ a_i e^{−λ v_i} (Csiszár 1975); the
    margin falls in λ, so one root search finds it. Of all rivals the nearest is taken. Tokens with weight 0 stay at
    0, since any weight there is infinitely far in KL.
    """

    name = "smallest_edit"
    title = "Smallest edit"
    question = "How little of the attention must move before the answer changes?"
    claim = (
        "Weights far away may give the same answer (Adversarial attention). The other side of it: if a small move of "
        "the weights turns the answer, it does hang on them."
    )
    protocol = (
        "The token states stay as they are. Of all weights with which another class draws level, those nearest to the "
        "reader's own (by Kullback-Leibler divergence) are computed; what moved is shown as weight going from word to "
        "word."
    )
    source = "information projection: Csiszár 1975; as a question to attention: this laboratory"
    ends = (
        "Little has to move: the answer hangs on a few weights. Nearly all, or no edit at all: the states themselves "
        "carry the answer, whichever of them are weighed."
    )
    shows = "It shows which weights the answer leans on, and how much of them has to move to turn it."
    shows_not = (
        "It does not show what it would take in the text: another text would have other states and other weights. "
        "Where no weights turn the answer, it is in every state already."
    )

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """The projection is exact only where the logits are linear in the weights."""
        missing = no_weights(classifier, "Which words to take out instead, the experiment Erasure asks.")
        if missing is not None:
            return missing
        if not is_linear(classifier):
            return (
                f"{classifier.pooler.title} bends its weights before they meet the head, so the weights that turn the "
                "answer are no half-space and tilting is no projection onto them."
            )
        return None

    def run(self, frozen: Frozen) -> SmallestEdit:
        """Project onto every rival's half-space and take the nearest."""
        assert frozen.own is not None
        c = frozen.label
        rivals = [k for k in range(len(frozen.logits)) if k != c]
        found = [(k, tilted) for k in rivals if (tilted := _tilt(frozen, c, k)) is not None]
        if not found:
            label = frozen.prediction.label
            raise NotHereError(
                f"No weights on these words change the answer: every distribution over them predicts “{label}”."
            )
        own = frozen.own[frozen.places]
        rival, (strength, part) = min(found, key=lambda item: _kl(item[1][1], own))
        weights = frozen.own.clone()
        weights[frozen.places] = part
        before, after = frozen.shown, frozen.by_word(weights)
        return SmallestEdit(
            weights=floats(before),
            found=floats(after),
            rival=rival,
            divergence=_kl(part, own),
            distance=float(jsd(frozen.own, weights)),
            moved=float((after - before).clamp_min(0).sum()),
            moves=moves(floats(before), floats(after)),
            strength=strength,
            before=frozen.prediction,
            after=frozen.said(frozen.under(weights.unsqueeze(0))[0]),
        )


def moves(before: tuple[float, ...], after: tuple[float, ...]) -> tuple[Move, ...]:
    """Lead what some words lose to those that gain, the largest loss to the largest gain first."""
    change = [b - a for a, b in zip(before, after, strict=True)]
    losers = sorted((i for i, x in enumerate(change) if x < -TINY), key=lambda i: change[i])
    winners = sorted((i for i, x in enumerate(change) if x > TINY), key=lambda i: -change[i])
    left, found = list(change), []
    while losers and winners:
        i, j = losers[0], winners[0]
        mass = min(-left[i], left[j])
        found.append(Move(i, j, mass))
        left[i] += mass
        left[j] -= mass
        if left[j] <= TINY:
            winners.pop(0)
        if left[i] >= -TINY:
            losers.pop(0)
    return tuple(sorted(found, key=lambda move: -move.mass))


def _tilt(frozen: Frozen, c: int, k: int) -> tuple[float, Tensor] | None:
    """λ and the words' weights (P,) with which class k draws level with c; ``None`` where none do."""
    from scipy.optimize import brentq

    assert frozen.own is not None
    own = frozen.own[frozen.places]
    v = (frozen.values[:, c] - frozen.values[:, k])[frozen.places]
    rest = frozen.logits[c] - frozen.logits[k] - (own * v).sum()
    mass, log_own = own.sum(), own.log()

    def tilted(strength: float) -> Tensor:
        return mass * (log_own - strength * v).softmax(0)

    def margin(strength: float) -> float:
        return float((tilted(strength) * v).sum() + rest)

    if not bool(mass > 0) or float(mass * v[own > 0].min() + rest) >= 0:
        return None
    spread = float(v[own > 0].max() - v[own > 0].min())
    high = 1.0 / max(spread, TINY)
    # The limit at infinity is below 0, though with a weight next to nothing it may be reached late.
    while margin(high) > 0:
        high *= 2
        if high * spread > 1e6:
            return None
    strength = float(brentq(margin, 0.0, high, xtol=1e-14, rtol=8.9e-16)) if margin(0.0) > 0 else 0.0
    return strength, tilted(strength)


def _kl(left: Tensor, right: Tensor) -> float:
    """KL(left ‖ right) in nats, 0 log 0 = 0."""
    there = left > 0
    return max(0.0, float((left[there] * (left[there] / right[there]).log()).sum()))
