"""An integral along a path whose total is known, refined where the error is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Boole's rule on five points, exact for polynomials of degree 5.
WEIGHTS: Final = np.array([7, 32, 12, 32, 7]) / 90
FIRST: Final = ((0.0, 0.5), (0.5, 1.0))
LUCK: Final = 4
# A panel this narrow that still has an error holds a jump, which no refinement removes.
NARROWEST: Final = 2.0**-12


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the path: the derivative's parts, any numbers whose integrals are wanted, its sum, and F there."""

    parts: NDArray[np.floating[Any]]
    slope: float
    value: float


@dataclass(frozen=True, slots=True)
class Integral:
    """``parts`` of the integral, the ``change`` F(1) − F(0), how far the integral of the slope is from it (``delta``).

    ``allowed`` is what that error might have been, ``points`` are those that were asked for.
    """

    parts: Floats
    change: float
    delta: float
    allowed: float
    points: int


def integrate_parts(
    at: Callable[[Sequence[float]], Sequence[Point]], tolerance: float, most: int, least: float = 0.0
) -> Integral:
    """Return ∫₀¹ f(α) dα for the parts f of dF/dα, the slope, refined until that integrates to F(1) − F(0).

    The path starts as two panels of Boole's rule. Since F is known at both ends of a panel, so is the panel's
    own completeness error; those that hold most of it are halved, and a halved panel keeps its five points. It
    ends when the panels' errors sum to ``tolerance`` of that change (or ``least``, if that is more) and do not owe it
    to luck: taken without their signs they may sum to four times that. Or it ends when ``most`` points, 9 or more,
    were asked for, or when only jumps of F are left. ``at`` returns the points for several α at
    once.

    A smooth path costs 9 or 17 points; a kink costs 4 more per halving, wherever it is, while equal
    steps over the whole path would have to be halved everywhere.
    """
    points: dict[float, Point] = {}
    panels: dict[tuple[float, float], float] = {}
    todo: list[tuple[float, float]] = list(FIRST)
    while todo:
        missing = [alpha for alpha in dict.fromkeys(a for panel in todo for a in _grid(*panel)) if alpha not in points]
        points.update(zip(missing, at(missing), strict=True))
        for panel in todo:
            panels[panel] = _error(panel, points)
        change = points[1.0].value - points[0.0].value
        allowed = max(tolerance * abs(change), least)
        errors = panels.values()
        if abs(sum(errors)) <= allowed and sum(map(abs, errors)) <= LUCK * allowed:
            break
        todo = []
        for panel in _worst(panels, allowed)[: (most - len(points)) // 4]:
            del panels[panel]
            middle = (panel[0] + panel[1]) / 2
            todo += [(panel[0], middle), (middle, panel[1])]
    # A point between two panels counts for both.
    weights: dict[float, float] = {}
    for panel in panels:
        for alpha, weight in zip(_grid(*panel), (panel[1] - panel[0]) * WEIGHTS, strict=True):
            weights[alpha] = weights.get(alpha, 0.0) + float(weight)
    parts = weighed((points[alpha], weight) for alpha, weight in weights.items())
    return Integral(parts, change, sum(panels.values()), allowed, len(points))


def weighed(points: Iterable[tuple[Point, float]]) -> Floats:
    """Sum the points' parts by weight, in double precision."""
    total: Floats | float = 0.0
    for point, weight in points:
        total = total + np.multiply(point.parts, weight, dtype=np.float64)
    return np.asarray(total)


def _grid(start: float, end: float) -> list[float]:
    """Five points of a panel; halves of halves of 1 are exact, so that equal points are equal keys."""
    return [start + (end - start) * k / 4 for k in range(5)]


def _error(panel: tuple[float, float], points: Mapping[float, Point]) -> float:
    """Return how far the panel's integral of the slope is from the change of F over the panel."""
    start, end = panel
    slopes = [points[alpha].slope for alpha in _grid(start, end)]
    return float((end - start) * (WEIGHTS @ slopes)) - (points[end].value - points[start].value)


def _worst(panels: Mapping[tuple[float, float], float], allowed: float) -> list[tuple[float, float]]:
    """Return the panels to halve, worst first: all but those whose errors together are half of what is allowed."""
    order = sorted((p for p in panels if p[1] - p[0] > NARROWEST), key=lambda p: -abs(panels[p]))
    left = sum(abs(panels[p]) for p in order)
    chosen = []
    for panel in order:
        if left <= allowed / 2:
            break
        chosen.append(panel)
        left -= abs(panels[panel])
    return chosen
