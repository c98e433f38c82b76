"""What every map of one text is measured with: one way of taking words out, the same draws for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.attribution.base import AttributionMethod
from models.attribution.reading import Reading
from models.attribution.starts import start
from models.attribution.target import Target
from models.experiment_records import FaithRow, Sampled
from models.experiments.frozen import Frozen
from models.experiments.removal import OPERATORS, Sets, in_embeddings, without
from models.experiments.shaken import sensitivity, shakes
from models.metrics.faithfulness import (
    PARTS,
    Numbers,
    aopc,
    chances,
    count_of,
    first_flip,
    infidelity,
    infidelity_interval,
    log_odds,
    order,
    soft,
)

DRAWS: Final = 20
SUBSETS: Final = 60
BOOTSTRAP: Final = 400
LOG_ODDS_AT: Final = PARTS.index(0.20)
Map = Sequence[float]


class Bench:
    """One text, one operator, and what all maps are measured with."""

    def __init__(self, frozen: Frozen, operator: str, seed: int) -> None:
        """Take the text; what is drawn and read is so when first asked for."""
        self.frozen, self.reading, self.operator, self.seed = frozen, frozen.reading, operator, seed
        self.label = int(frozen.reading.logits[0].argmax())
        self.whole = float(self.reading.logits[0].double().softmax(-1)[self.label])
        self.ids: list[int] = self.reading.ids[0].tolist()

    @cached_property
    def noise(self) -> Numbers:
        """The noise of soft removal (draws, T, E)."""
        size = (DRAWS, len(self.ids), self.reading.embeddings.shape[-1])
        return np.random.default_rng([self.seed, 2, *self.ids]).random(size)

    @cached_property
    def gone(self) -> Sets:
        """The random sets of words (M, n) of infidelity."""
        return np.random.default_rng([self.seed, 4, *self.ids]).random((SUBSETS, self.frozen.count)) < 0.5

    @cached_property
    def drops(self) -> Numbers:
        """What the class lost without each of these sets (M,)."""
        return self.whole - self.p(self.gone)

    @cached_property
    def nothing(self) -> float:
        """Probability of the class for a text of zero vectors."""
        kept = torch.zeros(1, len(self.ids), dtype=torch.bool)
        origin = torch.zeros_like(self.reading.embeddings)
        return float(in_embeddings(self.reading, kept, origin)[0, self.label])

    @cached_property
    def mean(self) -> Tensor:
        """The text of mean word vectors (1, T, E): a look at the whole table of words."""
        return start(self.reading, "mean")

    @cached_property
    def shaken(self) -> list[Reading]:
        """The text with its vectors moved a little, the same draws for every map."""
        return shakes(self.reading, self.seed)

    def probabilities(self, gone: Sets, operator: str) -> Tensor:
        """Class probabilities (M, C) without each of M sets of words (M, n)."""
        return without(self.reading, gone, operator, self.mean if operator == "mean" else None)

    def p(self, gone: Sets, operator: str | None = None) -> Numbers:
        """Probability of the class without each of M sets of words (M, n)."""
        found: Numbers = self.probabilities(gone, operator or self.operator)[:, self.label].numpy()
        return found

    def hard(self, maps: Sequence[Map], followed: int, gone: Sequence[int]) -> list[FaithRow]:
        """All that follows from the order of the words alone, for many maps in one request.

        The flip is that of the first ``followed`` maps, since it takes a reading for each of the counts ``gone``.
        """
        n = self.frozen.count
        counts = np.array([count_of(part, n) for part in PARTS])
        # rank[m, i] is the place of word i in the order of map m, 0 the strongest.
        rank = np.stack([np.argsort(order(scores)) for scores in maps])
        tops = rank[:, None, :] < counts[None, :, None]
        taken = rank[:followed, None, :] < np.array(gone)[None, :, None]
        sets = np.concatenate([part.reshape(-1, n) for part in (tops, ~tops, taken)])
        found = self.probabilities(sets, self.operator)
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
                followed=m < len(classes),
            ))  # fmt: skip
        return rows

    def full(
        self, methods: Sequence[AttributionMethod], maps: Sequence[Map], hard: Sequence[FaithRow]
    ) -> list[FaithRow]:
        """Add, to what follows from the order of the words, all other measures of maps (n,)."""
        softened = self._soft(maps)
        spreads = self._spreads(maps)
        picks = np.random.default_rng(0).integers(SUBSETS, size=(BOOTSTRAP, SUBSETS))
        return [
            replace(
                row, soft_comprehensiveness=gone, soft_sufficiency=stayed,
                soft_comprehensiveness_normalised=_number(normal[0]), soft_sufficiency_normalised=_number(normal[1]),
                infidelity=infidelity(scores, self.gone, self.drops),
                infidelity_range=infidelity_interval(scores, self.gone, self.drops, picks),
                sensitivity=sensitivity(method, self.reading, Target(self.label), self.shaken), spread=spread,
            )
            for row, method, scores, (gone, stayed, normal), spread
            in zip(hard, methods, maps, softened, spreads, strict=True)
        ]  # fmt: skip

    def _soft(self, maps: Sequence[Map]) -> list[tuple[Sampled, Sampled, tuple[float, float]]]:
        """Elements of the vectors go (or stay) by the chance of their word's score; special tokens stay."""
        kept = []
        for scores in maps:
            chance = np.full(len(self.reading), np.nan)
            for score, unit in zip(chances(scores), self.reading.units, strict=True):
                chance[list(unit)] = score
            words = ~np.isnan(chance)[None, :, None]
            level = np.nan_to_num(chance)[None, :, None]
            kept += [(self.noise >= level) | ~words, (self.noise < level) | ~words]
        if not kept:
            return []
        origin = torch.zeros_like(self.reading.embeddings)
        # All maps in one request, two runs of draws each.
        found = in_embeddings(self.reading, torch.from_numpy(np.concatenate(kept)), origin)[:, self.label].numpy()
        rows = []
        for gone, alone in found.reshape(len(maps), 2, DRAWS):
            normal = soft(self.whole, self.nothing, float(gone.mean()), float(alone.mean()))
            rows.append((self._sampled(self.whole - gone), self._sampled(self.whole - alone), normal))
        return rows

    def _sampled(self, values: Numbers) -> Sampled:
        picks = np.random.default_rng(0).integers(len(values), size=(BOOTSTRAP, len(values)))
        low, high = np.quantile(values[picks].mean(1), (0.025, 0.975))
        return Sampled(float(values.mean()), float(values.std(ddof=1)), float(low), float(high))

    def _spreads(self, maps: Sequence[Map]) -> list[tuple[float, float]]:
        """The range of comprehensiveness over all operators, of every map."""
        if not maps:
            return []
        counts = np.array([count_of(part, self.frozen.count) for part in PARTS])
        rank = np.stack([np.argsort(order(scores)) for scores in maps])
        tops = (rank[:, None, :] < counts[None, :, None]).reshape(-1, self.frozen.count)
        after = [self.p(tops, operator).reshape(len(maps), -1).tolist() for operator in OPERATORS]
        found = [[aopc(self.whole, by[m])[0] for by in after] for m in range(len(maps))]
        return [(min(values), max(values)) for values in found]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
