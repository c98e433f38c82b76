"""Lost powers are counted where, and only where, float32 loses them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_classifiers import WORDS, tiny

from models.masking import masked_softmax
from models.poolers import POOLERS
from models.poolers.limits import limit_scale
from models.study.overflow import power_terms, score
from models.training.batches import predict

# Below half the smallest subnormal float32 a power rounds to 0, above the largest it is inf.
LOWEST, HIGHEST = math.log(2.0**-150), math.log(float(np.finfo(np.float32).max))


def draw(pooler_name, seed=0, scale=4.0, **options):
    torch.manual_seed(seed)
    pooler = POOLERS[pooler_name](6, **options)
    with torch.no_grad():
        if hasattr(pooler, "scorer"):
            pooler.scorer.vector.weight.mul_(60)
    hidden = scale * torch.randn(5, 9, 6)
    mask = torch.arange(9) < torch.tensor([9, 7, 5, 2, 1]).unsqueeze(1)
    return pooler, hidden, mask


def logs(pooler, hidden, mask):
    """Log of each power's true value in float64, one array per kind of power."""
    p = pooler.exponent.double()
    h = hidden.double()
    if pooler.name == "learned_norm":
        bases = [(h - pooler.centre.double()).abs()]
    elif pooler.name == "gem":
        bases = [h.clamp_min(pooler.epsilon)]
    else:
        z = limit_scale(hidden, mask, pooler.limit).double()
        a = masked_softmax(pooler.scores(hidden).double(), mask).unsqueeze(-1)
        bases = [z if pooler.reading == "B" else a * z, *([a] if pooler.reading == "A" else [])]
    return [(p * base.log())[mask].flatten() for base in bases]


CASES = [
    ("gem", {"p_initial": 30.0}), ("gem", {"p_initial": 1.0}), ("learned_norm", {"p_initial": 45.0}),
    *(("apln", {"reading": reading, "p_initial": 20.0, "per_dimension": each, "limit": limit})
      for reading in "ABC" for each in (False, True) for limit in ("relu_clip", "sigmoid")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), CASES)
def test_lost_powers_are_those_whose_true_value_float32_cannot_hold(name, options):
    pooler, hidden, mask = draw(name, **options)
    with torch.no_grad():
        found = list(power_terms(pooler, hidden, mask))
        true = logs(pooler, hidden, mask)
    assert len(found) == len(true)
    for values, exact in zip(found, true, strict=True):
        assert values.shape == exact.shape
        # Within rounding of the border either answer is right.
        sure = ((exact - LOWEST).abs() > 0.1) & ((exact - HIGHEST).abs() > 0.1)
        lost = (values == 0) | ~values.isfinite()
        assert torch.equal(lost[sure], ((exact < LOWEST) | (exact > HIGHEST))[sure])


def test_the_cases_hold_losses_of_both_kinds_and_none():
    lost = {}
    for name, options in CASES:
        pooler, hidden, mask = draw(name, **options)
        with torch.no_grad():
            values = torch.cat(list(power_terms(pooler, hidden, mask)))
        lost[name, str(options)] = int((values == 0).sum()), int((~values.isfinite()).sum())
    assert any(zeros > 0 for zeros, _ in lost.values())
    assert any(infinite > 0 for _, infinite in lost.values())
    assert (0, 0) in lost.values()


ROWS = [list(range(2, 2 + n)) for n in (8, 3, 5, 1)]


@pytest.mark.parametrize("size", [1, 3, 256])
def test_scoring_gives_predicts_logits_and_counts_no_padding(size):
    assert len(WORDS) > 10
    classifier = tiny("cnn", "apln", reading="A")
    found = score(classifier, ROWS, size=size)
    torch.testing.assert_close(found.logits, predict(classifier, ROWS))
    tokens, width = sum(map(len, ROWS)), classifier.encoder.state_size
    assert found.pow_terms == tokens * width + tokens
    assert (found.overflow, found.pow_overflow) == (0, 0)


def test_the_pow_form_loses_pooled_values_where_the_log_form_does_not():
    counts = {}
    for form in ("log", "pow"):
        classifier = tiny("cnn", "apln", reading="C", form=form, limit="relu_clip", p_initial=40.0)
        counts[form] = score(classifier, ROWS)
    width = classifier.encoder.state_size
    # relu_clip leaves 0.001 where a state is negative, and 0.001^40 is no float32.
    assert counts["log"].overflow == 0
    assert 0 < counts["pow"].overflow <= len(ROWS) * width
    assert counts["log"].pow_overflow == counts["pow"].pow_overflow > 0


@pytest.mark.parametrize("pooler", ["mean", "max", "attention"])
def test_poolers_without_a_power_have_no_count(pooler):
    found = score(tiny("cnn", pooler), ROWS)
    assert (found.overflow, found.pow_overflow, found.pow_terms) == (None, None, None)
