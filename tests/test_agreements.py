"""All pairs of a text's maps at once, against one pair and one metric at a time, and against scipy."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from tiny_classifiers import TEXT, tiny

from models.agreements import agreements, compared, ranked
from models.analysis import analyse
from models.metrics.agreement import METRICS
from models.records import MethodCall, Request

CALLS = tuple(map(MethodCall, ("attention", "saliency", "input_gradient", "leave_one_out", "uniform_map", "rollout")))


@pytest.mark.parametrize("text", [TEXT, f"{TEXT} " * 8, "bad", "never , never , never"])
@pytest.mark.parametrize("pooler", ["attention", "max"])
def test_all_pairs_at_once_are_what_one_pair_at_a_time_is(text, pooler):
    # Maps with and without a sign, one that ranks nothing, one that is not there; a deleted word.
    deleted = (1,) if len(text.split()) > 1 else ()
    analysis = analyse(tiny("bilstm", pooler), Request(text, CALLS, deleted=deleted))
    maps, tokens = analysis.attributions, analysis.tokens
    expected = [compared(m, a, b, tokens) for a, b in combinations(maps, 2) for m in METRICS.values()]
    assert list(agreements(maps, tokens)) == list(analysis.agreements)
    found = list(analysis.agreements)
    for name in ("metric", "left", "right", "n", "reason", "basis"):
        assert [getattr(a, name) for a in found] == [getattr(a, name) for a in expected]
    # Beyond 64 tokens the numbers of a single pair are scipy's.
    for name in ("value", "p_value"):
        assert numbers(found, name) == pytest.approx(numbers(expected, name), rel=1e-12, abs=1e-14, nan_ok=True)
    assert len(expected) == 15 * 3
    assert any(a.reason for a in expected)


def numbers(found, name):
    return [math.nan if getattr(a, name) is None else getattr(a, name) for a in found]


def test_they_are_scipys():
    analysis = analyse(tiny("cnn", "attention"), Request(TEXT, CALLS))
    places, maps = ranked(analysis.tokens), {a.key: a for a in analysis.attributions}
    found = 0
    for agreement in analysis.agreements:
        if agreement.value is None or agreement.metric == "top_k_overlap":
            continue
        pair = [maps[key] for key in (agreement.left, agreement.right)]
        x, y = (np.array([a.scores[i] for i in places]) for a in pair)
        if not (pair[0].signed and pair[1].signed):
            x, y = np.abs(x), np.abs(y)
        other = (kendalltau if agreement.metric == "kendall_tau" else spearmanr)(x, y)
        assert agreement.value == pytest.approx(other.statistic, abs=1e-12)
        assert agreement.p_value == pytest.approx(other.pvalue, rel=1e-9)
        found += 1
    assert found >= 12
