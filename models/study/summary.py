"""From runs to what they say: cells, paired differences and rankings; words are in ``models.study.wording``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean, stdev
from typing import Final

from models.errors import PoolScopeError
from models.study import statistics as st
from models.study.design import ENCODERS, REFERENCE, TASKS, VARIANTS
from models.study.read import key_of
from models.study.wording import headline, sentence
from models.study_records import (
    PairedDifference,
    PairTest,
    Study,
    StudyCell,
    StudyCellKey,
    StudyRanking,
    StudyRun,
    StudySummary,
)

APLN: Final = tuple(variant.name for variant in VARIANTS if variant.pooler == "apln")


def summarise(study: Study) -> StudySummary:
    """Return everything the study says; a partial study is summarised as far as it goes.

    Raises:
        PoolScopeError: runs that should be paired did not see the same rows or words.
    """
    good = {(key_of(run), run.seed): run for run in study.runs if run.failed is None}
    table = _Table(good)
    differences = tuple(table.differences())
    rankings = tuple(r for r in (table.ranking(encoder) for encoder in (None, *ENCODERS)) if r is not None)
    return StudySummary(
        cells=tuple(_cells(study.runs)),
        differences=differences,
        rankings=rankings,
        sentences=tuple(
            (task.task, sentence(task.task, differences)) for task in TASKS if task.task in table.tasks
        ),
        headline=headline(differences, rankings),
        missing=study.missing,
    )


def _cells(runs: Sequence[StudyRun]) -> Iterable[StudyCell]:
    """One cell per key, in the order of the runs."""
    by_key: dict[StudyCellKey, list[StudyRun]] = {}
    for run in runs:
        by_key.setdefault(key_of(run), []).append(run)
    for key, all_of_it in by_key.items():
        mine = sorted((run for run in all_of_it if run.failed is None), key=lambda run: run.seed)
        base = {run.seed: run for run in by_key.get(_reference(key), ()) if run.failed is None}
        ratios = [
            run.cpu_seconds_per_epoch / base[run.seed].cpu_seconds_per_epoch  # type: ignore[operator]
            for run in mine
            if run.seed in base and run.cpu_seconds_per_epoch and base[run.seed].cpu_seconds_per_epoch
        ]
        yield StudyCell(
            key=key,
            seeds=tuple(run.seed for run in mine),
            failed_seeds=tuple(sorted(run.seed for run in all_of_it if run.failed is not None)),
            accuracy=_mean(mine, lambda run: run.accuracy), accuracy_sd=_sd(mine, lambda run: run.accuracy),
            macro_f1=_mean(mine, lambda run: run.macro_f1), macro_f1_sd=_sd(mine, lambda run: run.macro_f1),
            majority=all_of_it[0].majority,
            p_mean=_mean(mine, lambda run: run.p_mean),
            p_low=min((run.p_min for run in mine if run.p_min is not None), default=None),
            p_high=max((run.p_max for run in mine if run.p_max is not None), default=None),
            seconds_per_epoch=_mean(mine, lambda run: run.seconds_per_epoch),
            time_ratio=mean(ratios) if ratios else None,
            overflow=_sum(mine, lambda run: run.overflow), pow_overflow=_sum(mine, lambda run: run.pow_overflow),
            pow_terms=_sum(mine, lambda run: run.pow_terms),
            parameters=all_of_it[0].parameters,
        )  # fmt: skip


class _Table:
    """The scored runs of the main group, looked up by cell and seed."""

    def __init__(self, good: dict[tuple[StudyCellKey, int], StudyRun]) -> None:
        self._good = {pair: run for pair, run in good.items() if pair[0].group == "main"}
        self.tasks = tuple(t.task for t in TASKS if any(key.task == t.task for key, _ in self._good))

    def differences(self) -> Iterable[PairedDifference]:
        """APLN minus attention: per task for all encoders together, then per encoder."""
        for task in self.tasks:
            for variant in APLN:
                pairs = {encoder: self._pairs(task, encoder, variant) for encoder in ENCODERS}
                pairs = {encoder: found for encoder, found in pairs.items() if found}
                seeds = sorted(set.intersection(*map(set, pairs.values()))) if pairs else []
                if seeds:
                    values = [mean(found[seed] for found in pairs.values()) for seed in seeds]
                    yield difference(task, None, tuple(pairs), variant, seeds, values)
                for encoder, found in pairs.items():
                    seeds = sorted(found)
                    yield difference(task, encoder, (encoder,), variant, seeds, [found[seed] for seed in seeds])

    def _pairs(self, task: str, encoder: str, variant: str) -> dict[int, float]:
        """Differences by seed where both runs are there."""
        found = {}
        for (key, seed), run in self._good.items():
            if (key.task, key.encoder, key.variant) != (task, encoder, variant):
                continue
            other = self._good.get((_reference(key), seed))
            if other is None or run.accuracy is None or other.accuracy is None:
                continue
            if (run.data_digest, run.table_sha) != (other.data_digest, other.table_sha):
                raise PoolScopeError(
                    f"{task}/{encoder}: {variant} and {REFERENCE} of seed {seed} saw different rows or words; "
                    "collect the runs again"
                )
            found[seed] = run.accuracy - other.accuracy
        return found

    def ranking(self, encoder: str | None) -> StudyRanking | None:
        """Rank the variants for one encoder, or for the mean over encoders."""
        encoders = ENCODERS if encoder is None else (encoder,)
        there = {key.variant for key, _ in self._good if key.encoder in encoders}
        variants = tuple(variant.name for variant in VARIANTS if variant.name in there)
        rows = {task: self._scores(task, encoders, variants) for task in self.tasks}
        scores = {task: row for task, row in rows.items() if row is not None}
        if not scores or REFERENCE not in variants:
            return None
        return rank(encoder, tuple(scores), variants, tuple(scores.values()))

    def _scores(self, task: str, encoders: Sequence[str], variants: Sequence[str]) -> tuple[float, ...] | None:
        """Mean accuracy of each variant over the seeds that all of them share, then over encoders."""
        per_encoder = []
        for encoder in encoders:
            runs = [
                {seed: run.accuracy for (key, seed), run in self._good.items()
                 if (key.task, key.encoder, key.variant) == (task, encoder, variant) and run.accuracy is not None}
                for variant in variants
            ]  # fmt: skip
            shared = set.intersection(*map(set, runs)) if runs else set()
            if shared:
                per_encoder.append([mean(run[seed] for seed in sorted(shared)) for run in runs])
        return tuple(mean(column) for column in zip(*per_encoder, strict=True)) if per_encoder else None


def difference(
    task: str, encoder: str | None, encoders: tuple[str, ...], variant: str, seeds: Sequence[int],
    values: Sequence[float],
) -> PairedDifference:  # fmt: skip
    """Return the record of paired differences with both intervals and what they allow to say."""
    boot, student = st.bootstrap_interval(values), st.t_interval(values)
    ends = [*(boot or (0.0, 0.0)), *(student or (0.0, 0.0))]
    return PairedDifference(
        task=task, encoder=encoder, encoders=encoders, variant=variant, against=REFERENCE, seeds=tuple(seeds),
        differences=tuple(values), mean=mean(values), low=boot[0] if boot else None, high=boot[1] if boot else None,
        t_low=student[0] if student else None, t_high=student[1] if student else None, level=st.LEVEL,
        verdict="ahead" if min(ends) > 0 else "behind" if max(ends) < 0 else "open",
    )  # fmt: skip


def rank(
    encoder: str | None, tasks: tuple[str, ...], variants: tuple[str, ...], scores: tuple[tuple[float, ...], ...]
) -> StudyRanking:
    """Return ranks, gains and tests of a complete table of accuracies, tasks × variants."""
    ranks = st.average_ranks(scores)
    enough = len(tasks) >= 3 and len(variants) >= 3
    test = st.friedman(scores)
    width = st.critical_difference(len(variants), len(tasks)) if enough else None
    base = variants.index(REFERENCE)
    gains = [[row[place] - row[base] for row in scores] for place in range(len(variants))]
    spans = [st.bootstrap_interval(gain) for gain in gains]
    others = [place for place in range(len(variants)) if place != base]
    ps = [st.signed_rank(gains[place]) for place in others]
    return StudyRanking(
        encoder=encoder, tasks=tasks, variants=variants, scores=scores, ranks=ranks, against=REFERENCE,
        gains=tuple(mean(gain) for gain in gains),
        gain_lows=tuple(span[0] for span in spans if span) or None,
        gain_highs=tuple(span[1] for span in spans if span) or None,
        friedman=test[0] if test else None, friedman_p=test[1] if test else None,
        critical_difference=width, level=round(1 - st.LEVEL, 6),
        cliques=tuple(tuple(variants[i] for i in c) for c in st.cliques(ranks, width)) if width else (),
        tests=tuple(
            PairTest(variants[place], REFERENCE, p, corrected)
            for place, p, corrected in zip(others, ps, st.holm(ps), strict=True)
        ),
    )  # fmt: skip


def _reference(key: StudyCellKey) -> StudyCellKey:
    return StudyCellKey("main", key.task, key.encoder, REFERENCE)


def _values(runs: Iterable[StudyRun], of: Callable[[StudyRun], float | None]) -> list[float]:
    return [value for value in map(of, runs) if value is not None]


def _mean(runs: Sequence[StudyRun], of: Callable[[StudyRun], float | None]) -> float | None:
    values = _values(runs, of)
    return mean(values) if values else None


def _sd(runs: Sequence[StudyRun], of: Callable[[StudyRun], float | None]) -> float | None:
    values = _values(runs, of)
    return stdev(values) if len(values) > 1 else None


def _sum(runs: Sequence[StudyRun], of: Callable[[StudyRun], int | None]) -> int | None:
    values = [value for value in map(of, runs) if value is not None]
    return sum(values) if values else None
