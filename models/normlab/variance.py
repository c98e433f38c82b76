"""Where the learned p of the study comes from: the data set, the encoder, or the seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

from models.norm_records import Variance
from models.study_records import StudyRun


def with_p(runs: Iterable[StudyRun], variant: str) -> tuple[StudyRun, ...]:
    """The main runs of one pooler that ended with an exponent."""
    return tuple(run for run in runs if run.group == "main" and run.variant == variant and run.p_mean is not None)


def p_variance(runs: Sequence[StudyRun]) -> Variance | None:
    """Split the variance of log p of one pooler's runs into data set, encoder, both together, and seed.

    The two-way analysis of variance of a balanced design: total sum of squares = data sets + encoders +
    interaction + within cells, which is what another seed changes. Only encoders that read every data set take
    part, with the seeds that all these cells have; p is a run's mean over dimensions. ``None`` where fewer than
    two data sets, encoders or seeds are left, or all p are one.
    """
    at = {(run.task, run.encoder, run.seed): math.log(run.p_mean) for run in runs if run.p_mean}
    tasks = sorted({key[0] for key in at})
    encoders = [e for e in sorted({key[1] for key in at}) if all(any(k[:2] == (t, e) for k in at) for t in tasks)]
    seeds = [s for s in sorted({key[2] for key in at}) if all((t, e, s) in at for t in tasks for e in encoders)]
    if min(len(tasks), len(encoders), len(seeds)) < 2:
        return None
    cells = {(t, e): [at[t, e, s] for s in seeds] for t in tasks for e in encoders}
    values = [value for cell in cells.values() for value in cell]
    middle = fmean(values)
    total = sum((value - middle) ** 2 for value in values)
    if total == 0:
        return None
    by_task = len(encoders) * len(seeds) * sum(
        (fmean(v for e in encoders for v in cells[t, e]) - middle) ** 2 for t in tasks
    )  # fmt: skip
    by_encoder = len(tasks) * len(seeds) * sum(
        (fmean(v for t in tasks for v in cells[t, e]) - middle) ** 2 for e in encoders
    )  # fmt: skip
    within = sum((value - fmean(cell)) ** 2 for cell in cells.values() for value in cell)
    both = total - by_task - by_encoder - within
    shares = [part / total for part in (by_task, by_encoder, both, within)]
    return Variance(len(tasks), len(encoders), len(seeds), len(values), *shares)
