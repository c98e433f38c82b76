"""Conicity: do the token states point the same way, so that weights cannot matter?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from models.attribution.base import floats, seed_field
from models.experiment_records import Conicity
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen
from models.experiments.permutation import shuffles


@dataclass(frozen=True, slots=True)
class ConicityParams:
    """The seed of the shuffles that are measured."""

    seed: int = seed_field()


class StateConicity(Experiment):
    """conicity = mean_i |cos(h_i, h̄)|, h̄ the mean state of the words; and what it lets a shuffle change.

    *Predicted effect.* Let u_i be what word i adds to the margin of the predicted class over the next one with
    weight 1, and a the P weights of sum M, mean ā. Over all P! permutations the margin Σ a_π(i) u_i has mean M ū and
    variance Σ(a_i − ā)² Σ(u_i − ū)² / (P − 1), so its root mean square change from the reader's own is
    √((Σ a_i u_i − M ū)² + variance): the narrower the cone, the smaller Σ(u_i − ū)². *Measured*: over 100 shuffles.
    """

    name = "conicity"
    title = "Cone"
    question = "Do the states of the words point the same way, so that it hardly matters which is weighed?"
    claim = (
        "An LSTM makes the states of all words alike, so that weights among them cannot tell words apart, say "
        "Mohankumar et al.: the states are to blame, not attention as such."
    )
    protocol = (
        "The mean size of the cosine between each word's state and their mean; 1 is a ray. What that lets a shuffle "
        "of the weights change is computed for all permutations in closed form, and measured on a hundred."
    )
    source = "Mohankumar, Nema, Narasimhan, Khapra, Srinivasan & Ravindran, ACL 2020"
    ends = (
        "Near 1: all states point the same way, and mixing them in any proportion gives nearly the same. Near 0: they "
        "point all ways, and the weights have something to choose from."
    )
    shows = (
        "A narrow cone shows why other weights give the same answer: every mixture of nearly equal states is nearly "
        "the same."
    )
    shows_not = (
        "It does not show that a wide cone makes attention faithful; and states may differ widely where the head does "
        "not look."
    )
    Params = ConicityParams

    def run(self, frozen: Frozen) -> Conicity:
        """Measure the cone, then predict and measure what a shuffle does."""
        if len(frozen.places) < 2:
            raise NotHereError("One state is no cone; type at least two words.")
        states = frozen.reading.hidden[0].double()[frozen.places]
        mean = states.mean(0)
        lengths, size = states.norm(dim=1), mean.norm()
        if not bool(size > 0) or not bool((lengths > 0).all()):
            raise NotHereError("A state of length 0 has no direction, so there is no cone to measure.")
        cosines = (states @ mean / (lengths * size)).clamp(-1, 1)
        across = states - (states @ mean / size**2).unsqueeze(1) * mean
        _, _, axes = torch.linalg.svd(across - across.mean(0), full_matrices=False)
        side = torch.where(across @ axes[0] >= 0, 1.0, -1.0)
        height = side * lengths * (1 - cosines**2).clamp_min(0).sqrt()
        # One point per word: its first piece.
        firsts = [int((frozen.unit == n).nonzero()[0]) for n in range(frozen.count)]
        points = [(float(lengths[i] * cosines[i]), float(height[i])) for i in firsts]
        predicted, measured, average, reason = _effects(frozen, self.params.seed)
        top, rival = frozen.logits.topk(2).values.tolist()
        return Conicity(
            conicity=float(cosines.abs().mean()),
            cosines=floats(cosines[firsts]),
            points=tuple(points),
            predicted=predicted,
            measured=measured,
            average=average,
            margin=top - rival,
            shuffles=100,
            reason=reason,
        )


def _effects(frozen: Frozen, seed: int) -> tuple[float | None, float | None, float | None, str | None]:
    """Root mean square change of the margin: predicted, measured; the change towards equal weights; what is missing."""
    if frozen.own is None:
        return None, None, None, f"{frozen.pooler.title} pooling has no weights to shuffle."
    orders = shuffles(frozen, seed)
    dealt = frozen.own.expand(len(orders), *frozen.own.shape).clone()
    dealt[:, frozen.places] = frozen.own[frozen.places[orders]]
    first, second = frozen.logits.topk(2).indices.tolist()
    margin = frozen.logits[first] - frozen.logits[second]
    with torch.no_grad():
        logits = frozen.under(dealt)
    changes = logits[:, first] - logits[:, second] - margin
    measured = float(changes.square().mean().sqrt())
    if not frozen.linear:
        reason = f"{frozen.pooler.title} bends its weights, so the closed form for all permutations does not hold."
        return None, measured, None, reason
    u = (frozen.values[:, first] - frozen.values[:, second])[frozen.places]
    predicted, average = permuted_margin(frozen.own[frozen.places].tolist(), u.tolist())
    return predicted, measured, average, None


def permuted_margin(weights: list[float], values: list[float]) -> tuple[float, float]:
    """Root mean square of Σ a_π(i) u_i − Σ a_i u_i over all permutations π of P ≥ 2 places, and its mean."""
    count = len(weights)
    a, u = math.fsum(weights) / count, math.fsum(values) / count
    mean = count * a * u - math.fsum(x * y for x, y in zip(weights, values, strict=True))
    spread = math.fsum((x - a) ** 2 for x in weights) * math.fsum((y - u) ** 2 for y in values) / (count - 1)
    return math.sqrt(mean**2 + spread), mean
