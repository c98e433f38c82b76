"""The weighted power mean and its derivative in closed form, against other roads to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import pmean

from models.masking import masked_log_softmax
from models.poolers import power_mean as module
from models.poolers.power_mean import power_mean

SHAPES = {
    "one p": ((3, 4, 1), (1,)),
    "a p per dimension": ((3, 4, 5), (5,)),
    "a p per text": ((3, 4, 1), (3, 1, 1)),
    "a weight per dimension": ((3, 4, 5), (1,)),
}
each_shape = pytest.mark.parametrize(("c_shape", "p_shape"), SHAPES.values(), ids=SHAPES)
MASK = torch.tensor([[True, True, True, True], [True, True, False, False], [True, False, True, False]])


def given(c_shape, p_shape):
    generator = torch.Generator().manual_seed(1)
    z = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64) * 3 + 0.05
    c = torch.randn(c_shape, generator=generator, dtype=torch.float64)
    p = torch.rand(p_shape, generator=generator, dtype=torch.float64) * 3 + 0.2
    return z, c, p


@each_shape
def test_it_is_scipys_weighted_power_mean(c_shape, p_shape):
    z, c, p = given(c_shape, p_shape)
    found = power_mean(z, c, p, MASK)
    weights, exponents = c.exp().expand(3, 4, 5).numpy(), p.expand(3, 1, 5).numpy()
    for text, dimension in np.ndindex(3, 5):
        live, exponent = MASK[text].numpy(), exponents[text, 0, dimension]
        w, x = weights[text, live, dimension], z[text, live, dimension].numpy()
        # scipy's weights are made to sum to 1, ours are taken as they are.
        expected = pmean(x, exponent, weights=w) * w.sum() ** (1 / exponent)
        assert float(found[text, dimension]) == pytest.approx(expected, rel=1e-12)


@each_shape
def test_its_derivatives_are_those_of_finite_differences(c_shape, p_shape):
    leaves = [value.requires_grad_() for value in given(c_shape, p_shape)]
    assert torch.autograd.gradcheck(lambda z, c, p: power_mean(z, c, p, MASK), leaves, eps=1e-6, atol=1e-7, rtol=1e-5)


def test_a_second_derivative_is_refused_and_not_wrong():
    z, c, p = (value.requires_grad_() for value in given(*SHAPES["one p"]))
    (first,) = torch.autograd.grad(power_mean(z, c, p, MASK).square().sum(), z, create_graph=True)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(first.sum(), z)


@pytest.mark.parametrize("p", [1e-3, 50.0, 500.0])
def test_no_exponent_overflows_in_single_precision(p):
    z, c, _ = given(*SHAPES["one p"])
    single = z.float().requires_grad_()
    found = power_mean(single, masked_log_softmax(c.float(), MASK), torch.tensor([p]), MASK)
    found.sum().backward()
    assert bool(found.isfinite().all() and (found > 0).all() and single.grad.isfinite().all())
    assert bool((single.grad[~MASK] == 0).all())


def test_half_precision_is_computed_in_single_and_comes_back_as_half():
    z, c, p = (value.to(torch.bfloat16) for value in given(*SHAPES["one p"]))
    z.requires_grad_()
    found = power_mean(z, c, p, MASK)
    found.sum().backward()
    assert found.dtype == z.grad.dtype == torch.bfloat16
    expected = power_mean(z.detach().float(), c.float(), p.float(), MASK)
    assert torch.equal(found, expected.to(torch.bfloat16))


@each_shape
def test_limits_are_a_clamp_before_it_in_value_and_derivative(c_shape, p_shape):
    z, c, p = given(c_shape, p_shape)
    # Some states lie beyond either limit, one on each of them.
    states = (z - 0.8).clone()
    states[0, 0, 0], states[0, 1, 0] = 0.1, 1.5
    assert int((states < 0.1).sum()) > 3 < int((states > 1.5).sum())

    def both(pooled):
        leaves = [value.clone().requires_grad_() for value in (states, c, p)]
        found = pooled(*leaves)
        return found, torch.autograd.grad(found.square().sum(), leaves)

    inside = both(lambda h, c, p: power_mean(h, c, p, MASK, 0.1, 1.5))
    before = both(lambda h, c, p: power_mean(h.clamp(0.1, 1.5), c, p, MASK))
    assert torch.equal(inside[0], before[0])
    for found, expected in zip(inside[1], before[1], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-15)


@each_shape
@pytest.mark.parametrize("mask", [MASK, torch.ones_like(MASK)], ids=["padding", "whole"])
def test_texts_taken_a_few_at_a_time_give_what_all_at_once_do(monkeypatch, c_shape, p_shape, mask):
    def both(cells):
        monkeypatch.setattr(module, "SLICE", cells)
        leaves = [value.requires_grad_() for value in given(c_shape, p_shape)]
        found = power_mean(*leaves, mask)
        return found, *torch.autograd.grad(found.square().sum(), leaves)

    # Texts of 20 numbers: two at a time, then one, and each alone although none fits.
    whole = both(60)
    for cells in (40, 20, 1):
        for found, expected in zip(both(cells), whole, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_exponential_is_torchs_where_it_is_a_normal_number_and_nothing_below(dtype):
    least = float(np.log(torch.finfo(dtype).tiny))
    values = torch.linspace(1.5 * least, 0, 4001, dtype=dtype)
    found, expected = module._exp(values.clone()), values.exp()
    normal = values > least + 1.2
    assert torch.equal(found[normal], expected[normal])
    assert bool((found[values < least + 1] == 0).all())
    assert module._exp(torch.tensor([-torch.inf, 0.0], dtype=dtype)).tolist() == [0.0, 1.0]
