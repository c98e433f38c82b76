"""Normalisations are named, shared over everything shown, and never stored."""

from __future__ import annotations

import dataclasses

import pytest
import viz_records as invented
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from viz import palette, scale

FLOATS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: 0.0 if abs(v) < 1e-100 else v)


def with_scores(analysis, method, scores):
    maps = tuple(
        dataclasses.replace(a, scores=scores, reason=None) if a.method == method else a for a in analysis.attributions
    )
    return dataclasses.replace(analysis, attributions=maps)


@given(st.lists(FLOATS, min_size=1, max_size=40))
def test_shares_keep_signs_and_sum_to_one_in_magnitude(scores):
    shares = scale.shares(scores)
    assert sum(map(abs, shares)) == pytest.approx(1.0 if any(scores) else 0.0)
    assert all((a > 0) == (b > 0) and (a < 0) == (b < 0) or b == 0 for a, b in zip(scores, shares, strict=True))


@given(st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=30))
def test_ranks_agree_with_scipy(scores):
    expected = rankdata([-abs(s) for s in scores], method="min").astype(int).tolist()
    assert list(scale.ranks(scores)) == expected


def test_share_has_one_limit_over_all_methods_and_readers():
    analyses = invented.compare(readers=3)
    limits = scale.limits(analyses, "share")
    every = [abs(v) for a in analyses for m in a.attributions if m.scores for v in scale.shares(m.scores)]
    assert set(limits.values()) == {max(every)}


def test_raw_has_one_limit_per_method_over_all_readers():
    analyses = invented.compare(readers=3)
    limits = scale.limits(analyses, "raw")
    for name in ("saliency", "leave_one_out"):
        every = [abs(v) for a in analyses for m in a.attributions if m.method == name for v in m.scores or ()]
        assert limits[name] == max(every)
    assert limits["saliency"] != limits["leave_one_out"]


def test_equal_values_get_equal_colours_in_every_panel():
    one, two = invented.compare("good bad ugly", readers=2)
    one = with_scores(one, "saliency", (0.2, 0.3, 0.5))
    two = with_scores(two, "saliency", (0.5, 0.3, 0.2))
    limits = scale.limits((one, two), "share")
    steps = []
    for analysis in (one, two):
        (a,) = (m for m in analysis.attributions if m.method == "saliency")
        steps.append(scale.paint(a, limits["saliency"], "share").steps)
    assert steps[0] == steps[1][::-1]
    assert len(set(steps[0])) == 3


def test_the_square_root_spreads_small_shares_and_says_so():
    (analysis,) = invented.compare("good bad", readers=1)
    analysis = with_scores(analysis, "exact_share", (-0.25, 1.0))
    (a,) = (m for m in analysis.attributions if m.method == "exact_share")
    assert scale.paint(a, 0.8, "share").steps == (-4, 16)
    assert scale.paint(a, 0.8, "root").steps == (-8, 16)
    assert scale.hint(0.8, "root") == "half the colour at 20\u202f%"
    assert scale.hint(0.8, "share") is None
    assert scale.limits([analysis], "root") == scale.limits([analysis], "share")


def test_signed_maps_are_symmetric_around_zero():
    (analysis,) = invented.compare("good bad", readers=1)
    analysis = with_scores(analysis, "exact_share", (-2.0, 2.0))
    (a,) = (m for m in analysis.attributions if m.method == "exact_share")
    painted = scale.paint(a, 2.0, "raw")
    assert painted.steps == (-palette.STEPS, palette.STEPS)
    assert scale.ends(2.0, True, "raw") == ("\u22122.000", "+2.000")
    assert scale.ends(0.32, False, "share") == ("0", "32\u202f%")


def test_an_all_zero_map_has_a_sentence_and_no_colour():
    (analysis,) = invented.compare("good bad", readers=1)
    analysis = with_scores(analysis, "saliency", (0.0, 0.0))
    (a,) = (m for m in analysis.attributions if m.method == "saliency")
    painted = scale.paint(a, scale.limits([analysis])["saliency"])
    assert painted.steps == (0, 0)
    assert "exactly 0" in painted.note


def test_an_undefined_map_is_not_painted():
    analysis = invented.analysis(reader=2)
    (a,) = (m for m in analysis.attributions if m.method == "attention")
    assert a.scores is None
    assert scale.paint(a, 1.0) is None
    assert scale.limits([analysis])["attention"] > 0  # the shared limit comes from the other maps


def test_every_scale_is_named_and_explained():
    assert {"share", "root", "raw"} <= set(scale.SCALES)
    assert all(s.name == name and s.title and s.explanation for name, s in scale.SCALES.items())
