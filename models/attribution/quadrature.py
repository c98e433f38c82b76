"""An integral along a path whose total is known: seven points, and more where these do not suffice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Kronrod's extension of the three Gauss points: exact for polynomials of degree 11. Nodes and weights of [−1, 1].
_NODES: Final = (0.9604912687080202, 0.7745966692414834, 0.4342437493468026)
_WEIGHTS: Final = (0.1046562260264673, 0.2684880898683334, 0.4013974147759622)
_MIDDLE: Final = 0.4509165386584741
NODES: Final = (1 + np.array([*(-n for n in _NODES), 0.0, *reversed(_NODES)])) / 2
WEIGHTS: Final = np.array([*_WEIGHTS, _MIDDLE, *reversed(_WEIGHTS)]) / 2
# Later, each interval is integrated by the cubic through the nearest points.
NEAREST: Final = 4
# How many times what is allowed errors on the way may be, those of the first rule and those of the intervals.
LUCK: Final = 4
SPREAD: Final = 2
# An interval this narrow that still has an error holds a jump, which no refinement removes.
NARROWEST: Final = 2.0**-12


@dataclass(frozen=True, slots=True)
class Points:
    """N points of the path: parts (N, P) of which integrals are wanted, the slopes dF/dα (N,), F (N,)."""

    parts: NDArray[np.floating[Any]]
    slopes: Floats
    values: Floats


# The points of several α in (0, 1), in as many parts as they were computed in, and F at both ends.
Between = Callable[[Sequence[float]], tuple[Sequence[Points], tuple[float, float]]]


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
    between: Between, tolerance: float, most: int, least: float = 0.0, bend: float = 1.0
) -> Integral:
    """Return ∫₀¹ f(α) dα for parts f of the path, where the integral of the slope dF/dα is known: F(1) − F(0).

    *When it ends.* The slope must integrate to the change of F within ``tolerance`` of it (or ``least``, if that is
    more). That alone may be luck, errors of either sign cancel in one sum. But F is known at every point asked
    for, being computed on the way to its derivative, so every way between points has a change to arrive at too.
    Errors of several parts that cancel at every point are not seen: no more is known of the parts than their sum.

    *Seven points* come first, by the rule of Gauss and Kronrod, exact to degree 11. They are enough if also the
    polynomial through the seven slopes arrives at F at each of them, within four times what is allowed at the end.

    *More points* go where the error is: each interval between neighbours is integrated by the cubic through the
    four nearest slopes and has an error of its own. The intervals that hold most of it are halved until the errors
    sum to what is allowed, and the root of their sum of squares to twice that: a path of many small kinks errs by
    either sign at random, and that is how such errors add up. No point is lost or asked for twice, and a kink
    costs a point per halving, wherever it is. Or it ends when ``most`` points, 7 or more, were asked for, or
    when only jumps of F are left.

    *Bend.* With ``bend`` b the integral runs over u, α = uᵇ, and so the points crowd at the beginning if b > 1:
    ∫ f(α) dα = ∫ f(uᵇ) b uᵇ⁻¹ du.
    """
    path = _Path(between, bend)
    path.ask(NODES)
    change = path.end - path.begin
    allowed = max(tolerance * abs(change), least)
    delta = float(WEIGHTS @ path.slopes) - change
    way = INTEGRALS @ path.slopes - (path.values - path.begin)
    if abs(delta) <= allowed and float(np.abs(way).max()) <= LUCK * allowed:
        return Integral(path.weighed(WEIGHTS), change, delta, allowed, len(NODES))
    while True:
        rules = local_rules(path.nodes)
        errors = rules @ path.slopes - np.diff([path.begin, *path.values, path.end])
        delta = float(errors.sum())
        if abs(delta) <= allowed and np.linalg.norm(errors) <= SPREAD * allowed:
            break
        edges = np.array([0.0, *path.nodes, 1.0])
        worst = _worst(np.abs(errors), np.diff(edges), allowed)[: most - len(path.nodes)]
        # None is left to halve where F jumps, or is no number.
        if not len(worst):
            break
        path.ask(np.sort(edges[worst] + edges[worst + 1]) / 2)
    return Integral(path.weighed(rules.sum(0)), change, delta, allowed, len(path.nodes))


def local_rules(nodes: Floats) -> Floats:
    """Return weights (N + 1, N) that integrate the intervals between 0, N sorted nodes, and 1.

    Each by the cubic through the four nodes around it; at the ends, the four outermost.
    """
    edges = np.array([0.0, *nodes, 1.0])
    width, middle = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    first = np.clip(np.searchsorted(nodes, middle) - NEAREST // 2, 0, len(nodes) - NEAREST)
    near = first[:, None] + np.arange(NEAREST)
    # In units of the interval, from its middle, where the powers 0 … 3 integrate to 1, 0, 1/12, 0.
    powers = ((nodes[near] - middle[:, None]) / width[:, None])[:, None] ** np.arange(NEAREST)[:, None]
    moments = np.array([1, 0, 1 / 12, 0])[:, None]
    rules = np.zeros((len(width), len(nodes)))
    np.put_along_axis(rules, near, np.linalg.solve(powers, moments)[..., 0] * width[:, None], axis=1)
    return rules


class _Path:
    """All points asked for so far, in the order of u, their slopes as those of u."""

    def __init__(self, between: Between, bend: float) -> None:
        self._between, self._bend = between, bend
        self._found: list[Points] = []
        self._order = np.empty(0, dtype=np.intp)
        self.nodes = self.slopes = self.values = np.empty(0)
        self.begin = self.end = 0.0

    def ask(self, nodes: Floats) -> None:
        """Ask for the points of further nodes u."""
        found, (self.begin, self.end) = self._between((nodes**self._bend).tolist())
        speeds = np.split(self._speed(nodes), np.cumsum([len(points.slopes) for points in found])[:-1])
        self._found += [
            replace(points, slopes=points.slopes * speed) for points, speed in zip(found, speeds, strict=True)
        ]
        known = np.concatenate([self.nodes, nodes])
        # The place in the order of asking that each node has.
        asked = np.concatenate([self._order, len(self._order) + np.arange(len(nodes))])
        order = np.argsort(known)
        self.nodes, self._order = known[order], asked[order]
        self.slopes = np.concatenate([points.slopes for points in self._found])[self._order]
        self.values = np.concatenate([points.values for points in self._found])[self._order]

    def weighed(self, weights: Floats) -> Floats:
        """Sum the points' parts by weights of the nodes, in double precision."""
        asked = np.empty(len(weights))
        asked[self._order] = weights * self._speed(self.nodes)
        total: Floats | float = 0.0
        for points in self._found:
            mine, asked = asked[: len(points.slopes)], asked[len(points.slopes) :]
            total = total + mine @ points.parts.astype(np.float64)
        return np.asarray(total)

    def _speed(self, nodes: Floats) -> Floats:
        """Return dα/du."""
        speed: Floats = self._bend * nodes ** (self._bend - 1)
        return speed


def _worst(errors: Floats, widths: Floats, allowed: float) -> NDArray[np.intp]:
    """Return the intervals to halve, worst first: all but those whose errors together are what is allowed.

    Where they all are no more than that by their squares, but may by their sum, half of their size has to go.
    """
    order = np.argsort(-errors)
    order = order[widths[order] > NARROWEST]
    if errors[order].sum() <= allowed:
        return order[:0]
    # The root of the sum of squares of an interval's error and of all smaller ones.
    left = np.sqrt((errors[order] ** 2)[::-1].cumsum()[::-1])
    worst: NDArray[np.intp] = order[left > min(allowed, left[0] / 2)]
    return worst


def _integrals() -> Floats:
    """Return the matrix (7, 7) that makes integrals from 0 to each node out of values at the nodes."""
    rows = [Polynomial.fit(NODES, unit, len(NODES) - 1, domain=[0, 1]).integ() for unit in np.eye(len(NODES))]
    return np.array([[whole(node) - whole(0.0) for whole in rows] for node in NODES])


INTEGRALS: Final = _integrals()
