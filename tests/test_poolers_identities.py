"""The identities of APLN: what its readings become at p = 1, 0 and ∞, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states
from scipy import special, stats

from models.poolers.apln import FORMS, READINGS
from models.poolers.limits import LIMITS, limit_scale

each_reading = pytest.mark.parametrize("reading", READINGS)


@pytest.fixture
def given():
    """States, mask, and what all readings share: a (B, T), s (B, T), z (B, T, D) of relu_clip."""
    hidden, mask = states(lengths=(6, 6, 6))
    hidden = hidden.abs() + 0.1
    pooler = apln("A")
    scores = pooler.scores(hidden).detach()
    return hidden, mask, scores, torch.from_numpy(special.softmax(scores.numpy(), axis=1)), hidden


def apln(reading, **options):
    """Pooler of one reading; those of one seed have the same scorer."""
    return Variant("apln", {"reading": reading, **options}).build().requires_grad_(False)


@each_reading
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", LIMITS)
def test_p_of_one_is_attentive_pooling(reading, form, limit):
    hidden, mask = states()
    pooler = apln(reading, form=form, limit=limit)
    z = limit_scale(hidden, mask, limit)
    plain = torch.einsum("bt,btd->bd", pooler.attention(hidden, mask), z.masked_fill(~mask.unsqueeze(-1), 0))
    torch.testing.assert_close(pooler.pool_at(hidden, mask, 1.0), plain, rtol=1e-12, atol=0)
    torch.testing.assert_close(pooler.effective_at(hidden, mask, 1.0), pooler.attention(hidden, mask))


@pytest.mark.parametrize("p", [0.05, 0.5, 1.0, 3.0, 40.0])
def test_p_is_also_the_inverse_temperature_of_the_attention(given, p):
    """Reading A is the power mean of z under softmax(p·s)."""
    hidden, mask, scores, _, z = given
    sharp = special.softmax(p * scores.numpy(), axis=1)
    pooler = apln("A")
    np.testing.assert_allclose(pooler.effective_at(hidden, mask, p), sharp, rtol=1e-10)
    mean = [[stats.pmean(z[b, :, d].numpy(), p, weights=sharp[b]) for d in range(SIZE)] for b in range(3)]
    np.testing.assert_allclose(pooler.pool_at(hidden, mask, p), mean, rtol=1e-10)


@each_reading
def test_p_to_infinity(given, reading):
    hidden, mask, _, a, z = given
    heavy = a.unsqueeze(-1) * z
    limit = {
        "A": heavy.amax(1) / a.amax(1, keepdim=True), "B": z.amax(1), "C": heavy.amax(1),
    }[reading]  # fmt: skip
    error = [float((apln(reading).pool_at(hidden, mask, p) / limit - 1).abs().max()) for p in (2, 30, 1e7)]
    assert error[0] > error[1] >= error[2]
    assert error[2] < 1e-5


@pytest.mark.parametrize("reading", ["A", "B"])
def test_p_to_zero_is_a_geometric_mean(given, reading):
    hidden, mask, _, a, z = given
    weights = None if reading == "A" else a.unsqueeze(-1).expand_as(z).numpy()
    limit = stats.gmean(z.numpy(), axis=1, weights=weights)
    error = [np.abs(apln(reading).pool_at(hidden, mask, p).numpy() / limit - 1).max() for p in (1e-2, 1e-4, 1e-6)]
    assert error[0] > error[1] > error[2]
    assert error[2] < 1e-5
    if reading == "A":
        torch.testing.assert_close(apln("A").effective_at(hidden, mask, 1e-9), torch.full_like(a, 1 / 6))


def test_b_never_falls_as_p_grows_and_a_may(given):
    hidden, mask = given[:2]
    grid = np.geomspace(0.05, 50, 60)
    rising = torch.stack([apln("B").pool_at(hidden, mask, p) for p in grid]).diff(dim=0)
    assert bool((rising >= 0).all())
    assert bool((rising > 0).any(0).all())
    # Nearly all attention on the small state: sharpening it pulls the mean of reading A down.
    small, weights = torch.tensor([[[0.1], [1.0]]]), torch.tensor([[0.9, 0.1]])
    pooler, mask = Variant("apln", {"reading": "A"}).build(torch.float32, size=1), torch.ones(1, 2, dtype=torch.bool)
    at = {p: float(pooler.pool_at(small, mask, p, weights).detach()) for p in (1.0, 2.0, 1e4)}
    assert at[1.0] == pytest.approx(0.19, rel=1e-5)
    assert at[2.0] == pytest.approx(((0.09**2 + 0.1**2) / (0.9**2 + 0.1**2)) ** 0.5, rel=1e-5)
    assert at[1e4] == pytest.approx(0.1 / 0.9, rel=1e-3)
    assert at[1.0] > at[2.0] > at[1e4]


@each_reading
@pytest.mark.parametrize("p", [0.3, 1.0, 4.0])
def test_token_share_is_the_logarithmic_derivative(given, reading, p):
    """∂r_d/∂h_id = w_id r_d / h_id with a held, and w sums to 1."""
    hidden, mask, _, a, _ = given
    pooler = apln(reading)
    leaf = hidden.clone().requires_grad_()
    pooled = pooler.pool_at(leaf, mask, p, a)
    (gradient,) = torch.autograd.grad(pooled.sum(), leaf)
    shares = pooler.shares_at(hidden, mask, p, a)
    torch.testing.assert_close(gradient, shares * pooled.detach().unsqueeze(1) / hidden, rtol=1e-10, atol=0)
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))
    heavy = a.unsqueeze(-1) * hidden**p if reading == "B" else (a.unsqueeze(-1) * hidden) ** p
    torch.testing.assert_close(shares, heavy / heavy.sum(1, keepdim=True), rtol=1e-10, atol=0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("p", [0.3, 1.0, 4.0])
def test_derivative_by_p_in_closed_form(given, form, p):
    """∂ log r_d/∂p = −(1/p²) log M_d + (1/p)[Σ_i w_id log(a_i h_id) − Σ_i v_i log a_i]."""
    hidden, mask, _, a, z = given
    exponent = torch.tensor([p] * SIZE, dtype=torch.float64, requires_grad=True)
    pooled = apln("A", form=form).pool_at(hidden, mask, exponent)
    (by_autograd,) = torch.autograd.grad(pooled[0].log().sum(), exponent)
    a, z = a[0].numpy()[:, None], z[0].numpy()
    heavy = (a * z) ** p
    m = heavy.sum(0) / (a**p).sum(0)
    w, v = heavy / heavy.sum(0), a**p / (a**p).sum(0)
    by_hand = -np.log(m) / p**2 + ((w * np.log(a * z)).sum(0) - (v * np.log(a)).sum(0)) / p
    np.testing.assert_allclose(by_autograd.numpy(), by_hand, rtol=1e-9, atol=1e-12)


@each_reading
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("per_dimension", [False, True])
def test_log_form_is_the_pow_form(reading, limit, per_dimension):
    hidden, mask = states()
    options = {"limit": limit, "per_dimension": per_dimension, "p_initial": 1.7}
    grown = []
    for form in FORMS:
        pooler = Variant("apln", {"reading": reading, "form": form, **options}).build()
        leaf = hidden.clone().requires_grad_()
        pooled = pooler(leaf, mask)
        pooled.square().sum().backward()
        grown.append([pooled.detach(), leaf.grad, *(p.grad for p in pooler.parameters())])
    for log, power in zip(*grown, strict=True):
        torch.testing.assert_close(log, power, rtol=1e-9, atol=1e-12)


def test_only_the_log_form_survives_large_exponents_in_single_precision():
    hidden, mask = states(torch.float32)
    hidden = hidden.abs() * 0.1
    pooled = {form: apln("A", form=form).float().pool_at(hidden, mask, 50.0) for form in FORMS}
    assert not bool(((pooled["pow"] > 0) & pooled["pow"].isfinite()).all()), "the pow form has grown robust: say so"
    exact = apln("A").pool_at(hidden.double(), mask, 50.0)
    torch.testing.assert_close(pooled["log"].double(), exact, rtol=1e-5, atol=0)


def test_one_exponent_per_row_is_a_sweep_in_one_call(given):
    hidden, mask = given[:2]
    ps = [0.1, 2.0, 30.0]
    once = hidden[:1].expand(3, -1, -1)
    for pooler in (apln("A"), apln("B", form="pow"), Variant("learned_norm").build().requires_grad_(False)):
        together = pooler.pool_at(once, mask, torch.tensor(ps).reshape(3, 1, 1))
        one_by_one = torch.cat([pooler.pool_at(hidden[:1], mask[:1], p) for p in ps])
        torch.testing.assert_close(together, one_by_one, rtol=1e-6, atol=0)


def test_a_weight_of_zero_takes_the_token_out(given):
    hidden, mask, _, a, _ = given
    fewer = a.clone()
    fewer[:, 2] = 0
    kept = [0, 1, 3, 4, 5]
    for reading in READINGS:
        for form in FORMS:
            pooler = apln(reading, form=form)
            expected = pooler(hidden[:, kept], mask[:, kept], a[:, kept])
            torch.testing.assert_close(pooler(hidden, mask, fewer), expected, rtol=1e-12, atol=0)
            assert bool((pooler.shares(hidden, mask, fewer)[:, 2] == 0).all())
            # Below p = 1 the derivative of 0^p is infinite: the token must be out, not merely weigh 0.
            leaves = [hidden.clone().requires_grad_(), torch.tensor(0.5, dtype=torch.float64, requires_grad=True)]
            for gradient in torch.autograd.grad(pooler.pool_at(leaves[0], mask, leaves[1], fewer).sum(), leaves):
                assert bool(gradient.isfinite().all())
