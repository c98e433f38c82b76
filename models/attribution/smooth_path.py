"""An integral along a smooth path, by seven points and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from models.attribution.quadrature import LUCK, Integral, Point, weighed

# Kronrod's extension of the three Gauss points: exact for polynomials of degree 11. Nodes and weights of [−1, 1].
_NODES = (0.9604912687080202, 0.7745966692414834, 0.4342437493468026)
_WEIGHTS = (0.1046562260264673, 0.2684880898683334, 0.4013974147759622)
_MIDDLE = 0.4509165386584741
NODES: Final = ((1 + np.array([*(-n for n in _NODES), 0.0, *reversed(_NODES)])) / 2).tolist()
WEIGHTS: Final = np.array([*_WEIGHTS, _MIDDLE, *reversed(_WEIGHTS)]) / 2

# Points for several α in (0, 1), and F at both ends.
Between = Callable[[Sequence[float]], tuple[Sequence[Point], tuple[float, float]]]


def integrate_smooth(between: Between, tolerance: float, least: float = 0.0) -> Integral | None:
    """Return ∫₀¹ f(α) dα for the parts f of the slope dF/dα by one rule of seven points, ``None`` if they are too few.

    *Enough* is more than a small completeness error, which luck can bring about: errors of either sign cancel in one
    sum. F is known at the seven points as well, for it is computed on the way to its derivative. So the polynomial
    through the seven slopes is integrated up to each of them, and every one of these integrals must have arrived at
    F as well, within four times what is allowed at the end (a polynomial of degree 6 on the way, the rule of degree
    11 at the end). That asks for completeness of seven shorter paths and costs nothing. Paths that bend more sharply
    than that are for :func:`~models.attribution.quadrature.integrate_parts`.
    """
    points, (begin, end) = between(NODES)
    change = end - begin
    allowed = max(tolerance * abs(change), least)
    slopes = np.array([point.slope for point in points])
    delta = float(WEIGHTS @ slopes) - change
    way = _arrived(slopes) - (np.array([point.value for point in points]) - begin)
    if not (abs(delta) <= allowed and float(np.abs(way).max()) <= LUCK * allowed):
        return None
    return Integral(weighed(zip(points, WEIGHTS.tolist(), strict=True)), change, delta, allowed, len(points))


def _arrived(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the integrals from 0 to each node of the polynomial through the slopes."""
    found: NDArray[np.float64] = INTEGRALS @ slopes
    return found


def _integrals() -> NDArray[np.float64]:
    """Return the matrix (7, 7) that makes integrals from 0 to each node out of values at the nodes."""
    rows = [Polynomial.fit(NODES, unit, len(NODES) - 1, domain=[0, 1]).integ() for unit in np.eye(len(NODES))]
    return np.array([[whole(node) - whole(0.0) for whole in rows] for node in NODES])


INTEGRALS: Final = _integrals()
