"""Attention × gradient: slopes by finite differences, the exact share where it must be, and 0 where norms cancel it."""

from __future__ import annotations

import pytest
import torch
from tiny_classifiers import ids_of, tiny

from models.attribution import METHODS
from models.attribution.reading import Reading
from models.attribution.target import Target
from models.poolers import POOLERS

ATTENDING = [name for name in POOLERS if POOLERS[name].attends]
# Poolers whose vector is Σ a_i h_i, a of one map.
WEIGHTED_SUMS = ("attention", "gated_attention", "scaled_dot", "sparsemax", "entmax", "three_tier")
TARGET = 2


def scores(pooler, target=TARGET, **options):
    classifier = tiny("bilstm", pooler, double=True, **options)
    reading = Reading(classifier, ids_of(classifier))
    return classifier, reading, torch.tensor(METHODS["attention_gradient"]()(reading, target).values).double()


@pytest.mark.parametrize("pooler", ATTENDING)
@pytest.mark.parametrize("scalar", ["logit", "probability"])
def test_it_is_the_slope_along_each_imposed_weight(pooler, scalar):
    target = Target(TARGET, scalar=scalar)
    classifier, reading, found = scores(pooler, target)
    own = classifier.pooler.own_weights(reading.hidden, reading.mask)

    def number(weights):
        return float(target(classifier.decide(classifier.pool(reading.hidden, reading.mask, weights)))[0])

    for i in range(len(reading)):
        # Moving a_i to a_i (1 ± s), in every map of the pooler at once, moves F by ± s a_i ∂F/∂a_i.
        step, up, down = 1e-6, own.clone(), own.clone()
        up[0, i] *= 1 + step
        down[0, i] *= 1 - step
        assert float(found[i]) == pytest.approx((number(up) - number(down)) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("pooler", [name for name in WEIGHTED_SUMS if name in POOLERS])
def test_of_a_weighted_sum_it_is_the_exact_share(pooler):
    _, reading, found = scores(pooler)
    exact = torch.tensor(METHODS["exact_share"]()(reading, TARGET).values).double()
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-12)


def test_a_norm_that_normalises_its_weights_away_leaves_a_map_that_sums_to_nothing():
    # Reading A of APLN does not change when all weights are doubled (Euler, degree 0).
    _, _, found = scores("apln")
    assert float(found.sum()) == pytest.approx(0, abs=1e-7)
    assert float(found.abs().max()) > 1e-3
    _, _, weighted = scores("apln", reading="B")
    assert abs(float(weighted.sum())) > 1e-3


def test_poolers_without_weights_are_refused():
    classifier = tiny("bilstm", "mean")
    assert "no attention weights" in METHODS["attention_gradient"]().why_not(classifier)
