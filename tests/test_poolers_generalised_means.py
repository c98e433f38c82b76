"""GeM and log-sum-exp: both run from the mean to the maximum, one homogeneous and one not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states
from scipy import integrate, special, stats
from tiny_classifiers import LABELS, TEXT, ids_of, tiny
from toy_data import recipe, toy

from models.attribution import METHODS
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.experiments.ladder import ladder
from models.norms import norm_sweep
from models.poolers import POOLERS
from models.poolers.power import Exponent
from models.records import Request
from models.training.trainer import train


def rows(hidden, mask):
    """The rows as numpy arrays (N, D) of their own length."""
    return [row[keep].numpy() for row, keep in zip(hidden.detach(), mask, strict=True)]


def sharpness(value):
    """Log-sum-exp with b at ``value``."""
    return POOLERS["log_sum_exp"](SIZE, b_initial=value).double().requires_grad_(False)


# GeM


@pytest.mark.parametrize("epsilon", [1e-6, 0.01])
def test_gem_is_a_power_mean_of_clamped_states(epsilon):
    pooler, (hidden, mask) = Variant("gem", {"epsilon": epsilon}).build().requires_grad_(False), states()
    p = float(pooler.exponent)
    assert abs(p - 3) > 0.01
    z = [np.maximum(h, epsilon) for h in rows(hidden, mask)]
    np.testing.assert_allclose(pooler(hidden, mask), [stats.pmean(h, p, axis=0) for h in z], rtol=1e-10)
    for shares, h in zip(pooler.shares(hidden, mask), z, strict=True):
        np.testing.assert_allclose(shares[: len(h)], h**p / (h**p).sum(0), rtol=1e-10, atol=1e-14)


def test_gem_starts_at_three_and_says_so():
    (p,) = POOLERS["gem"](SIZE).learned()
    assert (p.name, p.domain) == ("p", "(0.05, ∞)")
    assert p.values == pytest.approx((3.0,), rel=1e-6)
    assert p.initial == (3.0,)


@pytest.mark.parametrize("learned", [True, False])
def test_gem_at_one_is_the_mean_of_positive_states_learned_or_imposed(learned):
    hidden, mask = states()
    hidden = hidden.abs() + 0.1
    pooler = POOLERS["gem"](SIZE, p_initial=1.0 if learned else 3.0).double().requires_grad_(False)
    pooled = pooler(hidden, mask) if learned else pooler.pool_at(hidden, mask, 1.0)
    torch.testing.assert_close(pooled, POOLERS["mean"](SIZE)(hidden, mask), rtol=1e-6, atol=0)
    # Signed states are clamped all the same, whether p is learned or not.
    signed = states()[0]
    one = pooler(signed, mask) if learned else pooler.pool_at(signed, mask, 1.0)
    clamped = POOLERS["mean"](SIZE)(signed.clamp_min(1e-6), mask)
    torch.testing.assert_close(one, clamped, rtol=1e-6, atol=0)


def test_gem_rises_with_p_to_the_maximum():
    hidden, mask = states()
    hidden, pooler = hidden.abs() + 0.1, POOLERS["gem"](SIZE).double().requires_grad_(False)
    grid = torch.stack([pooler.pool_at(hidden, mask, p) for p in (0.1, 1.0, 3.0, 30.0)])
    assert bool((grid[:, :2].diff(dim=0) > 0).all())
    largest = POOLERS["max"](SIZE)(hidden, mask)
    torch.testing.assert_close(pooler.pool_at(hidden, mask, 1e7), largest, rtol=1e-6, atol=0)
    winners = pooler.shares_at(hidden, mask, 1e7)
    torch.testing.assert_close(winners, POOLERS["max"](SIZE).shares(hidden, mask), rtol=0, atol=1e-6)


def test_gem_sweeps_one_p_per_row():
    hidden, mask = states(lengths=(6, 6, 6))
    pooler, ps = POOLERS["gem"](SIZE).double().requires_grad_(False), [0.1, 2.0, 30.0]
    together = pooler.pool_at(hidden[:1].expand(3, -1, -1), mask, torch.tensor(ps, dtype=torch.float64).view(3, 1, 1))
    one_by_one = torch.cat([pooler.pool_at(hidden[:1], mask[:1], p) for p in ps])
    torch.testing.assert_close(together, one_by_one, rtol=1e-12, atol=0)


def test_negative_states_pass_no_gradient_through_gem():
    pooler, (hidden, mask) = Variant("gem").build(), states()
    pooler(hidden.requires_grad_(), mask).sum().backward()
    real = mask.unsqueeze(-1).expand_as(hidden)
    assert bool((hidden.grad[real & (hidden < 0)] == 0).all())
    assert bool((hidden.grad[real & (hidden > 0)] > 0).all())


@pytest.mark.parametrize("encoder", ["embedding", "bilstm"])
def test_the_dial_turns_gem(encoder):
    classifier = tiny(encoder, "gem", double=True)
    sweep = norm_sweep(classifier, Request(TEXT), (0.1, 1.0, 3.0, 50.0))
    hidden = Reading(classifier, ids_of(classifier)).hidden[0].clamp_min(1e-6)
    for point in sweep.points:
        pooled = stats.pmean(hidden.numpy(), point.p, axis=0)
        assert point.pooled == pytest.approx(pooled.tolist(), rel=1e-8)
        logits = torch.from_numpy(pooled) @ classifier.head.weight.T + classifier.head.bias
        assert point.probabilities == pytest.approx(logits.softmax(-1).tolist(), rel=1e-8)
        assert point.effective is None
    assert sweep.learned == pytest.approx(float(classifier.pooler.exponent))


# Log-sum-exp


def test_log_sum_exp_is_scipys():
    pooler, (hidden, mask) = Variant("log_sum_exp").build().requires_grad_(False), states()
    b = float(pooler.b())
    assert abs(b - 1) > 0.01
    expected = [special.logsumexp(b * h, b=1 / len(h), axis=0) / b for h in rows(hidden, mask)]
    np.testing.assert_allclose(pooler(hidden, mask), expected, rtol=1e-12)


def test_small_b_is_the_mean_large_b_the_maximum():
    hidden, mask = states()
    mean, largest = POOLERS["mean"](SIZE)(hidden, mask), POOLERS["max"](SIZE)(hidden, mask)
    below, above = sharpness(0.0100001)(hidden, mask), sharpness(1e5)(hidden, mask)
    # The cumulants of the states: r = κ₁ + κ₂ b/2 + κ₃ b²/6 + …
    second, third = (
        torch.from_numpy(np.stack([stats.moment(h, order, axis=0) for h in rows(hidden, mask)])) for order in (2, 3)
    )
    torch.testing.assert_close(below, mean + second * 0.01 / 2 + third * 0.01**2 / 6, rtol=0, atol=1e-5)
    assert float((below - mean).abs().max()) < 0.02
    # At most log(N)/b below the maximum.
    torch.testing.assert_close(above, largest, rtol=0, atol=math.log(6) / 1e5 + 1e-12)
    rising = torch.stack([sharpness(b)(hidden, mask) for b in (0.1, 1.0, 5.0, 50.0)]).diff(dim=0)
    assert bool((rising[:, :2] > 0).all())


def test_small_b_keeps_its_digits_in_single_precision():
    """The sum's logarithm minus log N would lose them all: 1e-4 beside 1.8."""
    hidden, mask = states()
    exact = sharpness(0.011)(1e-4 * hidden, mask)
    said = sharpness(0.011).float()((1e-4 * hidden).float(), mask)
    torch.testing.assert_close(said.double(), exact, rtol=1e-5, atol=1e-10)


