"""The integral along a path: exact where the rules are, refined where F bends, honest where it jumps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from tiny_classifiers import ids_of, tiny

from models.attribution import METHODS
from models.attribution.quadrature import INTEGRALS, NODES, WEIGHTS, Points, integrate_parts, local_rules
from models.attribution.reading import Reading


def path(*functions):
    """Points of parts f_i = dF_i/dα, with F the sum of the (f_i, F_i) given; and the list of α asked for."""
    asked = []

    def between(alphas):
        asked.extend(alphas)
        parts = np.array([[f(a) for f, _ in functions] for a in alphas])
        *values, begin, end = [sum(whole(a) for _, whole in functions) for a in (*alphas, 0.0, 1.0)]
        halves = [slice(0, 3), slice(3, None)] if len(alphas) > 3 else [slice(None)]
        found = Points(parts, parts.sum(1), np.array(values))
        return [Points(found.parts[h], found.slopes[h], found.values[h]) for h in halves], (begin, end)

    return between, asked


def power(k):
    return lambda a: (k + 1) * a**k, lambda a: a ** (k + 1)


DECAY = (lambda a: 5 * np.exp(-5 * a), lambda a: -np.exp(-5 * a))
KINK = 0.3141
BENT = (lambda a: float(a > KINK), lambda a: max(a - KINK, 0.0))


@pytest.mark.parametrize("k", range(12))
def test_the_seven_points_are_exact_for_degree_eleven(k):
    assert float(WEIGHTS @ NODES**k) == pytest.approx(1 / (k + 1), rel=2e-15, abs=0)


def test_the_seven_points_hold_those_of_gauss():
    gauss = (np.polynomial.legendre.leggauss(3)[0] + 1) / 2
    np.testing.assert_allclose(NODES[1::2], gauss, rtol=1e-14)


@pytest.mark.parametrize("k", range(7))
def test_integrals_up_to_a_node_are_exact_for_degree_six(k):
    np.testing.assert_allclose(INTEGRALS @ NODES**k, NODES ** (k + 1) / (k + 1), atol=1e-13)


@pytest.mark.parametrize("k", range(4))
def test_local_rules_integrate_cubics_interval_by_interval(k):
    nodes = np.sort(np.random.default_rng(1).random(9))
    edges = np.array([0.0, *nodes, 1.0])
    np.testing.assert_allclose(local_rules(nodes) @ nodes**k, np.diff(edges ** (k + 1)) / (k + 1), atol=1e-12)


def test_a_smooth_path_is_done_with_seven_points_and_agrees_with_scipy():
    functions = [(lambda a: 2 * np.exp(-2 * a), lambda a: -np.exp(-2 * a)), (np.cos, np.sin)]
    between, asked = path(*functions)
    found = integrate_parts(between, 1e-3, 100)
    np.testing.assert_allclose(found.parts, [quad(f, 0, 1, epsabs=1e-12)[0] for f, _ in functions], rtol=1e-9)
    assert found.points == 7 == len(asked)
    assert abs(found.delta) <= found.allowed == pytest.approx(1e-3 * found.change)


@pytest.mark.parametrize("bend", [1.0, 2.0, 3.0])
def test_refined_parts_are_those_of_scipy_and_no_point_is_asked_for_twice(bend):
    functions = [DECAY, (lambda a: np.cos(19 * a), lambda a: np.sin(19 * a) / 19)]
    between, asked = path(*functions)
    found = integrate_parts(between, 1e-6, 500, bend=bend)
    expected = [quad(f, 0, 1, epsabs=1e-12)[0] for f, _ in functions]
    np.testing.assert_allclose(found.parts, expected, atol=1e-6)
    assert abs(found.delta) <= found.allowed == pytest.approx(1e-6 * abs(sum(expected)), rel=1e-9)
    assert len(asked) == len(set(asked)) == found.points > 7


def test_a_bend_spares_points_where_all_happens_early():
    early = (lambda a: 1 / (2 * np.sqrt(a + 1e-3)), lambda a: np.sqrt(a + 1e-3))
    straight, bent = (integrate_parts(path(early)[0], 0.01, 500, bend=bend) for bend in (1.0, 2.0))
    assert bent.points < straight.points
    assert bent.parts[0] == pytest.approx(straight.parts[0], rel=0.02)


def test_a_kink_is_found_and_only_its_neighbourhood_refined():
    between, asked = path(BENT)
    found = integrate_parts(between, 1e-3, 500)
    assert found.parts[0] == pytest.approx(1 - KINK, rel=1e-3)
    assert 7 < found.points < 40
    late = [a for a in asked[7:] if abs(a - KINK) > 0.26]
    assert len(late) <= 1, "the far side of the path was refined as well"


def test_a_change_of_nothing_has_an_allowance_of_its_own():
    between, _ = path((lambda a: 2 * a, lambda a: a**2), (lambda a: -3 * a**2, lambda a: -(a**3)))
    found = integrate_parts(between, 0.01, 100, least=1e-9)
    assert found.change == pytest.approx(0, abs=1e-15)
    assert found.allowed == 1e-9
    assert abs(found.delta) <= 1e-9


def test_a_sum_of_seven_that_is_right_by_luck_is_not_enough():
    # The slope of a wave of seven and a half turns, mirrored in the middle: any symmetric rule sums it to nothing.
    wave = (lambda a: 60 * np.sin(47 * (a - 0.5)), lambda a: -60 / 47 * np.cos(47 * (a - 0.5)))
    between, _ = path(power(0), wave)
    points, (begin, end) = between(NODES.tolist())
    assert abs(WEIGHTS @ np.concatenate([part.slopes for part in points]) - (end - begin)) < 1e-9
    assert integrate_parts(between, 0.01, 500).points > 7


def test_errors_of_intervals_that_cancel_do_not_count_as_an_answer():
    # F' is odd around the middle but for a slope: both halves have a spike, of opposite signs.
    spike = lambda a, at: 40 / np.cosh(40 * (a - at)) ** 2  # noqa: E731
    whole = lambda a, at: np.tanh(40 * (a - at))  # noqa: E731
    up = (lambda a: spike(a, 0.19), lambda a: whole(a, 0.19))
    down = (lambda a: -spike(a, 0.81), lambda a: -whole(a, 0.81))
    found = integrate_parts(path(power(0), up, down)[0], 0.01, 500)
    assert abs(found.delta) <= 0.01 * abs(found.change)
    np.testing.assert_allclose(found.parts, [1, 2, -2], atol=0.02)


@pytest.mark.parametrize("most", [7, 16, 40])
def test_no_more_points_than_allowed_and_the_error_stays_said(most):
    between, asked = path((lambda a: 150 * np.cos(150 * a), lambda a: np.sin(150 * a)))
    found = integrate_parts(between, 1e-6, most)
    assert len(asked) == found.points == most
    assert found.delta == pytest.approx(float(found.parts.sum()) - found.change, rel=1e-9)
    assert abs(found.delta) > found.allowed


def test_a_jump_ends_the_refinement_and_is_left_over():
    # F jumps by 1 at .4 and has slope 2 everywhere else.
    between, asked = path((lambda a: 2.0, lambda a: 2 * a + (a > 0.4)))
    found = integrate_parts(between, 1e-3, 2000)
    assert found.parts[0] == pytest.approx(2)
    assert found.delta == pytest.approx(-1)
    assert len(asked) < 40


def test_what_is_no_number_is_asked_for_once():
    between, asked = path((lambda a: np.nan, lambda a: np.nan))
    assert np.isnan(integrate_parts(between, 0.01, 500).delta)
    assert len(asked) == 7


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


def test_no_more_points_are_kept_than_there_is_room_for(monkeypatch):
    classifier = tiny("embedding", "max")
    classifier.table.weight.mul_(500.0)
    reading = Reading(classifier, ids_of(classifier))
    method = METHODS["integrated_gradients"](tolerance=0.001, max_steps=2048)
    numbers = reading.lead[1].nbytes
    monkeypatch.setattr("models.attribution.straight_path.BUDGET", 9 * numbers + 1)
    assert method(reading, 1).forwards == 9 + 1
    monkeypatch.undo()
    assert method(reading, 1).forwards > 9 + 1
