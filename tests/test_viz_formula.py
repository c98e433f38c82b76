"""Formulas carry live numbers, and method cards read well without a formula renderer."""

from __future__ import annotations

import pytest

from viz.formula import effective_formula, pooler_formula
from viz.latex import segments


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"a_i \cdot h_{id}", [("", "a"), ("sub", "i"), ("", " · h"), ("sub", "id")]),
        (r"\int_0^1", [("", "∫"), ("sub", "0"), ("sup", "1")]),
        (r"\frac{1}{N}\sum_i h_i", [("", "1/NΣ"), ("sub", "i"), ("", " h"), ("sub", "i")]),
        (r"\frac{a + b}{c}", [("", "(a + b)/c")]),
        (r"\mathrm{logit}_c(x \setminus i)", [("", "logit"), ("sub", "c"), ("", "(x ∖ i)")]),
        (r"\{d\}\,\unknown", [("", "{d}\u2009unknown")]),
        ("", []),
        ("{unclosed_", [("", "unclosed")]),
    ],
)
def test_small_latex_becomes_segments(latex, expected):
    assert segments(latex) == expected


def test_the_number_stands_in_every_place_of_p():
    made = pooler_formula("apln", 2.1, "A")
    assert made.numeric == r"r_d = \left( \frac{\sum_i (a_i z_{id})^{2.10}}{\sum_i a_i^{2.10}} \right)^{1/2.10}"
    assert made.symbolic == made.numeric.replace("2.10", "p")
    assert "sharpened" in made.sentence
    assert "sharpened" not in pooler_formula("apln", 2.1, "B").sentence


def test_p_equal_to_one_is_named():
    assert "plain attentive pooling" in pooler_formula("apln", 1.0).sentence
    assert "mean distance" in pooler_formula("learned_norm", 1.0).sentence
    assert "negative ones counted as nothing" in pooler_formula("gem", 1.0).sentence
    assert "maximum" in pooler_formula("apln", 50.0).sentence


@pytest.mark.parametrize("p", [0.5, 3.0, 50.0])
def test_gem_carries_its_numbers_and_sharpens_no_attention(p):
    made = pooler_formula("gem", p, tokens=12)
    shown = {0.5: "0.50", 3.0: "3.00", 50.0: "50.0"}[p]
    body = r"r_d = \left( \frac{1}{12} \sum_i \max(h_{id}, \epsilon)^{" + shown + r"} \right)^{1/" + shown + "}"
    assert made.numeric == body
    assert made.symbolic == body.replace(shown, "p").replace("{12}", "{N}")
    assert "attention" not in made.sentence


def test_readings_differ_and_n_is_filled_in():
    assert len({pooler_formula("apln", None, reading).symbolic for reading in "ABC"}) == 3
    assert r"\frac{1}{12}" in pooler_formula("learned_norm", 2.0, tokens=12).numeric
    assert pooler_formula("mean", tokens=12).numeric == r"r_d = \frac{1}{12}\sum_i h_{id}"


POOLERS = (
    "mean", "max", "attention", "scaled_dot", "learned_norm", "apln", "gem", "log_sum_exp", "last", "cls",
    "gated_attention", "sparsemax", "entmax", "structured",
    "self_attention", "hard_attention", "hard_reinforce",
)  # fmt: skip


@pytest.mark.parametrize("pooler", POOLERS)
def test_every_shipped_pooler_has_a_formula(pooler):
    made = pooler_formula(pooler, tokens=12)
    assert made.symbolic.startswith(("r_d = ", "r_{kd} = "))
    assert made.symbolic.count("{") == made.symbolic.count("}")
    assert made.sentence.endswith(".")
    assert (made.numeric is not None) == (pooler in {"mean", "log_sum_exp"})


def test_unknown_poolers_are_refused():
    with pytest.raises(ValueError, match="no formula"):
        pooler_formula("mystery")


def test_effective_attention_shows_its_temperature():
    assert effective_formula(2.1) == r"\mathrm{softmax}(2.10 \cdot s)_i"
