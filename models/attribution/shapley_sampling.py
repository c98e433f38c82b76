"""Shapley values from sampled orders of the words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores, seed_field
from models.attribution.game import EMPTY, Game
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.errors import PoolScopeError


@dataclass(frozen=True, slots=True)
class ShapleySamplingParams:
    """How many orders are drawn, and from which seed."""

    permutations: int = field(
        default=16,
        metadata={
            "title": "Orders",
            "min": 4,
            "max": 128,
            "step": 2,
            "help": "Orders of the words that are drawn, each with its mirror image; the error falls with the root.",
        },
    )
    seed: int = seed_field()

    def __post_init__(self) -> None:
        """Refuse an order without its mirror image."""
        if self.permutations % 2:
            raise PoolScopeError(
                f"Shapley sampling: permutations come in mirrored pairs, got {self.permutations}; choose an even number"
                " of them."
            )


class ShapleySampling(AttributionMethod):
    """Shapley values estimated over random orders: a word's contribution is what the logit gains when it joins.

    Every order π is followed by its mirror image (antithetic sampling): both are uniform, so the
    mean stays unbiased, and a word that comes early in one comes late in the other, which for most
    games lowers the variance. Along one order the gains sum to v(all) − v(∅) exactly, hence so do
    the estimates. The standard error of a word is that of the mean over independent pairs: sd of
    the pair means / √pairs. Absent words are deleted; v(∅) is the logit of a single unknown word.
    """

    name = "shapley_sampling"
    title = "Shapley sampling"
    family = "perturbation"
    question = "What does the word add to the logit, on average over random orders in which the words may come?"
    formula = r"\frac{1}{|\Pi|} \sum_{\pi \in \Pi} v(\mathrm{before}_\pi(i) \cup i) - v(\mathrm{before}_\pi(i))"
    baseline = EMPTY
    cost = "n − 1 forwards per order for n words; 16 orders unless told"
    source = "Castro, Gómez & Tejada 2009; mirrored orders: Mitchell et al., JMLR 2022; Captum ShapleyValueSampling"
    signed = True
    complete = True
    on_demand = True
    Params = ShapleySamplingParams

    def most_forwards(self, words: int) -> int:
        """Every order but its two ends, and the text without words."""
        return int(self.params.permutations * max(0, words - 1) + 1)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the estimates with their standard errors, each (T,)."""
        game = Game(reading, target)
        orders = mirrored(game.players, self.params.permutations // 2, self.params.seed)
        empty = game.empty()
        gains = joined(game, orders, empty)
        pairs = gains.reshape(-1, 2, game.players).mean(1)
        values, errors = pairs.mean(0), pairs.std(0, ddof=1) / np.sqrt(len(pairs))
        change = game.whole - empty
        return Scores(
            reading.placed(values),
            delta=float(values.sum()) - change,
            change=change,
            baseline=self.baseline,
            errors=reading.placed(errors),
        )


def mirrored(players: int, pairs: int, seed: int) -> NDArray[np.int64]:
    """Draw orders (2 · pairs, n), each followed by itself reversed."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.permutation(players) for _ in range(pairs)])
    return np.stack([drawn, drawn[:, ::-1]], axis=1).reshape(-1, players)


def joined(game: Game, orders: NDArray[np.int64], empty: float) -> NDArray[np.float64]:
    """Return what each word gains the game when it joins, per order: (orders, n); ``empty`` is v(∅)."""
    count, players = orders.shape
    place = np.argsort(orders, axis=1)
    worth = np.empty((count, players + 1))
    worth[:, 0], worth[:, -1] = empty, game.whole
    if players > 1:
        # Coalition k of an order holds the words of its places below k.
        steps = place[:, None, :] < np.arange(1, players)[None, :, None]
        worth[:, 1:-1] = game(steps.reshape(-1, players)).reshape(count, players - 1)
    gains: NDArray[np.float64] = np.take_along_axis(np.diff(worth, axis=1), place, axis=1)
    return gains
