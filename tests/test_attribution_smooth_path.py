"""Seven points for a smooth path: exact where the rule is, refused where only luck would make them enough."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from tiny_classifiers import ids_of, tiny

from models.attribution import METHODS
from models.attribution.quadrature import Point
from models.attribution.reading import Reading
from models.attribution.smooth_path import INTEGRALS, NODES, WEIGHTS, integrate_smooth


def line(*functions):
    """What F and its parts f_i = dF_i/dα are between the ends, F the sum of the (f_i, F_i) given."""

    def between(alphas):
        parts = [np.array([f(a) for f, _ in functions]) for a in alphas]
        values = [sum(whole(a) for _, whole in functions) for a in (*alphas, 0.0, 1.0)]
        points = [Point(part, float(part.sum()), value) for part, value in zip(parts, values[:-2], strict=True)]
        return points, (values[-2], values[-1])

    return between


def power(k):
    return lambda a: (k + 1) * a**k, lambda a: a ** (k + 1)


@pytest.mark.parametrize("k", range(12))
def test_polynomials_of_degree_eleven_are_exact(k):
    assert float(WEIGHTS @ np.array(NODES) ** k) == pytest.approx(1 / (k + 1), rel=1e-13)


def test_the_nodes_hold_those_of_gauss():
    gauss = (np.polynomial.legendre.leggauss(3)[0] + 1) / 2
    np.testing.assert_allclose(NODES[1::2], gauss, rtol=1e-14)


@pytest.mark.parametrize("k", range(7))
def test_integrals_up_to_a_node_are_exact_for_degree_six(k):
    np.testing.assert_allclose(INTEGRALS @ np.array(NODES) ** k, np.array(NODES) ** (k + 1) / (k + 1), atol=1e-13)


def test_smooth_parts_are_those_of_scipy():
    functions = [(lambda a: 2 * np.exp(-2 * a), lambda a: -np.exp(-2 * a)), (np.cos, np.sin)]
    found = integrate_smooth(line(*functions), 1e-3)
    np.testing.assert_allclose(found.parts, [quad(f, 0, 1, epsabs=1e-12)[0] for f, _ in functions], rtol=1e-9)
    assert found.points == 7
    assert abs(found.delta) <= found.allowed == pytest.approx(1e-3 * found.change)


def test_a_kink_is_too_much():
    assert integrate_smooth(line((lambda a: float(a > 0.3), lambda a: max(a - 0.3, 0.0))), 0.01) is None


def test_a_sum_that_is_right_by_luck_is_refused():
    # The slope of a wave of seven and a half turns, mirrored in the middle: any symmetric rule sums it to nothing.
    wave = (lambda a: 60 * np.sin(47 * (a - 0.5)), lambda a: -60 / 47 * np.cos(47 * (a - 0.5)))
    between = line(power(0), wave)
    points, (begin, end) = between(NODES)
    assert abs(sum(w * p.slope for w, p in zip(WEIGHTS, points, strict=True)) - (end - begin)) < 1e-9
    assert integrate_smooth(between, 0.01) is None


def test_a_change_of_nothing_has_an_allowance_of_its_own():
    between = line((lambda a: 2 * a, lambda a: a**2), (lambda a: -3 * a**2, lambda a: -(a**3)))
    assert integrate_smooth(between, 0.01, least=1e-9).allowed == 1e-9
    assert integrate_smooth(line((lambda a: np.nan, lambda a: np.nan)), 0.01) is None


def test_a_smooth_reader_is_asked_for_seven_gradients_and_the_empty_text(monkeypatch):
    classifier = tiny("embedding", "attention", double=True)
    rows = []
    kind, follow = type(classifier.encoder), type(classifier.encoder).follow
    monkeypatch.setattr(kind, "follow", lambda self, x, m: rows.append(len(x)) or follow(self, x, m))
    reading = Reading(classifier, ids_of(classifier))
    rows.clear()
    scores = METHODS["integrated_gradients"]()(reading, 1)
    assert rows == [8]
    assert scores.forwards == 8
    assert scores.relative_delta < 0.01
    fine = METHODS["integrated_gradients"](tolerance=0.001, max_steps=2048)(reading, 1)
    np.testing.assert_allclose(scores.values, fine.values, atol=0.01 * np.abs(fine.values).sum())


def test_where_seven_are_too_few_the_path_is_refined_within_the_steps_allowed():
    classifier = tiny("embedding", "max")
    classifier.table.weight.mul_(500.0)
    scores = METHODS["integrated_gradients"](max_steps=16)(Reading(classifier, ids_of(classifier)), 1)
    assert scores.forwards == METHODS["integrated_gradients"](max_steps=16).most_forwards(20) == 17
