"""The study's cells as tables: results, the ablation of APLN, what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from models.study_records import StudyCell, StudyRun
from viz import palette, wording
from viz.grid import Cell, grid
from viz.norm_grid import NormCell

LIMITS: Mapping[str, str] = {
    "relu_clip": "ReLU, clipped",
    "sigmoid": "sigmoid",
    "minmax_token": "min–max over tokens",
    "minmax_matrix": "min–max over the matrix",
}


def results(cells: Sequence[StudyCell], tasks: Mapping[str, str], encoders: Mapping[str, str]) -> str:
    """HTML: datasets and encoders down, variants across, mean ± sd accuracy in each; the best of a row underlined."""
    main = [cell for cell in cells if cell.key.group == "main"]
    columns = list(dict.fromkeys(cell.key.variant for cell in main))
    at = {(cell.key.task, cell.key.encoder, cell.key.variant): cell for cell in main}
    rows = []
    for task, encoder in dict.fromkeys((cell.key.task, cell.key.encoder) for cell in main):
        found = [at.get((task, encoder, column)) for column in columns]
        scores = [cell.accuracy for cell in found if cell and cell.accuracy is not None]
        name = f"{tasks.get(task, task)} · {encoders.get(encoder, encoder)}"
        rows.append((name, [_result(cell, scores) for cell in found]))
    caption = "test accuracy, mean ± sd over seeds; colour: from worst to best of a row"
    return grid("dataset · encoder", columns, rows, caption)


def _result(cell: StudyCell | None, scores: Sequence[float]) -> Cell | None:
    """One cell: the colour spans the row, since datasets differ far more than poolers do."""
    if cell is None:
        return None
    lost, runs = len(cell.failed_seeds), len(cell.failed_seeds) + len(cell.seeds)
    failed = f"{lost} of {runs} failed" if lost else ""
    if cell.accuracy is None:
        return Cell("failed", failed, title=f"{cell.key.variant}: every run failed")
    low, high = min(scores), max(scores)
    step = palette.step(cell.accuracy - low, high - low) if high > low else 0
    note = failed or ("one seed" if cell.accuracy_sd is None else f"± {cell.accuracy_sd:.3f}")
    seeds = f"{wording.count(len(cell.seeds), 'seed')}; the commonest class alone has {cell.majority:.3f}"
    return Cell(f"{cell.accuracy:.3f}", note, step, title=f"{cell.key.variant}, {seeds}", best=cell.accuracy == high)


def ablation(cells: Sequence[StudyCell], runs: Sequence[StudyRun], task: str) -> str:
    """HTML: scale limits down, form of the power × p across, mean ± sd accuracy of one dataset."""
    facts = {run.variant: (run.limit, run.form, run.per_dimension) for run in runs if run.group == "ablation"}
    at = {facts[cell.key.variant]: cell for cell in cells
          if cell.key.group == "ablation" and cell.key.task == task and cell.key.variant in facts}  # fmt: skip
    columns = [(form, each) for form in ("log", "pow") for each in (False, True)]
    names = [f"{form} form, {'p per dimension' if each else 'one p'}" for form, each in columns]
    limits = [limit for limit in LIMITS if any(key[0] == limit for key in at)]
    scores = [cell.accuracy for cell in at.values() if cell.accuracy is not None]
    rows = [(LIMITS[limit], [_result(at.get((limit, *column)), scores) for column in columns]) for limit in limits]
    caption = "test accuracy, mean ± sd over seeds; colour: from worst to best of the table"
    return grid("scale limit", names, rows, caption)


def ablation_tasks(cells: Sequence[StudyCell]) -> list[str]:
    """The datasets of the ablation."""
    return list(dict.fromkeys(cell.key.task for cell in cells if cell.key.group == "ablation"))


def cost_rows(cells: Sequence[StudyCell]) -> list[dict[str, object]]:
    """Per variant, over all cells: seconds per epoch, times those of attention, what powers lost."""
    rows: list[dict[str, object]] = []
    for variant in dict.fromkeys(cell.key.variant for cell in cells):
        found = [cell for cell in cells if cell.key.variant == variant]
        seconds = [cell.seconds_per_epoch for cell in found if cell.seconds_per_epoch is not None]
        ratios = [cell.time_ratio for cell in found if cell.time_ratio is not None]
        own = [cell.overflow for cell in found if cell.overflow is not None]
        terms = sum(cell.pow_terms or 0 for cell in found)
        pow_form = sum(cell.pow_overflow or 0 for cell in found)
        rows.append({
            "pooler": variant,
            "seconds per epoch": f"{fmean(seconds):.1f}" if seconds else None,
            "times attention": f"{math.exp(fmean(map(math.log, ratios))):.2f}×" if ratios else None,
            "lost values": f"{sum(own):,}" if own else "no power",
            "lost powers in the pow form": f"{pow_form:,} of {terms:,} ({wording.percent(pow_form / terms)})"
            if terms else None,
            "failed runs": f"{sum(len(cell.failed_seeds) for cell in found):,}",
        })  # fmt: skip
    return rows


def study_norms(cells: Sequence[StudyCell], tasks: Mapping[str, str], encoders: Mapping[str, str]) -> list[NormCell]:
    """The learned p of the study's main cells."""
    return [
        NormCell(
            f"{tasks.get(cell.key.task, cell.key.task)} · {encoders.get(cell.key.encoder, cell.key.encoder)}",
            cell.key.variant, cell.p_mean, cell.p_mean if cell.p_low is None else cell.p_low,
            cell.p_mean if cell.p_high is None else cell.p_high, runs=len(cell.seeds),
        )
        for cell in cells if cell.key.group == "main" and cell.p_mean is not None
    ]  # fmt: skip
