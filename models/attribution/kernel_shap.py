"""Shapley values as the solution of a weighted regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores, seed_field
from models.attribution.fit import OURS, r_squared
from models.attribution.game import EMPTY, Game
from models.attribution.reading import Reading
from models.attribution.target import Target


@dataclass(frozen=True, slots=True)
class KernelShapParams:
    """How many coalitions are read, and from which seed those are drawn that are drawn."""

    budget: int = field(
        default=256,
        metadata={
            "title": "Coalitions",
            "min": 32,
            "max": 4096,
            "step": 32,
            "help": "Texts read at most, but two per word at least; from 2ⁿ − 2 on the values are exact.",
        },
    )
    seed: int = seed_field()


class KernelShap(AttributionMethod):
    """Kernel SHAP: the additive game nearest to v under Shapley's kernel, Σ φ = v(all) − v(∅) imposed.

    Minimised is Σ_S π(S) (v(S) − v(∅) − Σ_{i∈S} φ_i)², π(S) = (n−1) / (C(n,|S|) |S| (n−|S|)); over all
    coalitions the solution is the Shapley value. The budget is shared out to the sizes by their mass
    under the kernel, 1 / (|S| (n−|S|)), up to all that there are; within a size different coalitions are
    drawn, each with its complement, and divide the size's mass. One word alone or missing is always
    read for every word: it makes the solution unique.
    R² says how additive the game is under the kernel. Absent words are deleted; v(∅) is the logit of
    a single unknown word.
    """

    name = "kernel_shap"
    title = "Kernel SHAP"
    family = "perturbation"
    question = "Which parts of the words, summed over those that are there, come nearest to the logit of any selection?"
    formula = r"\arg\min_\phi \sum_S \pi(S)\Big(v(S) - v(\emptyset) - \sum_{i \in S}\phi_i\Big)^2"
    baseline = EMPTY
    cost = "256 forwards unless told"
    source = "Lundberg & Lee, NeurIPS 2017; pairs: Covert & Lee, AISTATS 2021; Captum KernelShap"
    signed = True
    complete = True
    on_demand = True
    note = OURS
    Params = KernelShapParams

    def most_forwards(self, words: int) -> int:
        """The budget, or two texts per word, and the text without words."""
        return int(max(self.params.budget, 2 * words) + 1)

    def attribute(self, reading: Reading, target: Target) -> Scores:
        """Return the solution (T,) with the R² of the additive game."""
        game = Game(reading, target)
        empty = game.empty()
        change = game.whole - empty
        if game.players == 1:
            return Scores(reading.placed([change]), delta=0.0, change=change, baseline=self.baseline)
        coalitions, weights = chosen(game.players, self.params.budget, self.params.seed)
        gains = game(coalitions) - empty
        values = solved(coalitions, weights, gains, change)
        return Scores(
            reading.placed(values),
            delta=float(values.sum()) - change,
            change=change,
            baseline=self.baseline,
            fit=r_squared(gains, coalitions @ values, weights),
        )


def chosen(players: int, budget: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Choose coalitions (M, n) for a game of two players or more, and their weights (M,) with sum 1.

    Every coalition comes with its complement, those of size k first and of size n − k in the second half.
    """
    sizes = np.arange(1, players // 2 + 1)
    middle = 2 * sizes == players
    mass = np.where(middle, 1.0, 2.0) / (sizes * (players - sizes))
    # Halves of the middle size are each other's complements. Far beyond the budget the count is of no account.
    most = 2 * max(budget, players)
    pairs = [min(comb(players, int(k)), most) // (2 if half else 1) for k, half in zip(sizes, middle, strict=True)]
    counts = _shared(mass, np.array(pairs), max(budget // 2, pairs[0]), pairs[0])
    rng = np.random.default_rng(seed)
    drawn = [
        _drawn(players, int(k), int(count), whole=count == every, rng=rng)
        for k, count, every in zip(sizes, counts, pairs, strict=True)
        if count
    ]
    weights = np.repeat(mass / np.maximum(counts, 1), counts)
    rows = np.concatenate(drawn)
    return np.concatenate([rows, ~rows]), np.tile(weights, 2) / weights.sum() / 2


def solved(
    coalitions: NDArray[np.bool_], weights: NDArray[np.float64], gains: NDArray[np.float64], change: float
) -> NDArray[np.float64]:
    """Minimise Σ w (gain − Σ_{i∈S} φ_i)² over φ (n,) with Σ φ = ``change``; the last φ is put in by hand."""
    root = np.sqrt(weights)
    last = coalitions[:, -1].astype(float)
    matrix = (coalitions[:, :-1] - last[:, None]) * root[:, None]
    rest, *_ = np.linalg.lstsq(matrix, (gains - last * change) * root, rcond=None)
    return np.append(rest, change - rest.sum())


def _shared(mass: NDArray[np.float64], most: NDArray[np.int64], total: int, first: int) -> NDArray[np.int64]:
    """Share ``total`` pairs out to the sizes (K,) in proportion to their mass, none above ``most`` of it."""
    counts = np.zeros(len(mass), dtype=np.int64)
    counts[0] = first
    for _ in range(min(total, int(most.sum())) - first):
        # The highest average gets the next one, as seats are given in parliaments.
        counts[np.argmax(np.where(counts < most, mass / (counts + 1), -1.0))] += 1
    return counts


def _drawn(players: int, size: int, count: int, *, whole: bool, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw ``count`` different coalitions (count, n) of ``size`` players, no two of them complements, or list all."""
    found: dict[tuple[int, ...], None] = {}
    halves = 2 * size == players
    if whole:
        every = combinations(range(players), size)
        found = dict.fromkeys(members for members in every if not halves or members[0] == 0)
    while len(found) < count:
        members = tuple(sorted(rng.permutation(players)[:size].tolist()))
        if halves and members[0] != 0:
            members = tuple(sorted(set(range(players)) - set(members)))
        found[members] = None
    rows = np.zeros((count, players), dtype=bool)
    for row, of in zip(rows, found, strict=True):
        row[list(of)] = True
    return rows
