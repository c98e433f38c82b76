"""Mean ranks over datasets with the critical difference: who is better usually, and who cannot be told apart."""

from __future__ import annotations

from models.study_records import StudyRanking
from viz import track, wording
from viz.forest import points


def rank_plot(ranking: StudyRanking) -> str:
    """HTML: a row per variant at its mean rank (1 is best), then a line under each group that is not told apart."""
    count = len(ranking.variants)
    on = track.Axis(1.0, float(max(count, 2)), tuple(float(n) for n in range(1, max(count, 2) + 1)), lambda v: f"{v:g}")
    order = sorted(zip(ranking.ranks, ranking.variants, strict=True))
    best = order[0][1]
    gains = dict(zip(ranking.variants, ranking.gains, strict=True)) if ranking.gains else {}
    rows = [
        track.row(on, name, [track.dot(on, rank, f"{name}: mean rank {rank:.2f}", "best" if name == best else "one")],
                  _told(rank, gains.get(name), name, ranking.against), "main" if name == best else "")
        for rank, name in order
    ]  # fmt: skip
    at = {name: rank for rank, name in order}
    for place, clique in enumerate(ranking.cliques):
        ends = [at[name] for name in clique]
        words = f"not told apart: {', '.join(sorted(clique, key=lambda name: at[name]))}"
        line = track.span(on, min(ends), max(ends), words, "wide")
        rows.append(track.row(on, "not told apart" if place == 0 else "", [line], wording.count(len(clique), "pooler")))
    if ranking.critical_difference is not None:
        end = min(1 + ranking.critical_difference, on.high)
        words = f"critical difference {ranking.critical_difference:.2f}"
        rows.append(track.row(on, "critical difference", [track.span(on, 1.0, end, words)],
                              f"{ranking.critical_difference:.2f}"))  # fmt: skip
    over = wording.count(len(ranking.tasks), "dataset")
    return track.table(on, rows, f"mean rank by test accuracy over {over}; 1 is best")


def rank_words(ranking: StudyRanking) -> str:
    """What the tests say, in a sentence or two."""
    if ranking.friedman_p is None or ranking.critical_difference is None:
        return "Fewer than three datasets are complete, so nothing can be tested yet."
    said = f"Friedman's test finds {'differences' if ranking.friedman_p < ranking.level else 'no difference'} between "
    said += f"the poolers (p {wording.p_value(ranking.friedman_p)})"
    clear = [f"{test.left} (p {wording.p_value(test.p_holm)})" for test in ranking.tests if test.p_holm < ranking.level]
    told = f"tells {', '.join(clear)}" if clear else "tells no pooler"
    return f"{said}; Wilcoxon's, after Holm's correction, {told} apart from {ranking.against}."


def _told(rank: float, gain: float | None, name: str, against: str) -> str:
    """``2.31, +0.8 points on attention``."""
    beside = f", {points(100 * gain)} points on {against}" if gain is not None and name != against else ""
    return f"{rank:.2f}{beside}"
