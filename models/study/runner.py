"""Running the study: every planned cell and seed that is not in the journals yet, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

from models.data.dataset import Dataset
from models.encoders import ENCODERS
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.study import log
from models.study.cell import Bench, name_of, run_cell, told
from models.study.design import planned, task_of, variant_of
from models.study.sample import sample
from models.study_records import StudyCellKey
from models.training.word_table import WordTable

Load = Callable[[str], Dataset]
# From a task's name to its word table and the table's digest; a PoolScopeError where there is none.
Tables = Callable[[str], tuple[WordTable, str]]
Say = Callable[[str], None]
Plan = Iterable[tuple[StudyCellKey, int]]


def run_study(
    folder: Path,
    load: Load,
    tables: Tables,
    *,
    shard: log.Shard | None = None,
    only: str = "",
    plan: Plan | None = None,
    say: Say = print,
) -> None:
    """Train what the journals in ``folder`` do not hold; a killed study goes on where it stopped.

    Args:
        folder: where the journals are, one per shard.
        load: from a data set's name to the data set.
        tables: from a task's name to its word table.
        shard: the part of the study to run; default: all of it.
        only: run only cells whose ``task/encoder/variant`` contains this.
        plan: what to run, in order; default: the study's design.
        say: told one line per run, and one per cell that must be skipped.
    """
    shard = shard or log.Shard()
    done = {run.recipe_key for run in log.read(folder)}
    told_already: set[str] = set()

    def skip(why: str) -> None:
        if why not in told_already:
            say(f"skipped: {why}")
        told_already.add(why)

    for place, ((seed, task), pairs) in enumerate(groupby(plan or planned(), key=lambda pair: (pair[1], pair[0].task))):
        keys = [key for key, _ in pairs if only in f"{key.task}/{key.encoder}/{key.variant}"]
        if not keys or not shard.holds(place):
            continue
        try:
            bench = Bench(sample(load(task_of(task).dataset), task_of(task), seed), *tables(task))
        except PoolScopeError as error:
            skip(f"{task}: {error}")
            continue
        for key in keys:
            if name_of(key, seed, bench) in done:
                continue
            if key.encoder not in ENCODERS or variant_of(key).pooler not in POOLERS:
                skip(f"{key.encoder} × {variant_of(key).pooler}: not registered here")
                continue
            try:
                run = run_cell(key, seed, bench)
            except PoolScopeError as error:
                skip(f"{task}/{key.encoder}: {error}")
                continue
            log.append(folder / shard.file, run)
            say(told(run))
