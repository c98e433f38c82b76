"""What every map of one text is measured with: one way of taking words out, the same draws for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from models.attribution.base import AttributionMethod
from models.attribution.target import Target
from models.experiment_records import FaithRow, Sampled
from models.experiments.frozen import Frozen
from models.experiments.removal import OPERATORS, Sets, in_embeddings, without
from models.experiments.shaken import sensitivity
from models.metrics.faithfulness import (
    PARTS,
    Numbers,
    aopc,
    chances,
    count_of,
    first_flip,
    infidelity,
    log_odds,
    order,
    soft,
    steps,
)

# In a long text words go in this many steps.
MOST_STEPS: Final = 40
DRAWS: Final = 20
SUBSETS: Final = 60
BOOTSTRAP: Final = 400
LOG_ODDS_AT: Final = PARTS.index(0.20)


class Bench:
    """One text, one operator, and what all maps are measured with."""

    def __init__(self, frozen: Frozen, operator: str, seed: int) -> None:
        """Read the random sets of words and the text of zero vectors, and draw the noise of soft removal."""
        self.frozen, self.reading, self.operator = frozen, frozen.reading, operator
        self.label = int(frozen.reading.logits[0].argmax())
        self.whole = float(self.reading.logits[0].double().softmax(-1)[self.label])
        ids = self.reading.ids[0].tolist()
        self.noise = np.random.default_rng([seed, 2, *ids]).random((DRAWS, len(ids), self.reading.embeddings.shape[-1]))
        self.again = np.random.default_rng([seed, 3, *ids])
        self.gone: Sets = np.random.default_rng([seed, 4, *ids]).random((SUBSETS, frozen.count)) < 0.5
        self.drops = self.whole - self.p(self.gone)
        nothing = torch.zeros(1, len(ids), dtype=torch.bool)
        origin = torch.zeros_like(self.reading.embeddings)
        self.nothing = float(in_embeddings(self.reading, nothing, origin)[0, self.label])
        self.seed = seed

    def p(self, gone: Sets, operator: str | None = None) -> Numbers:
        """Probability of the class without each of M sets of words (M, n)."""
        found: Numbers = without(self.reading, gone, operator or self.operator)[:, self.label].numpy()
        return found

    def hard(self, maps: Sequence[Sequence[float]], followed: int | None = None) -> list[FaithRow]:
        """All that follows from the order of the words alone, for many maps in one request.

        The flip is that of the first ``followed`` maps (default: all), since it takes a reading per word.
        """
        n = self.frozen.count
        counts = np.array([count_of(part, n) for part in PARTS])
        # rank[m, i] is the place of word i in the order of map m, 0 the strongest.
        rank = np.stack([np.argsort(order(scores)) for scores in maps])
        tops = rank[:, None, :] < counts[None, :, None]
        gone = steps(n, MOST_STEPS)
        taken = rank[:followed, None, :] < np.array(gone)[None, :, None]
        sets = np.concatenate([part.reshape(-1, n) for part in (tops, ~tops, taken)])
        found = without(self.reading, sets, self.operator)
        size = len(maps) * len(PARTS)
        p = found[:, self.label]
        after, alone = p[:size].view(len(maps), -1).tolist(), p[size : 2 * size].view(len(maps), -1).tolist()
        classes = found[2 * size :].argmax(-1).view(-1, len(gone)).tolist()
        parts = [count / n for count in gone]
        rows = []
        for m in range(len(maps)):
            comprehensiveness, sufficiency = aopc(self.whole, after[m]), aopc(self.whole, alone[m])
            rows.append(FaithRow(
                "", "", "map", comprehensiveness[0], sufficiency[0], comprehensiveness[1], sufficiency[1],
                log_odds(self.whole, after[m][LOG_ODDS_AT]),
                first_flip(classes[m], parts, self.label) if m < len(classes) else None,
            ))  # fmt: skip
        return rows

    def full(self, method: AttributionMethod, scores: tuple[float, ...] | str) -> FaithRow:
        """All measures of one map, or the reason why it has none."""
        if isinstance(scores, str):
            return FaithRow(method.name, method.title, "map", None, None, reason=scores)
        (found,) = self.hard([scores])
        gone, stayed, normal = self._soft(scores)
        return FaithRow(
            method.name, method.title, "map", found.comprehensiveness, found.sufficiency,
            found.comprehensiveness_printed, found.sufficiency_printed, found.log_odds, found.flip,
            soft_comprehensiveness=gone, soft_sufficiency=stayed,
            soft_comprehensiveness_normalised=_number(normal[0]), soft_sufficiency_normalised=_number(normal[1]),
            infidelity=infidelity(scores, self.gone, self.drops), infidelity_range=self._range(scores),
            sensitivity=sensitivity(method, self.reading, Target(self.label), self.seed),
            spread=self._spread(scores), scores=scores,
        )  # fmt: skip

    def _soft(self, scores: Sequence[float]) -> tuple[Sampled, Sampled, tuple[float, float]]:
        """Elements of the vectors go (or stay) by the chance of their word's score; special tokens stay."""
        chance = np.full(len(self.reading), np.nan)
        for score, unit in zip(chances(scores), self.reading.units, strict=True):
            chance[list(unit)] = score
        words = ~np.isnan(chance)[None, :, None]
        level = np.nan_to_num(chance)[None, :, None]
        origin = torch.zeros_like(self.reading.embeddings)
        without_p, alone_p = (
            in_embeddings(self.reading, torch.from_numpy(kept | ~words), origin)[:, self.label].numpy()
            for kept in (self.noise >= level, self.noise < level)
        )
        normal = soft(self.whole, self.nothing, float(without_p.mean()), float(alone_p.mean()))
        return self._sampled(self.whole - without_p), self._sampled(self.whole - alone_p), normal

    def _sampled(self, values: Numbers) -> Sampled:
        picks = np.random.default_rng(0).integers(len(values), size=(BOOTSTRAP, len(values)))
        low, high = np.quantile(values[picks].mean(1), (0.025, 0.975))
        return Sampled(float(values.mean()), float(values.std(ddof=1)), float(low), float(high))

    def _range(self, scores: Sequence[float]) -> tuple[float, float] | None:
        """Percentile bootstrap interval of infidelity over the random sets."""
        picks = np.random.default_rng(0).integers(SUBSETS, size=(BOOTSTRAP, SUBSETS))
        found = [infidelity(scores, self.gone[pick], self.drops[pick]) for pick in picks]
        known = [value for value in found if value is not None]
        if not known:
            return None
        low, high = np.quantile(known, (0.025, 0.975))
        return float(low), float(high)

    def _spread(self, scores: Sequence[float]) -> tuple[float, float]:
        """The range of comprehensiveness over all operators."""
        ranked = order(scores)
        tops = np.zeros((len(PARTS), len(scores)), dtype=bool)
        for row, part in enumerate(PARTS):
            tops[row, ranked[: count_of(part, len(scores))]] = True
        found = [aopc(self.whole, self.p(tops, operator).tolist())[0] for operator in OPERATORS]
        return min(found), max(found)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
