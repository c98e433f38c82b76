"""Adversarial attention: other weights, the same answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from models.attribution.base import floats
from models.classifier import PoolingClassifier
from models.experiment_records import MOST, Adversary
from models.experiments.base import Experiment, no_weights
from models.experiments.frozen import Frozen, jsd, tvd
from models.experiments.vertices import furthest, slab

CORNERS: Final = 32
STEPS: Final = 8
RESTARTS: Final = 8
ASCENT: Final = 40
PRICE: Final = 20.0


@dataclass(frozen=True, slots=True)
class AdversaryParams:
    """How far the output may move."""

    epsilon: float = field(
        default=0.01,
        metadata={
            "title": "Output may change by ε", "min": 0.001, "max": 0.3, "step": 0.001,
            "help": "The total variation distance of the class probabilities that counts as the same answer; "
            "Jain & Wallace take .01.",
        },
    )  # fmt: skip


class AdversarialAttention(Experiment):
    """argmax over a' of JSD(a, a') such that TVD of the output ≤ ε, token states frozen.

    For two classes, a linear head and Σ a_i h_i this is solved exactly (``models.experiments.vertices`` has the
    proof). For more classes, or where a norm or a recurrent tier stands between weights and
    vector, the feasible set is no polytope: rays towards single words and chance, then gradient ascent with a
    penalty from several starts, then a retreat onto the feasible side find a lower bound of the distance.
    """

    name = "adversary"
    title = "Adversarial attention"
    question = "How different could the attention have been without changing the answer?"
    claim = (
        "If quite another attention gives the same answer, the attention we see cannot be the one reason for it, say "
        "Jain & Wallace. That such weights exist does not mean that any trained reader would use them, reply "
        "Wiegreffe & Pinter."
    )
    protocol = (
        "The token states stay as they are. Among all weights that change the class probabilities by at most ε (total "
        "variation), those furthest from the reader's own are taken, by Jensen-Shannon divergence in nats; ln 2 is "
        "the largest there is."
    )
    source = "Jain & Wallace, NAACL 2019 (by gradient search); exact by its vertices for two classes"
    ends = (
        "JSD near .693: an attention on quite other words gives the same answer. Near 0: whatever gives this answer "
        "looks much like the reader's own attention."
    )
    shows = "A distance near ln 2 shows that quite other weights on the same states give the same answer."
    shows_not = (
        "It does not show that the reader would ever weigh so, nor that its own weights are wrong: these were chosen "
        "to be far away, states already carry their neighbours, and a retrained reader might find no such weights "
        "(Wiegreffe & Pinter 2019)."
    )
    Params = AdversaryParams

    def why_not(self, classifier: PoolingClassifier) -> str | None:
        """Only a single map of weights can be set otherwise."""
        return no_weights(classifier, "What the states say without them, the experiments Erasure and Cone ask.")

    def run(self, frozen: Frozen) -> Adversary:
        """Solve, or search where the set is no polytope."""
        epsilon = float(self.params.epsilon)
        exact = frozen.linear and len(frozen.logits) == 2
        assert frozen.own is not None
        found = solve(frozen, epsilon) if exact else search(frozen, epsilon)
        after = frozen.under(found.unsqueeze(0))[0]
        return Adversary(
            weights=floats(frozen.shown),
            found=floats(frozen.by_word(found)),
            distance=float(jsd(frozen.own, found)),
            most=MOST * float(frozen.own[frozen.places].sum()),
            change=float(tvd(after.softmax(-1), frozen.probabilities)),
            epsilon=epsilon,
            exact=exact,
            before=frozen.prediction,
            after=frozen.said(after),
        )


def solve(frozen: Frozen, epsilon: float) -> Tensor:
    """Return the optimal weights (T,) for two classes and a linear head."""
    assert frozen.own is not None
    margins = frozen.values[:, 1] - frozen.values[:, 0]
    own, u = frozen.own[frozen.places], margins[frozen.places]
    # What the bias and the special tokens say stays as it is.
    rest = frozen.logits[1] - frozen.logits[0] - (own * u).sum()
    low, high = slab(frozen.probabilities[1], epsilon)
    everywhere = torch.ones_like(own, dtype=torch.bool)
    best = furthest(*(x.unsqueeze(0) for x in (own, u, low - rest, high - rest, everywhere)))
    found = frozen.own.clone()
    found[frozen.places] = 0
    found[frozen.places[best.first]] += best.first_weight
    found[frozen.places[best.second]] += best.second_weight
    return found


def search(frozen: Frozen, epsilon: float) -> Tensor:
    """Return weights (T,) within ε, as far away as rays and ascent find them."""
    assert frozen.own is not None
    own, places = frozen.own, frozen.places
    mass = own[places].sum()
    generator = torch.Generator().manual_seed(len(own))

    def full(part: Tensor) -> Tensor:
        """Put the words' weights (K, P), brought to their mass, among those of the special tokens (K, T)."""
        weights = own.expand(len(part), -1).clone()
        weights[:, places] = part / part.sum(1, keepdim=True) * mass
        return weights

    heaviest = own[places].argsort()[:CORNERS]
    corners = torch.eye(len(places), dtype=own.dtype)[heaviest]
    chance = torch.rand(RESTARTS, len(places), generator=generator, dtype=own.dtype).pow(8) + 1e-12
    ends = full(torch.cat([corners, chance]))
    candidates, distances = _retreat(frozen, ends, epsilon)
    top = distances.topk(min(RESTARTS, len(distances))).indices
    climbed = _ascend(frozen, candidates[top][:, places], full, epsilon)
    further, more = _retreat(frozen, torch.cat([ends[top], climbed]), epsilon, finer=2)
    candidates, distances = torch.cat([candidates, further]), torch.cat([distances, more])
    return candidates[distances.argmax()]


