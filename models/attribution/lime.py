"""A linear model fitted to the text's neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores, seed_field
from models.attribution.fit import OURS, r_squared
from models.attribution.game import EMPTY, Game
from models.attribution.reading import Reading
from models.attribution.target import Target

RIDGE: Final = 1.0


@dataclass(frozen=True, slots=True)
class LimeParams:
    """How many neighbours are read, from which seed, and how fast their weight falls with distance."""

    budget: int = field(
        default=256,
        metadata={
            "title": "Neighbours",
            "min": 32,
            "max": 4096,
            "step": 32,
            "help": "Texts with some words taken out that the linear model is fitted to.",
        },
    )
    seed: int = seed_field()
    kernel_width: float = field(
        default=0.25,
        metadata={
            "title": "Kernel width",
            "min": 0.05,
            "max": 2.0,
            "step": 0.05,
            "help": "Neighbours at this cosine distance have 0.61 of the text's own weight; 0.25 is LIME's own.",
        },
    )


class Lime(AttributionMethod):
    """LIME: the coefficients of a ridge regression on which words are there, weighted by nearness to the text.

    A neighbour z ∈ {0,1}ⁿ leaves out a number of words that is uniform on 1 … n, and uniformly
    chosen which; the text itself is one of the samples. Its weight is exp(−D² / 2σ²), D = 1 − √(|z|/n)
    the cosine distance to the whole text, and the ridge penalty is 1, as in the authors' code. R²,
    weighted alike, says how linear the neighbourhood is: below a half the map is mostly about
    something else. Words are deleted place by place, and the logit is what is fitted; a
    text without any word is read as one unknown word.
    """

    name = "lime"
    title = "LIME"
    family = "perturbation"
    question = "Which weights of the words, in a linear model, tell the logit best near this text?"
    formula = (
        r"\arg\min_\beta \sum_z e^{-D(z)^2/2\sigma^2}\big(v(z) - \beta_0 - \beta \cdot z\big)^2 + \lVert\beta\rVert^2"
    )
    baseline = f"texts without some of the words; {EMPTY}"
    cost = "256 forwards unless told"
    source = "Ribeiro, Singh & Guestrin, KDD 2016; the authors' lime package; Captum Lime"
    signed = True
    complete = False
    on_demand = True
    note = OURS
    Params = LimeParams

    def most_forwards(self, words: int) -> int:
        """Every neighbour but the text itself."""
        return int(self.params.budget)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the coefficients (T,) with the R² of the fit."""
        game = Game(reading, target)
        there = neighbours(game.players, self.params.budget, self.params.seed)
        weights = nearness(there, self.params.kernel_width)
        worth = game(there)
        values, told = ridge(there.astype(float), worth, weights)
        return Scores(reading.placed(values), baseline=self.baseline, fit=r_squared(worth, told, weights))


def neighbours(players: int, count: int, seed: int) -> NDArray[np.bool_]:
    """Draw ``count`` samples (M, n), True for words that stay; the first is the whole text."""
    rng = np.random.default_rng(seed)
    there = np.ones((count, players), dtype=bool)
    for row, gone in zip(there[1:], rng.integers(1, players + 1, size=count - 1), strict=True):
        row[rng.permutation(players)[:gone]] = False
    return there


def nearness(there: NDArray[np.bool_], width: float) -> NDArray[np.float64]:
    """Weights (M,) by the cosine distance to the whole text, which is 1 for a text without words."""
    weights: NDArray[np.float64] = np.exp(-((1 - np.sqrt(there.mean(1))) ** 2) / (2 * width**2))
    return weights


def ridge(
    inputs: NDArray[np.float64], worth: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted ridge regression with a free intercept: coefficients (n,) and fitted values (M,)."""
    share = weights / weights.sum()
    centre, mean = share @ inputs, float(share @ worth)
    around = inputs - centre
    gram = around.T @ (around * weights[:, None]) + RIDGE * np.eye(inputs.shape[1])
    values: NDArray[np.float64] = np.linalg.solve(gram, around.T @ (weights * (worth - mean)))
    return values, mean + around @ values
