"""The way into the shipped study: every run of it, and what was planned but is not there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from models.study.design import planned
from models.study.table import read_table
from models.study_records import Study, StudyCellKey, StudyRun

SHIPPED: Final = Path(__file__).resolve().parents[1] / "zoo" / "study" / "runs.parquet"


def load_study(path: str | Path | None = None) -> Study:
    """Return all runs of the shipped study, or of another Parquet file, without torch.

    ``models.study.summary.summarise`` turns the result into cells, differences, rankings and sentences.

    Raises:
        PoolScopeError: the file is missing, damaged, or of another version.
    """
    return study_of(read_table(Path(path or SHIPPED)), planned())


def study_of(runs: Iterable[StudyRun], plan: Iterable[tuple[StudyCellKey, int]]) -> Study:
    """Put runs beside a plan; pairs of the plan without a run are listed as missing, in its order."""
    runs = tuple(runs)
    there = {(key_of(run), run.seed) for run in runs}
    return Study(runs, tuple(pair for pair in plan if pair not in there))


def key_of(run: StudyRun) -> StudyCellKey:
    """Return the cell that a run belongs to."""
    return StudyCellKey(run.group, run.task, run.encoder, run.variant)


def in_order(runs: Iterable[StudyRun]) -> tuple[StudyRun, ...]:
    """Sort runs by the design's order, those outside it last by name, so that a file has one order."""
    places = {pair: place for place, pair in enumerate(planned())}
    return tuple(sorted(runs, key=lambda run: (
        places.get((key_of(run), run.seed), len(places)), run.task, run.encoder, run.variant, run.seed, run.recipe_key,
    )))  # fmt: skip
