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
from models.metrics.faithfulness import PARTS, count_of, steps
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
# What a large encoder reads within half a second: flips are looked for at the parts, which are read anyway.
FEW_RANDOM: Final = 4
FEW_PARTS: Final = (*PARTS, 0.75, 1.0)
LEFT: Final = "It reads the text many times, which is left out here; choose “everything” above."
LEFT_OUT: Final = (
    "This text, or this encoder, is large, so what would take seconds is left out: the maps that read the text many "
    "times, the oracle, soft removal, infidelity, max-sensitivity and the other ways of taking words out. "
    f"The floor is {FEW_RANDOM} random maps (orders and their reverse) instead of {RANDOM}, and flips are looked for "
    "where 1, 5, 10, 20, 50, 75 and 100 % of the words are out. Choose “everything” above for all of it."
)


@dataclass(frozen=True, slots=True)
class FaithfulnessParams:
    """How words are taken out, whether all is measured that takes long, and the seed of what is drawn."""

    operator: str = field(
        default="delete",
        metadata={
            "title": "A word that is taken out is", "choices": OPERATORS, "words": WORDS,
            "help": "The ranking of methods changes with it; the lines in the chart show by how much.",
        },
    )  # fmt: skip
    rounds: str = field(
        default="quick",
        metadata={
            "title": "How much is measured", "choices": ("quick", "everything"),
            "words": {"quick": "what takes a moment", "everything": "everything, however long it takes"},
            "help": "The same for small encoders and short texts; a large encoder or a long text takes seconds for "
            "everything.",
        },
    )  # fmt: skip
    seed: int = seed_field()


class TextFaithfulness(Experiment):
    """Comprehensiveness, sufficiency, AOPC, log-odds, words to flip, soft variants, infidelity, max-sensitivity.

    p is the probability of the class first predicted. Over {1, 5, 10, 20, 50 %} of the words (rounded up):
    comprehensiveness p(x) − p(x without the map's top words), sufficiency p(x) − p(those words alone). Floors: twenty
    random maps, and the oracle reversed. Oracle: the drop of p without each single word, by the same operator.
    Unless ``rounds`` asks for everything, a large encoder and a long text get fewer random maps and steps, and only
    what takes a few dozen readings; the finding says what was left out.
    """

    name = "faithfulness"
    title = "Faithfulness"
    question = "Does the answer really need the words that a map names?"
    claim = (
        "A map names the words that it scores highest. If the answer rests on them, it should fall without these words "
        "and stand with them alone, say DeYoung et al."
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
    ends = (
        "Good are a high comprehensiveness, to the right of the grey band, a low sufficiency, log-odds far below 0, an "
        "early flip, a high soft comprehensiveness and a low soft sufficiency. Low is good, too, for infidelity (what "
        "part of the effect of random removals the map leaves unexplained, 0 to 1) and for max-sensitivity (how much "
        "the map changes when the word vectors tremble)."
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
        few = self.params.rounds == "quick" and frozen.costly
        bench = Bench(frozen, self.params.operator, self.params.seed)
        methods = [METHODS[name](**params) for name, params in MAPS]
        maps = [LEFT if few and method.family in ("path", "perturbation") else frozen.scores(method, frozen.reading)
                for method in methods]  # fmt: skip
        known = [(method, scores) for method, scores in zip(methods, maps, strict=True) if not isinstance(scores, str)]
        random = self._random(frozen, FEW_RANDOM if few else RANDOM, paired=few)
        floors = [] if few else _ends(bench)
        # One request for every map, so that each text is read once, in as few batches as can be.
        first = [*(scores for _, scores in known), *floors]
        followed = len(first) + (0 if few else FOLLOWED)
        n = frozen.count
        gone = sorted({count_of(part, n) for part in FEW_PARTS}) if few else steps(n, MOST_STEPS)
        hard = bench.hard([*first, *random], followed, gone)
        measured, ends, chance = hard[: len(known)], hard[len(known) : len(first)], hard[len(first) :]
        if not few:
            measured = bench.full([m for m, _ in known], [scores for _, scores in known], measured)
        band = tuple(np.quantile([found.comprehensiveness or 0.0 for found in chance], (0.05, 0.95)).tolist())
        kept = tuple(np.quantile([found.sufficiency or 0.0 for found in chance], (0.05, 0.95)).tolist())
        there = iter(measured)
        rows = [
            FaithRow(method.name, method.title, "map", None, None, reason=scores) if isinstance(scores, str)
            else _beside(replace(next(there), name=method.name, title=method.title, scores=scores), band)
            for method, scores in zip(methods, maps, strict=True)
        ]  # fmt: skip
        if ends:
            rows.append(_named(ends[0], "oracle", "Oracle: single removals"))
        rows.append(_named(_mean(chance), "random", f"Random, mean of {len(random)}"))
        if ends:
            rows.append(_named(ends[1], "reversed", "Oracle reversed"))
        return Faithfulness(
            operator=self.params.operator,
            rows=tuple(rows),
            random_band=(band[0], band[1]),
            random_sufficiency=(kept[0], kept[1]),
            label=frozen.prediction.label,
            probability=bench.whole,
            forwards=frozen.reading.ledger.forwards,
            reused=frozen.reading.ledger.reused,
            random=len(random),
            left_out=LEFT_OUT if few else "",
        )

    def _random(self, frozen: Frozen, count: int, *, paired: bool) -> list[list[float]]:
        """Maps that order the words by chance; ``paired`` ones come as an order and the same reversed.

        Every one of a pair is as random as any other, few of them lie evenly about their mean, and what one leaves of
        the text at its half is what the other takes.
        """
        source = np.random.default_rng([self.params.seed, 1, *frozen.reading.ids[0].tolist()])
        drawn = [source.permutation(frozen.count).astype(float) for _ in range(count // 2 if paired else count)]
        return [order.tolist() for order in (*drawn, *([-one for one in drawn] if paired else []))]


def _ends(bench: Bench) -> list[list[float]]:
    """The oracle, what each word takes with it alone, and the same reversed."""
    drops = (bench.whole - bench.p(np.eye(bench.frozen.count, dtype=bool))).tolist()
    return [drops, [-drop for drop in drops]]


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
        followed=rows[0].followed,
    )  # fmt: skip
