"""Faithfulness: take out what a map names, keep what it names alone, and compare with chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch

from models.attribution import METHODS
from models.attribution.base import AttributionMethod, seed_field
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.experiment_records import Faithfulness, FaithRow, Sampled
from models.experiments.base import Experiment, NotHereError
from models.experiments.frozen import Frozen
from models.experiments.removal import OPERATORS, WORDS, Sets, in_embeddings, without
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
from models.records import Param

MAPS: Final[tuple[tuple[str, Mapping[str, Param]], ...]] = (
    ("attention", {}), ("exact_share", {}), ("saliency", {}), ("input_gradient", {}),
    ("integrated_gradients", {"max_steps": 64}), ("leave_one_out", {}),
)  # fmt: skip
RANDOM: Final = 20
# Following a random order to its flip takes a reading per word: a few of them do.
FOLLOWED: Final = 5
# In a long text words go in this many steps.
MOST_STEPS: Final = 40
DRAWS: Final = 20
SUBSETS: Final = 60
BOOTSTRAP: Final = 400
LOG_ODDS_AT: Final = PARTS.index(0.20)


@dataclass(frozen=True, slots=True)
class FaithfulnessParams:
    """How words are taken out, and the seed of what is drawn."""

    operator: str = field(
        default="delete",
        metadata={
            "title": "A word that is taken out is", "choices": OPERATORS, "words": WORDS,
            "help": "The ranking of methods changes with it; the column “range” shows by how much.",
        },
    )  # fmt: skip
    seed: int = seed_field()


class TextFaithfulness(Experiment):
    """Comprehensiveness, sufficiency, AOPC, log-odds, words to flip, soft variants, infidelity, max-sensitivity.

    p is the probability of the class first predicted. Over {1, 5, 10, 20, 50 %} of the words (rounded up):
    comprehensiveness p(x) − p(x without the map's top words), sufficiency p(x) − p(those words alone). Floors: twenty
    random maps, and the oracle reversed. Oracle: the drop of p without each single word, by the same operator.
    """

    name = "faithfulness"
    title = "Faithfulness"
    question = "Does the answer really need the words that a map names?"
    claim = (
        "If a map names what the answer rests on, the answer should fall without those words and stand with them "
        "alone, say DeYoung et al."
    )
    protocol = (
        "The words are ordered by each map. The first 1, 5, 10, 20 and 50 % of them are taken out (comprehensiveness: "
        "high "
        "is good), or kept alone (sufficiency: low is good), everything is read anew, and the change of the "
        "answer's probability is averaged. Twenty random maps are the floor; the oracle orders words by what each "
        "takes "
        "with it alone, and may be beaten, since words act together."
    )
    source = (
        "DeYoung et al., ACL 2020 (ERASER); soft: Zhao & Aletras, ACL 2023; infidelity and max-sensitivity: Yeh et "
        "al., "
        "NeurIPS 2019"
    )
    shows = "A map clearly above the random band names words that this answer needs under this way of taking them out."
    shows_not = (
        "It does not show how the reader reasons: a text with holes is unlike any it was trained on, another way of "
        "taking words out may turn the order of the methods round, and one text is one sample."
    )
    Params = FaithfulnessParams

    def run(self, frozen: Frozen) -> Faithfulness:
        """Measure every map, then the floors and the oracle."""
        if frozen.count < 2:
            raise NotHereError("One word cannot be taken out and kept at once; type at least two.")
        reading, n = frozen.reading, frozen.count
        bench = _Bench(frozen, self.params.operator, self.params.seed)
        random = np.random.default_rng([self.params.seed, 1, *reading.ids[0].tolist()])
        chance = bench.hard([random.permutation(n).astype(float).tolist() for _ in range(RANDOM)], FOLLOWED)
        band = tuple(np.quantile([found.comprehensiveness or 0.0 for found in chance], (0.05, 0.95)).tolist())
        kept = tuple(np.quantile([found.sufficiency or 0.0 for found in chance], (0.05, 0.95)).tolist())
        rows: list[FaithRow] = []
        methods = [METHODS[name](**params) for name, params in MAPS]
        maps = [_scores(method, reading, frozen) for method in methods]
        # Read for all maps at once; each then finds its texts in the ledger.
        if known := [scores for scores in maps if not isinstance(scores, str)]:
            bench.hard(known)
        rows += [
            _beside(bench.full(method, scores), band) for method, scores in zip(methods, maps, strict=True)
        ]
        drops = (bench.whole - bench.p(np.eye(n, dtype=bool))).tolist()
        oracle, backward = bench.hard([drops, [-drop for drop in drops]])
        rows += [
            _named(oracle, "oracle", "Oracle: single removals"),
            _named(_mean(chance), "random", f"Random, mean of {RANDOM}"),
            _named(backward, "reversed", "Oracle reversed"),
        ]
        return Faithfulness(
            operator=self.params.operator,
            rows=tuple(rows),
            random_band=(band[0], band[1]),
            random_sufficiency=(kept[0], kept[1]),
            label=frozen.prediction.label,
            probability=bench.whole,
            forwards=reading.ledger.forwards,
            reused=reading.ledger.reused,
        )


class _Bench:
    """One text, one operator, and what all maps are measured with."""

    def __init__(self, frozen: Frozen, operator: str, seed: int) -> None:
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


def _scores(method: AttributionMethod, reading: Reading, frozen: Frozen) -> tuple[float, ...] | str:
    """The map over words (n,), signed where it has a sign, or the reason why there is none."""
    found = method(reading, Target(frozen.label))
    if found.values is None:
        return str(found.reason)
    return tuple(frozen.by_word(torch.tensor(found.values, dtype=torch.float64)).tolist())


def _named(row: FaithRow, kind: str, title: str) -> FaithRow:
    return replace(row, name=kind, title=title, kind=kind)


def _beside(row: FaithRow, band: Sequence[float]) -> FaithRow:
    """Say whether the map is above what random maps reach."""
    value = row.comprehensiveness
    return replace(row, beyond=value is not None and value > band[1])


def _mean(rows: Sequence[FaithRow]) -> FaithRow:
    """The mean of random maps; a flip where most of them flip, at their median."""
    flips = [row.flip for row in rows[:FOLLOWED] if row.flip is not None]

    def mean(name: str) -> float:
        return float(np.mean([getattr(row, name) for row in rows]))

    return FaithRow(
        "", "", "random", mean("comprehensiveness"), mean("sufficiency"), mean("comprehensiveness_printed"),
        mean("sufficiency_printed"), mean("log_odds"), float(np.median(flips)) if 2 * len(flips) > FOLLOWED else None,
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
