"""Named normalisations: from the scores of maps to what is coloured, one limit for all panels.

Normalising is a decision of the view. It is made here, for all the maps that are shown together,
and never stored in a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.records import Analysis, Attribution
from viz import palette, wording


@dataclass(frozen=True, slots=True)
class Scale:
    """A named normalisation.

    ``per_method`` says whether methods need limits of their own, ``root`` whether colour follows
    the square root of the value.
    """

    name: str
    title: str
    explanation: str
    per_method: bool
    root: bool = False


SCALES: Mapping[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale(
            "share",
            "share of absolute mass",
            "|s| / Σ|s| of each map, with the sign kept; one limit over all maps shown, so equal "
            "colours mean equal shares.",
            per_method=False,
        ),
        Scale(
            "root",
            "share of absolute mass, square-root colour",
            "|s| / Σ|s| of each map on one limit, but colour follows the square root, so that small "
            "shares can be told apart beside a very large one.",
            per_method=False,
            root=True,
        ),
        Scale(
            "raw",
            "raw value, shared scale",
            "The method's own numbers; one limit per method over all readers shown, because two "
            "methods do not have the same unit.",
            per_method=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Painted:
    """One map made ready for drawing.

    ``values`` (T,) are in the scale's unit, ``steps`` (T,) the colour steps of ``palette``,
    ``shares`` (T,) signed shares of absolute mass, ``limit`` the value of the strongest colour.
    ``note`` stands in for colour when there is none to show.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...]
    steps: tuple[int, ...]
    signed: bool
    limit: float
    note: str | None = None


def shares(scores: Sequence[float]) -> tuple[float, ...]:
    """s_i / Σ|s_j|, sign kept; all zero when every score is zero. Sums to 1 if unsigned."""
    mass = sum(abs(s) for s in scores)
    if mass == 0:
        return tuple(0.0 for _ in scores)
    return tuple(s / mass for s in scores)


def values(attribution: Attribution, scale: str = "share") -> tuple[float, ...]:
    """The numbers that are coloured on ``scale``; empty for an undefined map."""
    if attribution.scores is None:
        return ()
    return tuple(attribution.scores) if SCALES[scale].per_method else shares(attribution.scores)


def limits(analyses: Iterable[Analysis], scale: str = "share") -> dict[str, float]:
    """Largest absolute value per method name, over everything shown.

    On a scale with one unit for all methods every method gets the same limit, the largest of all.
    """
    found: dict[str, float] = {}
    for analysis in analyses:
        for attribution in analysis.attributions:
            top = max(map(abs, values(attribution, scale)), default=0.0)
            found[attribution.method] = max(found.get(attribution.method, 0.0), top)
    if not SCALES[scale].per_method:
        top = max(found.values(), default=0.0)
        return dict.fromkeys(found, top)
    return found


def paint(attribution: Attribution, limit: float, scale: str = "share") -> Painted | None:
    """Values, shares and colour steps of one map, or ``None`` where the map is undefined."""
    if attribution.scores is None:
        return None
    shown = values(attribution, scale)
    note = None
    if not any(shown):
        note = "Every value is exactly 0: this map says nothing about this text, so it has no colour."
    return Painted(
        values=shown,
        shares=shares(attribution.scores),
        steps=tuple(palette.step(v, limit, SCALES[scale].root) for v in shown),
        signed=attribution.signed,
        limit=limit,
        note=note,
    )


def hint(limit: float, scale: str) -> str | None:
    """Where half the colour is reached, for scales on which that is not half the limit."""
    return f"half the colour at {wording.percent(limit / 4)}" if SCALES[scale].root and limit else None


def ends(limit: float, signed: bool, scale: str = "share") -> tuple[str, str]:
    """The words at the two ends of a legend: ``("0", "32 %")`` or ``("−32 %", "+32 %")``."""
    word = wording.number if SCALES[scale].per_method else wording.percent
    high = word(limit)
    return (f"{wording.MINUS}{high}", f"+{high}") if signed and limit else ("0", high)


def ranks(scores: Sequence[float]) -> tuple[int, ...]:
    """1 for the largest absolute score; equal scores share the better rank."""
    ordered = sorted((abs(s) for s in scores), reverse=True)
    first: dict[float, int] = {}
    for place, size in enumerate(ordered, start=1):
        first.setdefault(size, place)
    return tuple(first[abs(s)] for s in scores)
