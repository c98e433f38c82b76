"""The agreements of Krishna et al. at k, against counting by hand, over all ways to break ties, and at their ends."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy import stats

from models.metrics.ranks import mean_ranks
from models.metrics.top_k import TOP_K_METRICS, positions

each = pytest.mark.parametrize("metric", TOP_K_METRICS.values(), ids=list(TOP_K_METRICS))


def drawn(seed, n, levels=None):
    rng = random.Random(seed)
    pair = [[rng.gauss(0, 1) for _ in range(n)] for _ in range(2)]
    return pair if levels is None else [[round(v * levels) / levels for v in values] for values in pair]


def sign(value):
    return (value > 0) - (value < 0)


def counted(x, y, k):
    """The four numbers as the paper defines them, for maps without ties."""
    tops = [sorted(range(len(v)), key=lambda i: -abs(v[i]))[:k] for v in (x, y)]
    both = set(tops[0]) & set(tops[1])
    places = [i for i, j in zip(*tops, strict=True) if i == j]
    return {
        "feature_agreement": len(both) / k,
        "rank_agreement": len(places) / k,
        "sign_agreement": sum(sign(x[i]) == sign(y[i]) for i in both) / k,
        "signed_rank_agreement": sum(sign(x[i]) == sign(y[i]) for i in places) / k,
    }


@each
@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_without_ties_they_are_the_counts_of_the_paper(metric, n):
    seen = set()
    for seed in range(30):
        x, y = drawn(seed, n)
        for k in range(1, n):
            value = metric(x, y, k).value
            assert value == pytest.approx(counted(x, y, k)[metric.name], abs=1e-12)
            seen.add(value)
    assert len(seen) > 1


def every_order(scores, k):
    """All first k places that some way to break ties gives, each as often as ways lead to it."""
    size = [abs(v) for v in scores]
    orders = [o for o in itertools.permutations(range(len(scores)))
              if all(size[a] >= size[b] for a, b in itertools.pairwise(o))]  # fmt: skip
    held = np.zeros((len(scores), k))
    for order in orders:
        for place, word in enumerate(order[:k]):
            held[word, place] += 1 / len(orders)
    return held


@pytest.mark.parametrize("seed", range(6))
def test_tied_words_hold_a_place_as_often_as_ties_broken_at_random_give_it_them(seed):
    x, _ = drawn(seed, 6, levels=1)
    for k in range(1, 6):
        np.testing.assert_allclose(positions(np.array(x), k), every_order(x, k), atol=1e-12)
        assert positions(np.array(x), k).sum() == pytest.approx(k)


@each
@pytest.mark.parametrize("seed", range(6))
def test_with_ties_they_share_the_smaller_part_of_every_place(metric, seed):
    x, y = drawn(seed, 6, levels=1)
    assert len({abs(v) for v in x}) < 6
    same = np.array([sign(a) == sign(b) for a, b in zip(x, y, strict=True)])
    for k in range(1, 6):
        p, q = every_order(x, k), every_order(y, k)
        if "rank" not in metric.name:
            p, q = p.sum(1, keepdims=True), q.sum(1, keepdims=True)
        shared = np.minimum(p, q).sum(1)
        expected = (shared[same] if metric.signs else shared).sum() / k
        assert metric(x, y, k).value == pytest.approx(expected, abs=1e-12)


@each
def test_facts_hold(metric):
    for seed in range(20):
        for levels in (None, 1):
            x, y = drawn(seed, 9, levels)
            for k in (1, 4, 8):
                value = metric(x, y, k).value
                assert metric.low <= value <= metric.high
                assert (value == pytest.approx(metric(y, x, k).value)) == metric.symmetric
                assert metric(x, x, k).value == pytest.approx(metric.high)
    assert metric.better == "higher"
    # Two maps that share nothing of their top.
    assert metric([9, 8, 0.1, 0.2], [0.1, 0.2, 8, 9], 2).value == metric.low


@pytest.mark.parametrize("levels", [None, 1])
def test_what_asks_for_more_is_never_more(levels):
    for seed in range(30):
        x, y = drawn(seed, 8, levels)
        for k in range(1, 8):
            found = {name: metric(x, y, k).value for name, metric in TOP_K_METRICS.items()}
            assert found["feature_agreement"] >= found["rank_agreement"] - 1e-12
            assert found["feature_agreement"] >= found["sign_agreement"] - 1e-12
            assert min(found["rank_agreement"], found["sign_agreement"]) >= found["signed_rank_agreement"] - 1e-12


def test_chance_is_what_unrelated_maps_reach_on_average():
    n, k, rounds = 10, 4, 4000
    rng = np.random.default_rng(3)
    expected = {"k / n": k / n, "1 / n": 1 / n, "k / 2n": k / 2 / n, "1 / 2n": 1 / 2 / n}
    for metric in TOP_K_METRICS.values():
        values = [metric.compute(rng.normal(size=n), rng.normal(size=n), k) for _ in range(rounds)]
        assert np.mean(values) == pytest.approx(expected[metric.chance], abs=4 * np.std(values) / rounds**0.5)


def test_opposite_signs_share_words_and_ranks_and_no_sign():
    x = [3.0, -2.0, 1.0, 0.5]
    found = {name: metric(x, [-v for v in x], 3).value for name, metric in TOP_K_METRICS.items()}
    assert found == {
        "feature_agreement": 1, "rank_agreement": 1, "sign_agreement": 0, "signed_rank_agreement": 0,
    }  # fmt: skip


@each
def test_k_is_bounded_by_the_words_there_are(metric):
    x, y = [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]
    assert metric(x, y, 99).value == metric(x, y, 2).value
    assert metric(x, y, 99).value < 1


@each
def test_undefined_has_a_reason_and_is_never_0(metric):
    names = ("one", "two")
    flat = metric([1, 1, 1], [1, 2, 3], 2, names=names)
    assert flat.value is None
    assert flat.reason.startswith("one: every token has the same score")
    # The same size with either sign orders nothing by size.
    assert metric([1, -1, 1], [1, 2, 3], 2).value is None
    assert "this text has 1" in metric([1], [2], 1).reason
    unsigned = metric([1, 2, 3], [3, -1, 2], 2, names=names, signed=(False, True))
    assert (unsigned.value is None) == metric.signs
    if metric.signs:
        assert unsigned.reason == "one: strength only, without a sign that could agree."
    neither = metric([1, 2, 3], [3, 1, 2], 2, names=names, signed=(False, False))
    assert (neither.reason or "").startswith("one and two") == metric.signs
    for bad in (([1, 2], [1, 2, 3], 1), ([1, float("nan")], [1, 2], 1), ([1, 2], [2, 1], 0)):
        with pytest.raises(ValueError, match=metric.name):
            metric(*bad)


@pytest.mark.parametrize("levels", [None, 1])
def test_mean_ranks_are_scipys(levels):
    for seed in range(10):
        x, _ = drawn(seed, 15, levels)
        assert mean_ranks(np.array(x)).tolist() == stats.rankdata(x).tolist()
