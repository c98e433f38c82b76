"""The norm laboratory: readings and identities, against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime
from scipy.special import softmax
from scipy.stats import gmean, pmean
from tiny_classifiers import TEXT, tiny

from models.errors import PoolScopeError
from models.normlab import identities as checks
from models.normlab.readings import GRID, norm_readings
from models.normlab.terms import READINGS, log_pooled, terms
from models.norms import norm_sweep
from models.records import Request

NORMED = ("apln", "gem", "learned_norm")
PS = (0.1, 0.7, 1.0, 3.0, 50.0)


def parts(classifier):
    found = terms(classifier, Request(TEXT))
    return found.z.numpy(), found.log_a.exp().numpy()


@pytest.mark.parametrize("p", PS[:4])
@pytest.mark.parametrize("pooler", NORMED)
def test_the_readings_are_scipys_power_means(pooler, p):
    classifier = tiny("bilstm", pooler)
    z, a = parts(classifier)
    at = {point.reading: point for point in norm_readings(classifier, Request(TEXT), p).points}
    sharp = softmax(p * np.log(a))
    mean_a, mean_b = (pmean(z, p, axis=0, weights=np.broadcast_to(w[:, None], z.shape)) for w in (sharp, a))
    assert at["A"].pooled == pytest.approx(mean_a, rel=1e-9)
    assert at["B"].pooled == pytest.approx(mean_b, rel=1e-9)
    assert at["C"].pooled == pytest.approx(((a[:, None] * z) ** p).sum(0) ** (1 / p), rel=1e-9)
    assert at["A"].effective == pytest.approx(sharp)
    assert at["B"].effective == pytest.approx(a)
    part = a[:, None] * z**p
    assert at["B"].shares == pytest.approx((part / part.sum(0)).mean(1))
    weight, bias = classifier.head.weight.double().numpy(), classifier.head.bias.double().numpy()
    assert at["C"].probabilities == pytest.approx(softmax(weight @ np.array(at["C"].pooled) + bias), abs=1e-5)


@pytest.mark.parametrize("pooler", NORMED)
@pytest.mark.parametrize("p", PS)
def test_the_reading_a_reader_was_trained_with_is_its_own_pooling(pooler, p):
    classifier = tiny("bilstm", pooler)
    found = norm_readings(classifier, Request(TEXT), p)
    (point,) = norm_sweep(classifier, Request(TEXT), [p]).points
    own = next(one for one in found.points if one.reading == (found.own or "A"))
    assert own.pooled == pytest.approx(point.pooled, rel=1e-4)
    assert own.shares == pytest.approx(point.shares, abs=1e-5)


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "embedding"])
@pytest.mark.parametrize("pooler", NORMED)
@pytest.mark.parametrize("p", PS)
def test_every_identity_holds_on_real_states(encoder, pooler, p):
    found = norm_readings(tiny(encoder, pooler), Request(TEXT), p)
    assert [one.name for one in found.identities if not one.holds] == []
    assert len(found.identities) == 19


def test_one_word_alone_has_every_identity_too():
    assert all(one.holds for one in norm_readings(tiny("bilstm", "apln"), Request("film"), 2.0).identities)


@pytest.mark.parametrize("name", ["one", "temperature", "factor", "A far", "B near", "monotone", "by p", "euler"])
def test_an_identity_that_is_false_is_told(name, monkeypatch):
    """Exponents mixed up in the formula under test: the other road must notice."""
    true = checks.log_pooled

    def wrong(which, z, log_a, p):
        if name == "monotone":
            return -true(which, z, log_a, p)
        return true(which, z, log_a, p) * 1.001 + 1e-3 * log_a[0]

    if name in ("temperature", "factor"):
        monkeypatch.setattr(checks, "written_out", lambda which, z, a, p: (a[:, None] * z**p).sum(0) ** (1 / p))
    else:
        monkeypatch.setattr(checks, "log_pooled", wrong)
    found = norm_readings(tiny("bilstm", "apln"), Request(TEXT), 3.0).identities
    assert not next(one for one in found if one.name == name).holds


@pytest.mark.parametrize("which", READINGS)
@pytest.mark.parametrize("p", PS)
def test_the_derivative_by_p_is_the_slope(which, p):
    found = terms(tiny("bilstm", "apln"), Request(TEXT))
    slope = approx_fprime(
        np.array([p]), lambda at: log_pooled(which, found.z, found.log_a, float(at[0])).numpy(), 1e-7 * p
    ).ravel()
    assert checks.by_exponent(which, found.z, found.log_a, p).numpy() == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_limits_at_both_ends_are_the_geometric_mean_and_the_maximum():
    found = terms(tiny("bilstm", "apln"), Request(TEXT))
    z, a = found.z.numpy(), found.log_a.exp().numpy()
    near = {which: log_pooled(which, found.z, found.log_a, 1e-6).exp().numpy() for which in READINGS}
    assert near["A"] == pytest.approx(gmean(z, axis=0), rel=1e-3)
    assert near["B"] == pytest.approx(gmean(z, axis=0, weights=np.broadcast_to(a[:, None], z.shape)), rel=1e-3)
    assert log_pooled("B", found.z, found.log_a, 1e6).exp().numpy() == pytest.approx(z.max(0), rel=1e-4)


def test_dimensions_that_fall_are_counted():
    z = torch.tensor([[1.0, 1.0], [0.9, 1e-3]], dtype=torch.float64)
    log_a = torch.tensor([0.1, 0.9], dtype=torch.float64).log()
    grid = (1.0, 2.0, 50.0)
    r = np.array([(softmax(p * log_a.numpy())[:, None] * z.numpy() ** p).sum(0) ** (1 / p) for p in grid])
    assert checks.falling("A", z, log_a, grid) == int((np.diff(r, axis=0) < 0).any(0).sum()) == 1
    assert checks.falling("B", z, log_a, grid) == 0


def test_bad_requests_are_refused_in_a_sentence():
    with pytest.raises(PoolScopeError, match="Attention pooling has no exponent p; choose a reader with"):
        norm_readings(tiny("bilstm", "attention"), Request(TEXT), 1.0)
    with pytest.raises(PoolScopeError, match=r"p came as 0.01; the dial runs from 0.1 to 50"):
        norm_readings(tiny("bilstm", "apln"), Request(TEXT), 0.01)
    assert GRID[0] == pytest.approx(0.1)
    assert GRID[-1] == pytest.approx(50)
