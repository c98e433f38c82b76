"""The page ``STUDY.md``: every table of the study, generated from the Parquet file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from models.study.design import (
    ABLATION_ENCODER,
    ABLATION_SEEDS,
    ABLATION_TASKS,
    DEV_ROWS,
    ENCODERS,
    HEADLINE,
    MAX_TOKENS,
    REFERENCE,
    SEEDS,
    TASKS,
    TEST_ROWS,
    VARIANTS,
)
from models.study.wording import p_value, points
from models.study_records import PairedDifference, Study, StudyCell, StudyRanking, StudyRun, StudySummary


def page(study: Study, summary: StudySummary) -> str:
    """Return the whole page."""
    parts = [
        "# Does APLN beat attention?\n",
        summary.headline + "\n",
        _design(study),
        "## One sentence per data set\n",
        "\n".join(f"- {text}" for _, text in summary.sentences) + "\n",
        "## Paired differences\n",
        f"Test accuracy minus that of {REFERENCE}, in points, paired by seed: same training rows, same order, same "
        "start of the encoder. Intervals (95 %): percentile bootstrap over seeds, and Student's t. Five seeds are few; "
        "the bootstrap is too narrow there, so a verdict needs both. They speak about the luck of drawing rows and "
        "training, not about other test texts; and of many intervals at 95 % some miss by chance alone.\n",
        _differences(summary.differences),
        "## Over data sets\n",
        "Average ranks (1 is best), mean gain over attention in points with a percentile bootstrap interval over data "
        "sets, Wilcoxon's signed-rank test against attention, and the same after Holm's correction.\n",
        *(_ranking(ranking) for ranking in summary.rankings),
        "## Every cell\n",
        f"Mean ± sd over seeds. n: runs with a score. Time: CPU seconds of an epoch over those of {REFERENCE}.\n",
        _cells([cell for cell in summary.cells if cell.key.group == "main"]),
        "## Ablation: scale limit × form × one p or many\n",
        "Lost powers: real powers in the pow form at float32, on the test rows, that came as 0, inf or NaN though the "
        "true value is positive; the last column counts pooled values for which the run's own form did.\n",
        _ablation([cell for cell in summary.cells if cell.key.group == "ablation"]),
        "## Failed and missing\n",
        _failed(study.runs),
        _missing(study),
    ]
    return "\n".join(parts)


def _design(study: Study) -> str:
    sizes: dict[str, StudyRun] = {}
    for run in study.runs:
        sizes.setdefault(run.task, run)
    rows = [
        (task.task, task.dataset, f"{sizes[task.task].train_rows:,}", f"{sizes[task.task].dev_rows:,}",
         f"{sizes[task.task].test_rows:,}", _share(sizes[task.task].majority))
        for task in TASKS if task.task in sizes
    ]  # fmt: skip
    software = Counter(run.software for run in study.runs)
    return (
        f"{len(study.runs):,} runs: data sets × encoders ({', '.join(ENCODERS)}) × poolers "
        f"({', '.join(variant.name for variant in VARIANTS)}) × seeds {SEEDS[0]} to {SEEDS[-1]}, and an "
        f"ablation of APLN ({', '.join(ABLATION_TASKS)}; {ABLATION_ENCODER}; {len(ABLATION_SEEDS)} seeds). "
        "All share one recipe: at most 6 epochs of batches of 32 at learning rate 0.002 (exponents 0.01), stopped "
        "after 2 epochs without a better dev accuracy, the best epoch scored; frozen skip-gram word vectors of the "
        "task's plain table; the "
        "Transformer has one layer of width 64. `pretrained` is the last layer of all-MiniLM-L6-v2, frozen, and reads "
        "the English tasks only. Training rows are drawn by the seed, "
        f"dev (at most {DEV_ROWS:,}) and test (at most {TEST_ROWS:,}) rows are the same for all; texts are cut after "
        f"{MAX_TOKENS} tokens. So small samples, short training: the study says which pooler learns better from "
        f"{TASKS[1].train_rows:,} rows, not which wins with all data and tuning. Which reading of APLN is *the* one "
        f"({HEADLINE}) was fixed before the first run.\n\n"
        + _table(("task", "learned from", "train", "dev", "test", "majority"), rows)
        + "\nSoftware: " + "; ".join(f"{name} ({count:,} runs)" for name, count in sorted(software.items())) + ".\n"
    )  # fmt: skip


def _differences(differences: Sequence[PairedDifference]) -> str:
    rows = [
        (d.task, d.encoder or f"mean of {len(d.encoders)}", d.variant, str(len(d.seeds)),
         " ".join(points(value) for value in d.differences), points(d.mean), _span(d.low, d.high),
         _span(d.t_low, d.t_high), d.verdict)
        for d in differences
    ]  # fmt: skip
    heads = ("task", "encoder", "variant", "n", "by seed", "mean", "bootstrap", "Student's t", "verdict")
    return _table(heads, rows)


def _ranking(ranking: StudyRanking) -> str:
    tests = {test.left: test for test in ranking.tests}
    rows = []
    for place in sorted(range(len(ranking.variants)), key=lambda place: ranking.ranks[place]):
        name = ranking.variants[place]
        low = ranking.gain_lows[place] if ranking.gain_lows else None
        high = ranking.gain_highs[place] if ranking.gain_highs else None
        test = tests.get(name)
        rows.append((
            name, f"{ranking.ranks[place]:.2f}", points(ranking.gains[place]), _span(low, high),
            p_value(test.p).removeprefix("= ") if test else "", p_value(test.p_holm).removeprefix("= ") if test else "",
        ))  # fmt: skip
    title = "All encoders (mean)" if ranking.encoder is None else ranking.encoder
    tasks = f"{len(ranking.tasks)} data sets" if len(ranking.tasks) != 1 else "1 data set"
    said = f"### {title}: {tasks}\n\n"
    said += _table(("variant", "rank", f"gain on {ranking.against}", "interval", "p", "p (Holm)"), rows)
    if ranking.friedman is not None and ranking.friedman_p is not None and ranking.critical_difference is not None:
        groups = "; ".join(", ".join(clique) for clique in ranking.cliques) or "none"
        said += (
            f"\nFriedman χ² {ranking.friedman:.2f}, p {p_value(ranking.friedman_p)}. Nemenyi's critical difference "
            f"{ranking.critical_difference:.2f}; not told apart: {groups}.\n"
        )
    return said


def _cells(cells: Sequence[StudyCell]) -> str:
    rows = [
        (cell.key.task, cell.key.encoder, cell.key.variant, str(len(cell.seeds)),
         _mean(cell.accuracy, cell.accuracy_sd), _mean(cell.macro_f1, cell.macro_f1_sd), *_p(cell),
         _number(cell.time_ratio, 2), f"{cell.parameters:,}", _lost(cell), _count(cell.overflow))
        for cell in sorted(cells, key=_order)
    ]  # fmt: skip
    heads = ("task", "encoder", "variant", "n", "accuracy", "macro-F1", "p", "p from … to", "time", "parameters",
             "lost powers", "lost values")  # fmt: skip
    return _table(heads, rows)


def _ablation(cells: Sequence[StudyCell]) -> str:
    rows = [
        (cell.key.task, cell.key.encoder, cell.key.variant, str(len(cell.seeds)), str(len(cell.failed_seeds)),
         _mean(cell.accuracy, cell.accuracy_sd), *_p(cell), _number(cell.time_ratio, 2), _lost(cell),
         _count(cell.overflow))
        for cell in cells
    ]  # fmt: skip
    heads = ("task", "encoder", "variant", "n", "failed", "accuracy", "p", "p from … to", "time", "lost powers",
             "lost values")  # fmt: skip
    return _table(heads, rows)


def _failed(runs: Iterable[StudyRun]) -> str:
    found = [f"- {r.group} {r.task}/{r.encoder}/{r.variant}, seed {r.seed}: {r.failed}" for r in runs if r.failed]
    return "Failed runs, kept as rows:\n\n" + "\n".join(found) + "\n" if found else "No run failed.\n"


def _missing(study: Study) -> str:
    if not study.missing:
        return "No planned run is missing.\n"
    seeds: dict[str, list[int]] = {}
    for key, seed in study.missing:
        seeds.setdefault(f"{key.group} {key.task}/{key.encoder}/{key.variant}", []).append(seed)
    lines = [f"- {name}: seeds {', '.join(map(str, found))}" for name, found in seeds.items()]
    return f"{len(study.missing):,} planned runs are missing:\n\n" + "\n".join(lines) + "\n"


def _order(cell: StudyCell) -> tuple[int, int, int]:
    tasks, variants = [task.task for task in TASKS], [variant.name for variant in VARIANTS]
    return tasks.index(cell.key.task), ENCODERS.index(cell.key.encoder), variants.index(cell.key.variant)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _mean(value: float | None, sd: float | None) -> str:
    return "" if value is None else f"{value:.4f}" + ("" if sd is None else f" ± {sd:.4f}")


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{points(low)} … {points(high)}"


def _p(cell: StudyCell) -> tuple[str, str]:
    if cell.p_mean is None or cell.p_low is None or cell.p_high is None:
        return "", ""
    return f"{cell.p_mean:.2f}", f"{cell.p_low:.2f} … {cell.p_high:.2f}"


def _lost(cell: StudyCell) -> str:
    return "" if cell.pow_overflow is None else f"{cell.pow_overflow:,} of {cell.pow_terms:,}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _share(value: float) -> str:
    return f"{value:.3f}"
