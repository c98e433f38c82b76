"""Agreements of all pairs at once: against one pair at a time, against scipy, and where something is missing."""

from __future__ import annotations

import math
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from models import agreements as all_pairs
from models.agreements import agreements, compared
from models.metrics import pairs
from models.metrics.agreement import KENDALL, METRICS, AgreementMetric
from models.metrics.pairs import Maps
from models.records import Attribution, Token

LENGTHS = (2, 3, 4, 7, 33, 34, 64, 65, 150)


def attribution(name, scores, signed=True):
    scores = None if scores is None else tuple(map(float, scores))
    reason = "not for this reader." if scores is None else None
    return Attribution(name, name.title(), 0, "logit", signed, False, scores, reason)


def tokens(n):
    return [Token("x", i, i + 1) for i in range(n)]


def number(x):
    return math.nan if x is None else x


def some(n, seed):
    """Maps with and without a sign, with ties, zeros, tiny differences, related ones, constants and a missing one."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=n)
    few = rng.integers(-1, 2, size=n)
    return [
        attribution("plain", first),
        attribution("size", np.abs(rng.normal(size=n)), signed=False),
        attribution("close", first + 0.1 * rng.normal(size=n)),
        attribution("again", 3 * first),
        attribution("opposite", -first),
        attribution("missing", None),
        attribution("tied", few + (n == 2) * np.arange(n)),
        attribution("tiny", 1e-300 * rng.normal(size=n)),
        attribution("same", np.full(n, 0.25)),
        attribution("zero", np.zeros(n), signed=False),
        attribution("sparse", np.where(rng.random(n) < 0.5, 0.0, rng.random(n)) + (np.arange(n) == 0), signed=False),
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [0, 1, *LENGTHS])
def test_all_at_once_is_one_pair_at_a_time(n, seed):
    maps = some(n, seed) if n else [attribution("one", None), attribution("other", None, signed=False)]
    found = list(agreements(maps, tokens(n)))
    expected = [compared(m, a, b, tokens(n)) for a, b in combinations(maps, 2) for m in METRICS.values()]
    assert len(found) == len(expected) > 0
    for mine, single in zip(found, expected, strict=True):
        assert (mine.metric, mine.left, mine.right) == (single.metric, single.left, single.right)
        assert (mine.n, mine.basis, mine.reason) == (single.n, single.basis, single.reason)
        assert number(mine.value) == pytest.approx(number(single.value), abs=1e-12, rel=0, nan_ok=True)
        assert number(mine.p_value) == pytest.approx(number(single.p_value), abs=1e-14, rel=1e-12, nan_ok=True)
    assert sum(a.value is not None for a in found) >= (12 if n > 1 else 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", LENGTHS)
def test_all_at_once_is_scipys(n, seed):
    maps = {a.key: a for a in some(n, seed)}
    checked = 0
    for found in agreements(list(maps.values()), tokens(n)):
        if found.value is None or found.metric == "top_k_overlap":
            continue
        left, right = maps[found.left], maps[found.right]
        x, y = (np.array(a.scores) for a in (left, right))
        if not (left.signed and right.signed):
            x, y = np.abs(x), np.abs(y)
        other = (kendalltau if found.metric == "kendall_tau" else spearmanr)(x, y)
        assert found.value == pytest.approx(other.statistic, abs=1e-12, rel=0)
        if found.p_value is None:
            assert (n, found.metric) == (2, "spearman")
        elif abs(found.value) < 1 - 1e-9 or found.metric == "kendall_tau":
            # scipy's own rounding takes a ρ of 1 to p-values from 0 to 1e-100.
            assert found.p_value == pytest.approx(other.pvalue, rel=1e-9, abs=1e-14)
        checked += 1
    assert checked >= 20


def test_few_tokens_at_a_time_count_the_same(monkeypatch):
    scores = np.array([a.scores for a in some(50, 7) if a.scores is not None])
    whole = pairs.Orders.of(scores)
    monkeypatch.setattr(pairs, "CELLS", 3 * scores.size)
    sliced = pairs.Orders.of(scores)
    for name in ("products", "sums", "ties"):
        assert getattr(whole, name).tolist() == getattr(sliced, name).tolist()


def test_a_long_text_takes_little_memory():
    maps = Maps(np.random.default_rng(1).normal(size=(16, 512)))
    tracemalloc.start()
    try:
        assert maps.orders.products.diagonal().tolist() == [512 * 511] * 16
        # All signs at once would take 16 · 512² numbers.
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_metric_without_a_form_for_all_pairs_is_asked_pair_by_pair(monkeypatch):
    asked = []

    def mean_difference(x, y):
        asked.append((x.tolist(), y.tolist()))
        return float(np.abs(x - y).mean()), None

    added = AgreementMetric("gap", "Gap", "mean |x − y|", 0, 9, "?", "lower", True, mean_difference)
    monkeypatch.setattr(all_pairs, "METRICS", {"gap": added, "kendall_tau": KENDALL})
    maps = [
        attribution("a", [1, -2, 3]), attribution("b", None), attribution("c", [-1, 2, 4]),
        attribution("d", [3, 3, 3]), attribution("e", [1, 0, 0], signed=False),
    ]  # fmt: skip
    found = [a for a in agreements(maps, tokens(3)) if a.metric == "gap" and a.value is not None]
    assert asked == [([1, -2, 3], [-1, 2, 4]), ([1, 2, 3], [1, 0, 0]), ([1, 2, 4], [1, 0, 0])]
    assert [(a.left, a.right) for a in found] == [("a", "c"), ("a", "e"), ("c", "e")]
    assert [a.value for a in found] == pytest.approx([7 / 3, 5 / 3, 2])
    assert [a.basis for a in found] == ["signed", "magnitude", "magnitude"]


def test_special_and_deleted_tokens_are_not_compared():
    words = [Token("[C]", 0, 3, special=True), *tokens(4)[:3], Token("x", 3, 4, state="deleted")]
    maps = [attribution("a", [9, 1, 2, 3, 9]), attribution("b", [0, 1, 2, 3, -9])]
    for found in agreements(maps, words):
        assert (found.value, found.n) == (1, 3)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        Maps(np.array([[1.0, np.nan], [1.0, 2.0]]))
    with pytest.raises(ValueError, match="finite"):
        attribution("a", [1, np.nan])


def test_no_map_and_one_map_have_no_pair():
    assert list(agreements([], tokens(3))) == []
    assert list(agreements([attribution("a", [1, 2, 3])], tokens(3))) == []
