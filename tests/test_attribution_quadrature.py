"""The integral along a path: exact where the rule is, refined where F bends, honest where it jumps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from models.attribution.quadrature import Point, integrate_parts


def path(*functions):
    """Points of parts f_i = dF_i/dα, with F the sum of the (f_i, F_i) given; and the list of α asked for."""
    asked = []

    def at(alphas):
        asked.extend(alphas)
        parts = [np.array([f(a) for f, _ in functions]) for a in alphas]
        values = [sum(whole(a) for _, whole in functions) for a in alphas]
        return [Point(part, float(part.sum()), value) for part, value in zip(parts, values, strict=True)]

    return at, asked


def test_polynomials_of_degree_five_are_exact_with_nine_points():
    at, asked = path(*((lambda a, k=k: (k + 1) * a**k, lambda a, k=k: a ** (k + 1)) for k in range(6)))
    found = integrate_parts(at, 1e-12, 100)
    np.testing.assert_allclose(found.parts, np.ones(6), rtol=1e-13)
    assert found.change == pytest.approx(6, rel=1e-13)
    assert found.points == 9 == len(asked) == len(set(asked))
    assert abs(found.delta) < 1e-12


def test_smooth_parts_are_those_of_scipy():
    decay = (lambda a: 5 * np.exp(-5 * a), lambda a: -np.exp(-5 * a))
    functions = [decay, (lambda a: np.cos(9 * a), lambda a: np.sin(9 * a) / 9)]
    at, _ = path(*functions)
    found = integrate_parts(at, 1e-6, 500)
    expected = [quad(f, 0, 1, epsabs=1e-12)[0] for f, _ in functions]
    np.testing.assert_allclose(found.parts, expected, rtol=1e-5)
    assert abs(found.delta) <= found.allowed == pytest.approx(1e-6 * abs(sum(expected)), rel=1e-9)


def test_a_kink_is_found_and_only_its_neighbourhood_refined():
    kink = 0.3141
    at, asked = path((lambda a: float(a > kink), lambda a: max(a - kink, 0.0)))
    found = integrate_parts(at, 1e-3, 500)
    assert found.parts[0] == pytest.approx(1 - kink, rel=1e-3)
    assert found.points < 60
    late = [a for a in asked if abs(a - kink) > 0.26]
    assert len(late) <= 7, "the far side of the path was refined as well"


def test_a_change_of_nothing_has_an_allowance_of_its_own():
    at, _ = path((lambda a: 2 * a, lambda a: a**2), (lambda a: -3 * a**2, lambda a: -(a**3)))
    found = integrate_parts(at, 0.01, 100, least=1e-9)
    assert found.change == pytest.approx(0, abs=1e-15)
    assert found.allowed == 1e-9
    assert abs(found.delta) <= 1e-9


def test_errors_that_cancel_between_panels_do_not_count_as_an_answer():
    # F' is odd around the middle but for a slope: both halves miss a spike each, of opposite signs.
    spike = lambda a, at: 40 / np.cosh(40 * (a - at)) ** 2  # noqa: E731
    whole = lambda a, at: np.tanh(40 * (a - at))  # noqa: E731
    at, _ = path((lambda a: 1 + spike(a, 0.19) - spike(a, 0.81), lambda a: a + whole(a, 0.19) - whole(a, 0.81)))
    found = integrate_parts(at, 0.01, 500)
    assert found.points > 9
    assert abs(found.delta) <= 0.01 * abs(found.change)


def test_no_point_is_asked_for_twice():
    at, asked = path((lambda a: 5 * np.exp(-5 * a), lambda a: -np.exp(-5 * a)))
    found = integrate_parts(at, 1e-6, 500)
    assert len(asked) == len(set(asked)) == found.points > 9


@pytest.mark.parametrize("most", [9, 16, 40])
def test_no_more_points_than_allowed_and_the_error_stays_said(most):
    at, asked = path((lambda a: 50 * np.cos(50 * a), lambda a: np.sin(50 * a)))
    found = integrate_parts(at, 1e-6, most)
    assert most - 4 < len(asked) == found.points <= most
    assert found.delta == pytest.approx(float(found.parts.sum()) - found.change, rel=1e-9)
    assert abs(found.delta) > found.allowed


def test_a_jump_ends_the_refinement_and_is_left_over():
    # F jumps by 1 at .4 and has slope 2 everywhere else.
    at, asked = path((lambda a: 2.0, lambda a: 2 * a + (a > 0.4)))
    found = integrate_parts(at, 1e-3, 2000)
    assert found.parts[0] == pytest.approx(2)
    assert found.delta == pytest.approx(-1)
    assert len(asked) < 70
