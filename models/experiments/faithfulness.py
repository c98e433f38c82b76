"""Faithfulness: take out what a map names, keep what it names alone, and compare with chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from models.attribution import METHODS
from models.attribution.base import seed_field
from models.experiment_records import Faithfulness, FaithRow
from models.experiments.base import Experiment, NotHereError
from models.experiments.bench import Bench
from models.experiments.frozen import Frozen
from models.experiments.removal import OPERATORS, WORDS
from models.records import Param

MAPS: Final[tuple[tuple[str, Mapping[str, Param]], ...]] = (
    ("attention", {}), ("exact_share", {}), ("saliency", {}), ("input_gradient", {}),
    ("integrated_gradients", {"max_steps": 64}), ("leave_one_out", {}),
)  # fmt: skip
RANDOM: Final = 20
# Following a random order to its flip takes a reading per word: a few of them do.
FOLLOWED: Final = 5


@dataclass(frozen=True, slots=True)
class FaithfulnessParams:
    """How words are taken out, and the seed of what is drawn."""

    operator: str = field(
        default="delete",
        metadata={
            "title": "A word that is taken out is", "choices": OPERATORS, "words": WORDS,
            "help": "The ranking of methods changes with it; the lines in the chart show by how much.",
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
        "high is good), or kept alone (sufficiency: low is good), everything is read anew, and the change of the "
        "answer's probability is averaged. Twenty random maps are the floor; the oracle orders words by what each "
        "takes with it alone, and may be beaten, since words act together."
    )
    source = (
        "DeYoung et al., ACL 2020 (ERASER); soft: Zhao & Aletras, ACL 2023; infidelity and max-sensitivity: Yeh et "
        "al., NeurIPS 2019"
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
        bench = Bench(frozen, self.params.operator, self.params.seed)
        random = np.random.default_rng([self.params.seed, 1, *reading.ids[0].tolist()])
        chance = bench.hard([random.permutation(n).astype(float).tolist() for _ in range(RANDOM)], FOLLOWED)
        band = tuple(np.quantile([found.comprehensiveness or 0.0 for found in chance], (0.05, 0.95)).tolist())
        kept = tuple(np.quantile([found.sufficiency or 0.0 for found in chance], (0.05, 0.95)).tolist())
        rows: list[FaithRow] = []
        methods = [METHODS[name](**params) for name, params in MAPS]
        maps = [frozen.scores(method, reading) for method in methods]
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
