"""The records of the study: its runs, its cells, and what the statistics make of them. Plain Python, frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StudyRun:
    """One training run of the study, good or failed: what was trained, on what, and what came out.

    ``group`` is ``"main"`` or ``"ablation"``; ``variant`` tells pooler and options apart (``apln A``).
    ``reading``, ``limit``, ``form`` and ``per_dimension`` are APLN's, ``None`` elsewhere. Accuracies
    are shares of 1, times seconds (``cpu_…`` is this process's own time, untouched by neighbours).
    p is that of the scored epoch over dimensions, ``None`` without an exponent. ``overflow`` counts
    pooled values of the test split that the run's own form gave as 0, inf or NaN though the true
    value is positive; ``pow_overflow`` the terms (token × dimension) of which the same holds in the
    pow form at float32, out of ``pow_terms``. A failed run has ``failed`` and no scores.
    """

    group: Literal["main", "ablation"]
    task: str
    dataset: str
    encoder: str
    pooler: str
    variant: str
    reading: str | None
    limit: str | None
    form: str | None
    per_dimension: bool | None
    seed: int
    train_rows: int
    dev_rows: int
    test_rows: int
    max_tokens: int
    epochs: int
    best_epoch: int | None
    dev_accuracy: float | None
    accuracy: float | None
    macro_f1: float | None
    majority: float
    dev_curve: tuple[float, ...]
    p_mean: float | None
    p_min: float | None
    p_max: float | None
    seconds_per_epoch: float | None
    cpu_seconds_per_epoch: float | None
    overflow: int | None
    pow_overflow: int | None
    pow_terms: int | None
    parameters: int
    failed: str | None
    recipe_key: str
    data_digest: str
    table_sha: str
    software: str

    def __post_init__(self) -> None:
        """A run either has its scores or says why not."""
        scores = (self.dev_accuracy, self.accuracy, self.macro_f1)
        if (self.failed is None) != all(value is not None and math.isfinite(value) for value in scores):
            raise ValueError(f"{self.task}/{self.encoder}/{self.variant}@{self.seed}: scores {scores}, {self.failed=}")


@dataclass(frozen=True, slots=True)
class StudyCellKey:
    """What names one cell of the study: its runs differ in the seed alone."""

    group: Literal["main", "ablation"]
    task: str
    encoder: str
    variant: str


@dataclass(frozen=True, slots=True)
class Study:
    """All runs, and the planned (cell, seed) pairs without a run; a failed run is not missing."""

    runs: tuple[StudyRun, ...]
    missing: tuple[tuple[StudyCellKey, int], ...]


@dataclass(frozen=True, slots=True)
class StudyCell:
    """The runs of one cell over seeds: means ± sample standard deviations of those that did not fail.

    ``sd``s are ``None`` below two runs, means ``None`` when all failed. ``p_low`` and ``p_high`` are
    the extremes over runs and dimensions. ``time_ratio`` is CPU seconds per epoch over those of the
    cell with ``attention``, the mean over shared seeds.
    """

    key: StudyCellKey
    seeds: tuple[int, ...]
    failed_seeds: tuple[int, ...]
    accuracy: float | None
    accuracy_sd: float | None
    macro_f1: float | None
    macro_f1_sd: float | None
    majority: float
    p_mean: float | None
    p_low: float | None
    p_high: float | None
    seconds_per_epoch: float | None
    time_ratio: float | None
    overflow: int | None
    pow_overflow: int | None
    pow_terms: int | None
    parameters: int


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Test accuracy of ``variant`` minus that of ``against``, paired by seed, in one (task, encoder).

    ``encoder`` is ``None`` for the mean over ``encoders``. ``differences`` follow ``seeds``; ``low``
    and ``high`` bound the mean by the percentile bootstrap over seeds, ``t_low`` and ``t_high`` by
    Student's t; all ``None`` below two pairs. ``verdict``: both intervals above 0 is ``ahead``, both
    below ``behind``, else ``open``. ``level`` is the intervals' confidence (0.95).
    """

    task: str
    encoder: str | None
    encoders: tuple[str, ...]
    variant: str
    against: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None
    t_low: float | None
    t_high: float | None
    level: float
    verdict: Literal["ahead", "behind", "open"]


@dataclass(frozen=True, slots=True)
class PairTest:
    """Wilcoxon's signed-rank test of two variants over tasks, plain and after Holm's correction."""

    left: str
    right: str
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class StudyRanking:
    """Average ranks (1 is best) of the variants over the tasks where all of them have a score.

    ``encoder`` is ``None`` for the mean over all encoders. ``scores`` are the accuracies that were
    ranked, one row per task, and ``gains`` their means over tasks minus that of ``against``, with
    percentile bootstrap intervals over tasks ``gain_lows`` … ``gain_highs`` (``None`` below two tasks).
    ``critical_difference`` is Nemenyi's: ranks closer than that are not told apart; ``cliques`` are
    the longest such stretches. ``tests`` compare every variant with ``against``. With fewer than
    three tasks or variants Friedman's test and the critical difference are ``None``. ``level`` is
    the tests' (0.05); the intervals cover 1 − ``level``.
    """

    encoder: str | None
    tasks: tuple[str, ...]
    variants: tuple[str, ...]
    ranks: tuple[float, ...]
    friedman: float | None
    friedman_p: float | None
    critical_difference: float | None
    level: float
    cliques: tuple[tuple[str, ...], ...]
    tests: tuple[PairTest, ...]
    against: str = "attention"
    scores: tuple[tuple[float, ...], ...] = ()
    gains: tuple[float, ...] = ()
    gain_lows: tuple[float, ...] | None = None
    gain_highs: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class StudySummary:
    """Everything the study says: cells, differences to attention, rankings, one sentence per task."""

    cells: tuple[StudyCell, ...]
    differences: tuple[PairedDifference, ...]
    rankings: tuple[StudyRanking, ...]
    sentences: tuple[tuple[str, str], ...]
    headline: str
    missing: tuple[tuple[StudyCellKey, int], ...]
