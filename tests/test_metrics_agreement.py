"""Agreement metrics against scipy, against counting by hand, and where they are undefined."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from scipy import stats

from models.metrics.agreement import KENDALL, METRICS, SPEARMAN, TOP_K, TOP_K_OVERLAP, comparable, membership

every = pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))


def maps(seed, n, levels=None):
    """Two random maps; ``levels`` rounds them to few values, so that there are ties."""
    rng = random.Random(seed)
    pair = [[rng.gauss(0, 1) for _ in range(n)] for _ in range(2)]
    return pair if levels is None else [[round(v * levels) / levels for v in values] for values in pair]


def tau_b(x, y):
    """Kendall's τ_b by looking at every pair."""
    concordant = discordant = tied_x = tied_y = 0
    for i, j in itertools.combinations(range(len(x)), 2):
        dx, dy = x[i] - x[j], y[i] - y[j]
        concordant += dx * dy > 0
        discordant += dx * dy < 0
        tied_x += dx == 0 and dy != 0
        tied_y += dy == 0 and dx != 0
    moved = concordant + discordant
    return (concordant - discordant) / math.sqrt((moved + tied_x) * (moved + tied_y))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [None, 1])
def test_kendall_counts_pairs_and_takes_scipys_p_value(seed, levels):
    x, y = maps(seed, 15, levels)
    found = KENDALL(x, y)
    assert found.value == pytest.approx(tau_b(x, y), abs=1e-12)
    assert found.p_value == pytest.approx(stats.kendalltau(x, y).pvalue, abs=1e-12)
    assert found.n == 15


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [None, 1])
def test_spearman_is_the_correlation_of_mean_ranks(seed, levels):
    x, y = maps(seed, 15, levels)
    expected = stats.pearsonr(stats.rankdata(x), stats.rankdata(y))
    found = SPEARMAN(x, y)
    assert found.value == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@pytest.mark.parametrize("n", [3, 4, 5, 20, 33, 34, 50, 64, 65, 120])
@pytest.mark.parametrize("levels", [None, 0.7, 2])
@pytest.mark.parametrize("related", [0.0, 0.6])
def test_every_length_gives_scipys_numbers(n, levels, related):
    for seed in range(4):
        x, y = maps(seed, n, levels)
        x = [a + related * b for a, b in zip(x, y, strict=True)]
        if len(set(x)) == 1 or len(set(y)) == 1:
            continue
        for metric, oracle in ((KENDALL, stats.kendalltau), (SPEARMAN, stats.spearmanr)):
            found, expected = metric(x, y), oracle(x, y)
            assert found.value == pytest.approx(expected.statistic, abs=1e-12)
            assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("n", [2, 40, 60])
def test_nearly_perfect_orders_have_exact_p_values_at_any_length(n):
    x = list(range(n))
    for y in (x, x[::-1], [1, 0, *x[2:]]):
        expected = stats.kendalltau(x, y)
        assert KENDALL(x, y).value == pytest.approx(expected.statistic, abs=1e-12)
        assert KENDALL(x, y).p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_exact_p_value_of_a_perfect_order_of_four():
    # Of 4! orders one has τ = 1 and one τ = −1: two-sided p = 2 / 24.
    assert KENDALL([1, 2, 3, 4], [1, 2, 3, 4]).p_value == pytest.approx(2 / 24)


def test_top_k_counts_shared_tokens():
    left, right = [9, 8, 7, 6, 5, 0, 0, 0], [9, 8, 0, 0, 0, 7, 6, 5]
    assert TOP_K == 5
    assert TOP_K_OVERLAP(left, right).value == pytest.approx(2 / 5)


def test_top_k_divides_the_last_places_among_ties():
    # Three tokens tie for the last two of five places: each belongs to two thirds.
    assert membership(_array([9, 8, 7, 1, 1, 1, 0]), 5).tolist() == pytest.approx([1, 1, 1, 2 / 3, 2 / 3, 2 / 3, 0])
    left = [9, 8, 7, 1, 1, 1, 0]
    right = [9, 8, 7, 5, 6, 0, 0]
    assert TOP_K_OVERLAP(left, right).value == pytest.approx((3 + 2 / 3 + 2 / 3) / 5)


def test_top_k_is_bounded_by_the_tokens_there_are():
    # All three of three tokens would always agree; with k = 2 the maps can still differ.
    assert TOP_K_OVERLAP([3, 2, 1], [1, 2, 3]).value == pytest.approx(1 / 2)
    assert TOP_K_OVERLAP([2, 1], [1, 2]).value == 0
    assert TOP_K_OVERLAP([2, 1], [3, 2]).value == 1


@every
@pytest.mark.parametrize("seed", range(4))
def test_order_of_tokens_and_of_maps_and_the_facts(metric, seed):
    x, y = maps(seed, 11, levels=1)
    value = metric(x, y).value
    order = random.Random(seed).sample(range(11), 11)
    assert metric([x[i] for i in order], [y[i] for i in order]).value == pytest.approx(value, abs=1e-12)
    assert metric.symmetric
    assert metric(y, x).value == pytest.approx(value, abs=1e-12)
    assert metric.low <= value <= metric.high
    assert metric.better == "higher"
    assert metric(x, x).value == pytest.approx(metric.high)
    assert metric(x, x).value > value


@every
def test_the_worst_value_is_reached(metric):
    x = list(range(10))
    assert metric(x, x[::-1]).value == pytest.approx(metric.low)


@every
@pytest.mark.parametrize(
    ("left", "right", "word"),
    [
        ([], [], "two tokens or more; this text has 0"),
        ([1.0], [2.0], "two tokens or more; this text has 1"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "flat: every token has the same score"),
        ([1.0, 2.0], [0.0, 0.0], "other: every token has the same score"),
        ([0.0, 0.0], [0.0, 0.0], "flat and other: every token has the same score"),
    ],
)
def test_undefined_is_none_with_a_reason_and_never_zero(metric, left, right, word):
    found = metric(left, right, names=("flat", "other"))
    assert found.value is None
    assert found.p_value is None
    assert word in found.reason
    assert found.n == len(left)


@every
def test_rounding_noise_on_a_constant_map_is_no_ranking(metric):
    assert metric([0.2, 0.2 + 1e-9, 0.2 - 1e-9], [1, 2, 3]).value is None
    assert metric([1e-9, 2e-9, 3e-9], [1, 2, 3]).value == pytest.approx(metric.high)


def test_two_tokens_have_a_correlation_but_no_t_test():
    assert SPEARMAN([1, 2], [3, 4]).value == pytest.approx(1.0)
    assert SPEARMAN([1, 2], [3, 4]).p_value is None


@every
def test_programming_errors_are_refused(metric):
    with pytest.raises(ValueError, match="one length"):
        metric([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="finite"):
        metric([1, 2, math.nan], [1, 2, 3])


def test_signs_are_compared_only_where_both_maps_have_them():
    signed, other, plain = [-3.0, 1.0, 2.0], [-1.0, 0.5, 3.0], [3.0, 1.0, 2.0]
    x, y, basis = comparable(signed, True, other, True)
    assert (x.tolist(), y.tolist(), basis) == (signed, other, "signed")
    x, y, basis = comparable(signed, True, plain, False)
    assert (x.tolist(), y.tolist(), basis) == ([3.0, 1.0, 2.0], plain, "magnitude")
    assert KENDALL(x, y, basis=basis).value == 1.0
    assert KENDALL(x, y, basis=basis).basis == "magnitude"


def _array(values):
    import numpy as np

    return np.asarray(values, dtype=np.float64)
