"""Numbers are worded in one way."""

from __future__ import annotations

import pytest
import viz_records as invented

from models.records import Attribution
from viz import wording


@pytest.mark.parametrize(
    ("function", "value", "words"),
    [
        (wording.probability, 0.8149, "0.81"),
        (wording.probability, 1.0, "1.00"),
        (wording.probability, 0.9951, "> .99"),
        (wording.probability, 0.0049, "< .01"),
        (wording.probability, 0.0, "0.00"),
        (wording.tau, 0.426, "0.43"),
        (wording.tau, -0.426, "\u22120.43"),
        (wording.tau, -0.001, "0.00"),
        (wording.tau, None, "\u2013"),
        (wording.p_value, 0.0004, "< .001"),
        (wording.p_value, 0.0123, "= .012"),
        (wording.p_value, 1.0, "= 1"),
        (wording.p_value, None, "\u2013"),
        (wording.percent, 0.3217, "32\u202f%"),
        (wording.percent, -0.0321, "\u22123.2\u202f%"),
        (wording.percent, 0.0002, "<\u202f0.1\u202f%"),
        (wording.percent, 0.0, "0\u202f%"),
        (wording.percent, 1.0, "100\u202f%"),
        (wording.change, 0.123, "+0.12"),
        (wording.change, -0.123, "\u22120.12"),
        (wording.change, 0.0, "0.00"),
        (wording.change, -0.001, "> \u2212.01"),
        (wording.number, 0.0, "0"),
        (wording.number, -1.23456, "\u22121.235"),
        (wording.number, 0.000123, "1.2e\u22124"),
        (wording.number, 123456.0, "1.2e5"),
        (wording.exponent, 2.1, "2.10"),
        (wording.exponent, 50.0, "50.0"),
        (wording.exponent, float("inf"), "∞"),
    ],
)
def test_numbers(function, value, words):
    assert function(value) == words


def test_counts_and_ranks():
    assert wording.count(1, "word") == "1 word"
    assert wording.count(5000, "word") == "5,000 words"
    assert wording.rank(2, 30) == "2 of 30"


def attribution(**kwargs):
    base = {
        "method": "x",
        "title": "X",
        "target": 0,
        "scalar": "logit",
        "signed": True,
        "complete": True,
        "scores": (1.0,),
    }
    return Attribution(**{**base, **kwargs})


def test_delta_is_a_percentage_of_the_change_and_only_for_complete_methods():
    assert wording.delta(attribution(relative_delta=0.0042, delta=1.0)) == "Δ\u202f0.4\u202f%"
    assert wording.delta(attribution(relative_delta=None, delta=-0.25)) == "Δ\u202f0.250"
    assert wording.delta(attribution(complete=False, relative_delta=0.5)) is None
    assert wording.delta(attribution(scores=None, reason="none", relative_delta=0.5)) is None


def test_a_fitted_map_shows_its_fit_in_place_of_an_error_that_is_zero_by_construction():
    assert wording.badge(attribution(relative_delta=0.0042, delta=1.0)) == "Δ\u202f0.4\u202f%"
    assert wording.badge(attribution(delta=0.0, relative_delta=0.0, fit=0.456)) == "R² 0.46"
    assert wording.badge(attribution(complete=False, fit=-0.104)) == "R² \u22120.10"
    assert wording.badge(attribution(scores=None, reason="none", fit=0.9)) is None
    assert wording.badge(attribution(complete=False)) is None


def test_units_name_scalar_and_class():
    assert "probability of “bad”" in wording.unit(attribution(scalar="probability"), "bad")
    assert wording.unit(attribution(), "bad", "good") == "part of the logit of “bad” over “good”"
    assert wording.unit(attribution(scalar="margin"), "bad") == "part of the margin of “bad” over the next class"
    assert "sums to 1" in wording.unit(attribution(method="attention", signed=False), "bad")


def test_agreement_is_worded_or_explained():
    assert wording.agreement(invented.agreement("a", "b", 0.42)) == "τ = 0.42, p = .030, n = 12"
    assert wording.agreement(invented.agreement("a", "b", None, "a map is constant")) == "undefined: a map is constant"