def _retreat(frozen: Frozen, ends: Tensor, epsilon: float, finer: int = 0) -> tuple[Tensor, Tensor]:
    """Go from the own weights towards each of ``ends`` (K, T) as far as the output allows; points and distances.

    The furthest of equal steps that is allowed, then, ``finer`` times, the gap behind it in smaller ones.
    """
    own = frozen.own
    assert own is not None
    reach = torch.zeros(len(ends), dtype=own.dtype)
    width = 1.0
    for _ in range(1 + finer):
        steps = (reach.unsqueeze(1) + width * torch.linspace(0, 1, STEPS + 1, dtype=own.dtype)[1:]).clamp_max(1.0)
        points = own + steps.unsqueeze(-1) * (ends - own).unsqueeze(1)
        with torch.no_grad():
            change = tvd(frozen.under(points.flatten(0, 1)).softmax(-1), frozen.probabilities).view(len(ends), -1)
        reach = torch.maximum(reach, torch.where(change <= epsilon, steps, 0.0).amax(1))
        width /= STEPS
    points = own + reach.unsqueeze(1) * (ends - own)
    return points, jsd(points, own)


def _ascend(frozen: Frozen, start: Tensor, full: Callable[[Tensor], Tensor], epsilon: float) -> Tensor:
    """Climb the distance with a price on leaving ε, all starts (K, P) at once, in the logits of the weights."""
    own = frozen.own
    assert own is not None
    theta = (start + 1e-6).log()
    for step in range(ASCENT):
        with torch.enable_grad():
            theta.requires_grad_()
            weights = full(theta.softmax(-1))
            change = tvd(frozen.under(weights).softmax(-1), frozen.probabilities)
            gain = (jsd(weights, own) - PRICE * (change - epsilon).clamp_min(0)).sum()
            (gradient,) = torch.autograd.grad(gain, theta)
        # Of one length whatever the slope, shorter at the end: far from ε the price would throw it about.
        largest = gradient.abs().amax(1, keepdim=True).clamp_min(1e-30)
        theta = theta.detach() + (1 - step / ASCENT) * gradient / largest
    return full(theta.softmax(-1))