def test_log_sum_exp_is_not_homogeneous_and_the_class_says_so():
    hidden, mask = states()
    pooler = sharpness(1.0)
    assert not bool(torch.isclose(pooler(2 * hidden, mask), 2 * pooler(hidden, mask), rtol=1e-3)[:2].any())
    assert not POOLERS["log_sum_exp"].homogeneous
    assert "not homogeneous" in POOLERS["log_sum_exp"].reference
    # Twice the states at b is twice the vector at 2b: scale and sharpness are one.
    torch.testing.assert_close(pooler(2 * hidden, mask), 2 * sharpness(2.0)(hidden, mask), rtol=1e-6, atol=0)


def test_euler_would_not_sum_to_the_vector():
    """Why the parts are integrals: Σ h_i ∂r/∂h_i misses r, by far more than the quadrature does."""
    hidden, mask = states()
    pooler = sharpness(2.0)
    pooled = pooler(hidden.requires_grad_(), mask)
    (gradient,) = torch.autograd.grad(pooled.sum(), hidden)
    euler = (hidden * gradient).detach().sum(1)
    assert bool(((euler - pooled.detach())[:2].abs() > 1e-3).all())
    parts = pooler.contributions(hidden.detach(), mask)
    torch.testing.assert_close(parts.sum(1), pooled.detach(), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("b", [0.3, 2.0, 40.0])
def test_the_shares_are_the_integrals_of_scipy(b):
    hidden, mask = states(lengths=(6, 4, 2))
    shares = sharpness(b).shares(hidden, mask)
    for mine, h in zip(shares, rows(hidden, mask), strict=True):
        for d in range(SIZE):
            for i in range(len(h)):
                def weight(alpha, d=d, i=i, h=h):
                    return special.softmax(b * alpha * h[:, d])[i]

                expected, _ = integrate.quad(weight, 0, 1, epsabs=1e-12, epsrel=1e-12, limit=200)
                assert float(mine[i, d]) == pytest.approx(expected, abs=1e-7 if b < 40 else 1e-6)


@pytest.mark.parametrize(("scale", "length"), [(1.0, 400), (1e3, 400), (1e5, 30)])
def test_the_parts_sum_up_for_long_texts_and_sharp_poolers(scale, length):
    hidden, mask = states(lengths=(length, 3))
    hidden, pooler = scale * hidden, sharpness(3.0)
    pooled = pooler(hidden, mask)
    torch.testing.assert_close(pooler.contributions(hidden, mask).sum(1), pooled, rtol=1e-8, atol=1e-8 * scale)
    ones = torch.ones(2, SIZE, dtype=torch.float64)
    torch.testing.assert_close(pooler.shares(hidden, mask).sum(1), ones, rtol=1e-12, atol=0)


def test_for_a_homogeneous_pooler_the_same_integral_is_eulers_split():
    hidden, mask = states(lengths=(5,))
    pooler = POOLERS["attention"](SIZE).double().requires_grad_(False)
    weights = pooler.attention(hidden, mask)
    nodes, sizes = np.polynomial.legendre.leggauss(8)
    total = torch.zeros_like(hidden)
    for node, size in zip(nodes, sizes, strict=True):
        leaf = ((1 + node) / 2 * hidden).requires_grad_()
        (gradient,) = torch.autograd.grad(pooler(leaf, mask, weights).sum(), leaf)
        total += size / 2 * gradient
    torch.testing.assert_close(total * hidden, pooler.contributions(hidden, mask), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("encoder", ["identity", "bilstm"])
def test_the_exact_share_sums_to_the_logit_and_says_what_it_is(encoder):
    classifier = tiny(encoder, "log_sum_exp", double=True)
    reading = Reading(classifier, ids_of(classifier))
    for target in range(len(LABELS)):
        scores = METHODS["exact_share"]()(reading, target)
        bias = float(classifier.head.bias[target])
        assert sum(scores.values) == pytest.approx(reading.logit(target) - bias, abs=1e-10)
        assert scores.delta == pytest.approx(0, abs=1e-10)
        assert scores.warning.startswith("Log-sum-exp is not homogeneous in the states")
        assert "integrals along the straight path" in scores.warning
        assert "not homogeneous" in scores.baseline
    if encoder == "identity":
        # h = e: from zero vectors to the text the two methods walk the same path.
        path = METHODS["integrated_gradients"](tolerance=0.001)(reading, 2)
        exact = METHODS["exact_share"]()(reading, 2)
        assert path.values == pytest.approx(exact.values, abs=1e-4)


def test_a_pooler_without_any_split_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(POOLERS["log_sum_exp"], "path_integrated", False)
    classifier = tiny("bilstm", "log_sum_exp")
    scores = METHODS["exact_share"]()(Reading(classifier, ids_of(classifier)), 0)
    assert scores.values is None
    assert scores.reason.startswith("Log-sum-exp is not homogeneous in the states, so its vector has no exact split")


def test_the_ladder_starts_at_its_shares_and_the_dial_refuses_it():
    classifier = tiny("bilstm", "log_sum_exp")
    found = ladder(classifier, Request(TEXT, target=0))
    assert found.rungs[0].name == "mean_share"
    assert all(rung.scores is not None for rung in found.rungs)
    with pytest.raises(PoolScopeError, match="Log-sum-exp pooling has no exponent p to turn; choose APLN, GeM or"):
        norm_sweep(classifier, Request(TEXT), [1.0])


# What both learn


@pytest.mark.parametrize(("pooler", "symbol", "start"), [("gem", "p", 3.0), ("log_sum_exp", "b", 1.0)])
def test_training_moves_the_scalar_at_its_own_rate_and_records_it(pooler, symbol, start):
    trained = train(recipe(pooler=pooler, epochs=2, p_lr=0.05), toy())
    (parameter,) = trained.classifier.pooler.learned()
    assert parameter.name == symbol
    assert parameter.initial == (start,)
    best = trained.history[trained.best_epoch - 1]
    assert best["p"] == pytest.approx(list(parameter.values), abs=1e-6)
    assert abs(parameter.values[0] - start) > 1e-3
    assert [at for at, _ in best["p_trajectory"]] == sorted(at for at, _ in best["p_trajectory"])


@pytest.mark.parametrize(
    ("initial", "floor", "ceiling", "symbol", "expected"),
    [
        (0.0, 0.0, math.inf, "b", "b starts at 0.0; expected a finite number above 0.0"),
        (math.inf, 0.0, math.inf, "p", "p starts at inf; expected a finite number above 0.0"),
        (2.5, 1.0, 2.5, "α", "α starts at 2.5; expected a number in (1.0, 2.5)"),
        (math.nan, 1.0, 2.5, "α", "α starts at nan; expected a number in (1.0, 2.5)"),
    ],
)
def test_a_start_outside_the_domain_is_refused(initial, floor, ceiling, symbol, expected):
    with pytest.raises(PoolScopeError) as error:
        Exponent(initial, floor=floor, ceiling=ceiling, symbol=symbol)
    assert str(error.value) == expected


@pytest.mark.parametrize(("floor", "ceiling"), [(1.0, math.inf), (1.01, 2.5)])
@pytest.mark.parametrize("initial", [1.02, 1.5, 2.4])
def test_a_scalar_starts_where_it_was_told_and_stays_in_its_domain(floor, ceiling, initial):
    scalar = Exponent(initial, floor=floor, ceiling=ceiling).double()
    assert float(scalar().detach()) == pytest.approx(initial, rel=1e-6)
    with torch.no_grad():
        for rho in (-30.0, 30.0):
            scalar.rho.fill_(rho)
            assert floor <= float(scalar()) <= ceiling
    assert scalar.domain == ("(1, ∞)" if math.isinf(ceiling) else "(1.01, 2.5)")


@pytest.mark.parametrize("epsilon", [0.0, -1e-6, 1.0, math.nan])
def test_gem_needs_a_positive_floor(epsilon):
    with pytest.raises(PoolScopeError, match=r"gem: epsilon came as .*; expected a number in \(0, 1\)"):
        POOLERS["gem"](SIZE, epsilon=epsilon)
