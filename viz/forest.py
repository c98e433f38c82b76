"""Forest plot: how far a pooler is ahead of attention, dataset by dataset, with its certainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.study_records import PairedDifference
from viz import track, wording
from viz.markup import Markup

VERDICTS: Mapping[str, str] = {"ahead": "ahead", "behind": "behind", "open": "open"}


def forest(
    differences: Sequence[PairedDifference],
    sentences: Mapping[str, str],
    tasks: Mapping[str, str],
    encoders: Mapping[str, str] | None = None,
) -> str:
    """HTML: per dataset its sentence, the mean over encoders (diamond), then each encoder (dot).

    Thick lines are the bootstrap intervals over seeds, thin ones Student's, in points of accuracy,
    on one axis with a zero line. ``tasks`` and ``encoders`` name them for people, ``sentences`` are
    by task. Datasets are sorted by their mean difference, the largest first.
    """
    shown = [d for d in differences if d.task in tasks]
    values = [100 * v for d in shown for v in (d.mean, d.low, d.high, d.t_low, d.t_high) if v is not None]
    on = track.axis([0.0, *values], 0.5, points)
    by_task: dict[str, list[PairedDifference]] = {}
    for difference in sorted(shown, key=lambda d: d.encoder is not None):
        by_task.setdefault(difference.task, []).append(difference)
    rows = []
    for task, found in sorted(by_task.items(), key=lambda item: -item[1][0].mean):
        for place, difference in enumerate(found):
            whole = difference.encoder is None
            name = tasks[task] if whole else (encoders or {}).get(str(difference.encoder), str(difference.encoder))
            kind = ("main" if whole else "part") + (" head" if place == 0 else "")
            rows.append(track.row(on, name, _marks(on, difference), _told(difference), kind, zero=0.0))
            if place == 0 and task in sentences:
                rows.append(track.sentence(sentences[task]))
    variant, against = (shown[0].variant, shown[0].against) if shown else ("", "")
    return track.table(on, rows, f"test accuracy of {variant} minus {against}, in points, paired by seed")


def points(value: float) -> str:
    """Points of accuracy with a sign: ``+1.5``."""
    text = f"{abs(value):.1f}"
    if not text.strip("0."):
        return "0"
    return (wording.MINUS if value < 0 else "+") + text


def _marks(on: track.Axis, found: PairedDifference) -> list[Markup]:
    whole = found.encoder is None
    words = _told(found)
    marks = []
    if found.t_low is not None and found.t_high is not None:
        marks.append(track.span(on, 100 * found.t_low, 100 * found.t_high, words))
    if found.low is not None and found.high is not None:
        marks.append(track.span(on, 100 * found.low, 100 * found.high, words, "wide"))
    return [*marks, track.dot(on, 100 * found.mean, words, "mean" if whole else "one")]


def _told(found: PairedDifference) -> str:
    """``+1.2 [0.3, 2.1], ahead``."""
    mean = points(100 * found.mean)
    if found.low is None or found.high is None:
        return f"{mean}, one seed: no interval"
    return f"{mean} [{points(100 * found.low)}, {points(100 * found.high)}] {VERDICTS[found.verdict]}"
