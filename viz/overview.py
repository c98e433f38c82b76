"""How well all classifiers read, at a glance: a row of dots per task, against the best bag of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from viz import track, wording
from viz.markup import Markup


@dataclass(frozen=True, slots=True)
class Scored:
    """One classifier (or the mean over its seeds) and its accuracy on the official test set."""

    name: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class Group:
    """The classifiers of one row, and the best baseline of their task: name and accuracy."""

    name: str
    scores: tuple[Scored, ...]
    baseline: tuple[str, float] | None = None


def overview(groups: Sequence[Group]) -> str:
    """A row per group: a dot per classifier, hollow where it stays below the best baseline.

    The upright bar is the baseline; the words name the best classifier and count those below.
    """
    shown = [group for group in groups if group.scores]
    values = [s.accuracy for group in shown for s in group.scores]
    values += [group.baseline[1] for group in shown if group.baseline]
    on = track.axis(values, 0.05, lambda value: f"{value:.2f}", top=max(values))
    rows = [_row(on, group) for group in shown]
    return track.table(on, rows, "accuracy on the official test set")


def _row(on: track.Axis, group: Group) -> Markup:
    best = max(group.scores, key=lambda s: s.accuracy)
    low = group.baseline[1] if group.baseline else -1.0
    marks = [
        track.dot(on, s.accuracy, f"{s.name}: {s.accuracy:.3f}", _kind(s, best, low))
        for s in sorted(group.scores, key=lambda s: s.accuracy)
    ]
    told = f"{best.accuracy:.3f} {best.name}"
    if group.baseline:
        marks.insert(0, track.mark(on, low, f"best bag of words, {group.baseline[0]}: {low:.3f}"))
        below = sum(s.accuracy < low for s in group.scores)
        told += f" · {below} of {len(group.scores)} below {group.baseline[0]} ({low:.3f})" if below else ""
    return track.row(on, group.name, marks, told)


def _kind(scored: Scored, best: Scored, low: float) -> str:
    if scored.accuracy < low:
        return "below"
    return "best" if scored is best else ""


def verdict(accuracy: float, baseline: tuple[str, float] | None) -> str | None:
    """How an accuracy stands to the best baseline of its task, in words; ``None`` without one."""
    if baseline is None:
        return None
    name, low = baseline
    points = 100 * (accuracy - low)
    if round(points, 1) == 0:
        return f"level with {name} ({low:.3f})"
    amount = f"{abs(points):.1f} points"
    return f"{amount} above {name} ({low:.3f})" if points > 0 else f"BELOW {name} ({low:.3f}) by {amount}"


def spread(mean: float, sd: float | None) -> str:
    """``0.831 ± 0.004``, without the deviation where one seed has none."""
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}{wording.THIN}sd"
