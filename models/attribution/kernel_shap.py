"""Shapley values as the solution of a weighted regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from models.attribution.base import AttributionMethod, Scores, seed_field
from models.attribution.fit import r_squared
from models.attribution.game import EMPTY, Game
from models.attribution.reading import Reading


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
    coalitions the solution is the Shapley value. Sizes are taken whole from the outside in (one word
    alone or missing, then two, …) while the budget lasts; what is left of it goes to coalitions drawn
    from the remaining sizes by their share of the kernel, each with its complement, which carry
    the remaining weight in equal parts. The first size is always whole: it makes the solution unique.
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
    Params = KernelShapParams

    def attribute(self, reading: Reading, target: int) -> Scores:
        """Return the solution (T,) with the R² of the additive game."""
        game = Game(reading, target)
        empty = game.empty()
        change = game.whole - empty
        if game.players == 1:
            return Scores(game.placed([change]), delta=0.0, change=change, baseline=self.baseline)
        coalitions, weights = chosen(game.players, self.params.budget, self.params.seed)
        gains = game(coalitions) - empty
        values = solved(coalitions, weights, gains, change)
        return Scores(
            game.placed(values),
            delta=float(values.sum()) - change,
            change=change,
            baseline=self.baseline,
            fit=r_squared(gains, coalitions @ values, weights),
        )


def chosen(players: int, budget: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Choose coalitions (M, n) for a game of two players or more, and their weights (M,) with sum 1."""
    whole: list[tuple[int, ...]] = []
    weights: list[float] = []
    # Sizes k and n − k belong together; their mass under the kernel.
    left = {k: (1 if 2 * k == players else 2) / (k * (players - k)) for k in range(1, players // 2 + 1)}
    total = sum(left.values())
    for size in list(left):
        sizes = {size, players - size}
        count = sum(comb(players, k) for k in sizes)
        if size > 1 and len(whole) + count > budget:
            break
        whole += [members for k in sorted(sizes) for members in combinations(range(players), k)]
        weights += [left.pop(size) / total / count] * count
    found = _rows(whole, players)
    pairs = (budget - len(whole)) // 2
    if not left or pairs < 1:
        return found, np.array(weights) / sum(weights)
    rng = np.random.default_rng(seed)
    mass = np.array(list(left.values()))
    sizes_drawn = rng.choice(list(left), size=pairs, p=mass / mass.sum())
    drawn = _rows([tuple(rng.permutation(players)[:k]) for k in sizes_drawn], players)
    share = float(mass.sum()) / total / (2 * pairs)
    return np.concatenate([found, drawn, ~drawn]), np.array([*weights, *[share] * (2 * pairs)])


def solved(
    coalitions: NDArray[np.bool_], weights: NDArray[np.float64], gains: NDArray[np.float64], change: float
) -> NDArray[np.float64]:
    """Minimise Σ w (gain − Σ_{i∈S} φ_i)² over φ (n,) with Σ φ = ``change``; the last φ is put in by hand."""
    root = np.sqrt(weights)
    last = coalitions[:, -1].astype(float)
    matrix = (coalitions[:, :-1] - last[:, None]) * root[:, None]
    rest, *_ = np.linalg.lstsq(matrix, (gains - last * change) * root, rcond=None)
    return np.append(rest, change - rest.sum())


def _rows(members: list[tuple[int, ...]], players: int) -> NDArray[np.bool_]:
    rows = np.zeros((len(members), players), dtype=bool)
    for row, of in zip(rows, members, strict=True):
        row[list(of)] = True
    return rows
