"""Erasure: take words out in the order that a map names, until the answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.attribution.base import floats, seed_field
from models.experiment_records import Erasure, ErasureCurve
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen, jsd

RANDOM_ORDERS: Final = 10
MOST_STEPS: Final = 40


@dataclass(frozen=True, slots=True)
class ErasureParams:
    """The seed of the random orders."""

    seed: int = seed_field()


class ErasedAttention(Experiment):
    """Zero the weights of more and more words, renormalise, recompute from the pooler up; states frozen.

    Orders, strongest first: weight; gradient of the predicted class's probability in the weight; weight × gradient;
    chance. A pooler without attention loses the words' states altogether (they are masked out of the pool), in the
    order of their share of the vector, of ‖∂p/∂h‖, of h·∂p/∂h, and of chance. The text's last word stays.
    """

    name = "erasure"
    title = "Erasure"
    question = "Which map finds the words whose removal changes the answer first?"
    claim = (
        "If attention ranked the words by importance, taking out the first few should turn the answer sooner than "
        "other orders do, say Serrano & Smith; gradients often turn it sooner."
    )
    protocol = (
        "The token states stay as they are. Words lose their weight, strongest first by each of four orders, the rest "
        "is brought back to sum 1, and the probability of the class first predicted is followed until another one "
        "wins."
    )
    source = "Serrano & Smith, ACL 2019"
    ends = (
        "A flip after few words: this order found early what the answer rests on. After many, or never: it did not, or "
        "the answer rests on many words. Compare with chance."
    )
    shows = "A curve that falls early belongs to an order that names the words the answer needs at the pooler."
    shows_not = (
        "It does not show that the words themselves were unimportant: the states that stay still carry what the "
        "encoder mixed into them from the words that went."
    )
    Params = ErasureParams

    def run(self, frozen: Frozen) -> Erasure:
        """Follow every order, then take out each word alone."""
        n = frozen.count
        if n < 2:
            raise NotHereError("One word cannot be taken out without leaving nothing; type at least two.")
        orders = _orders(frozen)
        chance = chances_of(frozen.reading.ids[0].tolist(), n, self.params.seed)
        counts = counts_of(n)
        curves = [_curve(name, title, frozen, [order], counts) for name, title, order in orders]
        curves.append(_curve("random", "Chance", frozen, chance, counts))
        weights = frozen.shown
        heaviest = int(weights.argmax())
        effects, flips = _alone(frozen)
        others = [effect for place, effect in enumerate(effects) if place != heaviest and effect is not None]
        most = effects[heaviest]
        return Erasure(
            curves=tuple(curves),
            weights=floats(weights),
            heaviest=heaviest,
            effects=tuple(effects),
            flips=tuple(flips),
            stronger=None if most is None or not others else sum(e < most for e in others) / len(others),
            label=frozen.prediction.label,
        )


def counts_of(words: int) -> list[int]:
    """How many words are gone at each step: from none to all but one, in forty steps at most."""
    return sorted({round(step) for step in np.linspace(0, words - 1, min(words, MOST_STEPS))})


def flips_by_order(frozen: Frozen, seed: int) -> tuple[float | None, ...]:
    """Return the part of the words at whose loss the answer flips, ``None`` where it never does, for four orders.

    Weight (or share), gradient, their product, and the median of the chance orders of ``seed``.
    """
    orders = [[order] for _, _, order in _orders(frozen)]
    chance = chances_of(frozen.reading.ids[0].tolist(), frozen.count, seed)
    counts = counts_of(frozen.count)
    return tuple(_curve("", "", frozen, order, counts).flip for order in (*orders, chance))


def chances_of(ids: Sequence[int], words: int, seed: int) -> list[list[int]]:
    """Return the chance orders of the words, drawn from text and seed alone."""
    random = np.random.default_rng([seed, *ids])
    return [random.permutation(words).tolist() for _ in range(RANDOM_ORDERS)]


def _orders(frozen: Frozen) -> list[tuple[str, str, list[int]]]:
    """Names, titles and orders of the words by the three maps."""
    weights = frozen.shown
    if frozen.own is not None:
        own = frozen.own.clone().requires_grad_()
        with torch.enable_grad():
            p = frozen.under(own.unsqueeze(0)).softmax(-1)[0, frozen.label]
            (gradient,) = torch.autograd.grad(p, own)
        if frozen.several:
            by_weight, product = gradient.sum(-1), (gradient * frozen.own).sum(-1)
        else:
            by_weight, product = gradient, gradient * frozen.own
        # Of a word in several pieces the strongest piece speaks for the gradient, their sum for the product.
        slope = torch.stack([by_weight[list(unit)].max() for unit in frozen.reading.units])
        maps = [("attention", "Attention", weights), ("gradient", "Gradient in the weight", slope),
                ("product", "Attention × gradient", frozen.by_word(product))]  # fmt: skip
    else:
        states = frozen.reading.hidden.detach().clone().requires_grad_()
        with torch.enable_grad():
            logits = frozen.classifier.decide(frozen.classifier.pool(states, frozen.reading.mask))
            (gradient,) = torch.autograd.grad(logits.softmax(-1)[0, frozen.label], states)
        product = (gradient * states.detach()).sum(-1)[0].double()
        maps = [("share", "Share of the vector", weights),
                ("gradient", "Gradient in the state", frozen.by_word(gradient[0].double().norm(dim=-1))),
                ("product", "State × gradient", frozen.by_word(product))]  # fmt: skip
    return [
        (name, title, values.detach().argsort(descending=True, stable=True).tolist()) for name, title, values in maps
    ]


def _curve(
    name: str, title: str, frozen: Frozen, orders: Sequence[Sequence[int]], counts: Sequence[int]
) -> ErasureCurve:
    """The mean curve over ``orders``; it ends where the first of them has no weight left."""
    n, steps = frozen.count, len(counts)
    gone = torch.zeros(len(orders), steps, n, dtype=torch.bool)
    for k, order in enumerate(orders):
        for step, count in enumerate(counts):
            gone[k, step, list(order[:count])] = True
    logits, alive = _after(frozen, gone.flatten(0, 1))
    logits, alive = logits.view(len(orders), steps, -1), alive.view(len(orders), steps)
    last = int(alive.all(0).long().cumprod(0).sum())
    p = logits.softmax(-1)[:, :last, frozen.label]
    flipped = (logits.argmax(-1) != frozen.label) & alive
    firsts = [counts[int(row.long().argmax())] / n if bool(row.any()) else None for row in flipped]
    known = [first for first in firsts if first is not None]
    # Of several orders the median flip, where most of them flip at all.
    flip = float(np.median(known)) if known and 2 * len(known) > len(firsts) else None
    fractions = [count / n for count in counts[:last]]
    mean = p.mean(0)
    span = fractions[-1] - fractions[0]
    area = float(np.trapezoid(mean.numpy(), fractions) / span) if span > 0 else float(mean[0])
    bounds = np.quantile(p.numpy(), (0.1, 0.9), axis=0).tolist() if len(orders) > 1 else [(), ()]
    return ErasureCurve(name, title, tuple(fractions), floats(mean), flip, area, tuple(bounds[0]), tuple(bounds[1]))


def _alone(frozen: Frozen) -> tuple[list[float | None], list[bool]]:
    """JSD of the output without each single word, ``None`` where no weight is left; whether the class changes."""
    logits, alive = _after(frozen, torch.eye(frozen.count, dtype=torch.bool))
    distance = jsd(logits.softmax(-1), frozen.probabilities)
    flips = (logits.argmax(-1) != frozen.label) & alive
    return [float(d) if there else None for d, there in zip(distance, alive, strict=True)], flips.tolist()


@torch.no_grad()
def _after(frozen: Frozen, gone: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (K, C) once the words ``gone`` (K, n) have no weight, and whether there was any left (K,)."""
    places = torch.ones(len(gone), len(frozen.reading), dtype=torch.bool)
    places[:, frozen.places] = ~gone[:, frozen.unit]
    if frozen.own is None:
        return frozen.without(places), torch.ones(len(gone), dtype=torch.bool)
    left = frozen.own * (places.unsqueeze(-1) if frozen.several else places)
    total, before = left.sum(1, keepdim=True), frozen.own.sum(0)
    alive = (total > 1e-9).flatten(1).all(1)
    # Rows without weight keep the reader's own: their logits are never looked at.
    scaled = torch.where(total > 1e-9, left / total.clamp_min(1e-300) * before, frozen.own)
    return frozen.under(scaled), alive
