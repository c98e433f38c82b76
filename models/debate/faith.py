"""Faithfulness over a test set: every map of every text by the experiment itself, its texts read in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.attribution.reading import Reading
from models.classifier import PoolingClassifier
from models.debate.alone import Item
from models.debate.rows import FAITHFULNESS, FaithfulnessRow
from models.debate.run import in_parts
from models.experiment_records import Faithfulness, FaithRow
from models.experiments.base import NotHereError
from models.experiments.faithfulness import MAPS, TextFaithfulness
from models.experiments.frozen import Frozen

# Some hundred readings per text: a part is seconds to minutes.
PART: Final = 32
# What the command prints, and whether more is better.
MEASURES: Final = {
    "comprehensiveness": "higher", "sufficiency": "lower", "log_odds": "lower", "flip": "lower",
    "soft_comprehensiveness": "higher", "soft_sufficiency": "lower", "infidelity": "lower", "sensitivity": "lower",
}  # fmt: skip


def run(
    classifier: PoolingClassifier,
    items: Sequence[Item],
    out: Path,
    key: Mapping[str, Any],
    operator: str,
    seed: int,
    say: Callable[[str], None] = print,
) -> Path:
    """Measure ``items`` and write one Parquet file with a row per text and map; parts as for ``models.debate.run``.

    Raises:
        PoolScopeError: ``out``, or the parts of a run cut off, belong to other weights, data or options.
    """

    def measure(part: Sequence[Item]) -> Iterable[FaithfulnessRow]:
        return (row for item in part for row in rows_of(classifier, item, operator, seed))

    return in_parts(items, out, {**key, "operator": operator}, measure, FAITHFULNESS, PART, say)


def rows_of(classifier: PoolingClassifier, item: Item, operator: str, seed: int) -> Iterator[FaithfulnessRow]:
    """One row per map, floor and oracle of a text; of a single word, one per map with the reason."""
    frozen = Frozen(Reading(classifier, item.ids, item.owners))
    prediction = frozen.prediction
    facts = (item.text, frozen.count, item.label, prediction.predicted, max(prediction.probabilities))
    try:
        # The page may leave out what takes long; rows of a test set must not differ in what they hold.
        found = TextFaithfulness(operator=operator, rounds="everything", seed=seed).run(frozen)
    except NotHereError as error:
        yield from (FaithfulnessRow(*facts, name, "map", reason=str(error)) for name, _ in MAPS)
        return
    for row in found.rows:
        yield _row(facts, row, found)


def means(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, tuple[float, int]]]:
    """Return, for each map and measure, the mean over the texts that have it, and their number."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        own = found.setdefault(row["method"], {name: [] for name in MEASURES})
        for name in MEASURES:
            if row[name] is not None:
                own[name].append(row[name])
    return {
        method: {name: (float(np.mean(values)), len(values)) for name, values in own.items() if values}
        for method, own in found.items()
    }


def _row(facts: tuple[int, int, int, int, float], row: FaithRow, found: Faithfulness) -> FaithfulnessRow:
    gone, stayed = row.soft_comprehensiveness, row.soft_sufficiency
    return FaithfulnessRow(
        *facts, row.name, row.kind, row.comprehensiveness, row.sufficiency, row.comprehensiveness_printed,
        row.sufficiency_printed, row.log_odds, row.flip,
        soft_comprehensiveness=None if gone is None else gone.mean,
        soft_comprehensiveness_sd=None if gone is None else gone.sd,
        soft_sufficiency=None if stayed is None else stayed.mean,
        soft_sufficiency_sd=None if stayed is None else stayed.sd,
        soft_comprehensiveness_normalised=row.soft_comprehensiveness_normalised,
        soft_sufficiency_normalised=row.soft_sufficiency_normalised,
        infidelity=row.infidelity, sensitivity=row.sensitivity,
        lowest=None if row.spread is None else row.spread[0], highest=None if row.spread is None else row.spread[1],
        above_random=row.beyond if row.kind == "map" and row.comprehensiveness is not None else None,
        random_high=found.random_band[1], reason=row.reason,
    )  # fmt: skip
