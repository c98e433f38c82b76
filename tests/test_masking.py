"""Masked reductions against scipy and numpy on the real tokens alone, garbage on padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

from models import masking

FUNCTIONS = {
    "masked_mean": lambda v: v.mean(0),
    "masked_max": lambda v: v.max(0),
    "masked_min": lambda v: v.min(0),
    "masked_logsumexp": lambda v: special.logsumexp(v, axis=0),
    "masked_softmax": lambda v: special.softmax(v, axis=0),
    "masked_log_softmax": lambda v: special.log_softmax(v, axis=0),
}
GARBAGE = [1e30, float("nan"), float("inf"), float("-inf")]
numbers = st.floats(-50, 50)


def is_map(name):
    """Whether a function keeps the token axis."""
    return "softmax" in name


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("garbage", GARBAGE)
@settings(max_examples=15, deadline=None)
@given(values=arrays.arrays(np.float64, (4, 3), elements=numbers), length=st.integers(1, 4))
def test_padding_has_no_influence(name, garbage, values, length):
    expected = FUNCTIONS[name](values[:length])
    values[length:] = garbage
    mask = torch.arange(4).unsqueeze(0) < length
    for tensor in (torch.from_numpy(values).unsqueeze(0), torch.from_numpy(values[:, 0]).unsqueeze(0)):
        said = getattr(masking, name)(tensor, mask)[0].numpy()
        wanted = expected if tensor.dim() == 3 else expected[..., 0]
        if is_map(name):
            assert (said[length:] == 0).all()
            said = said[:length]
        np.testing.assert_allclose(said, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("garbage", GARBAGE)
def test_padding_gets_no_gradient_and_gives_none(name, garbage):
    function = getattr(masking, name)
    real = torch.randn(1, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([real, torch.full((1, 2, 2), garbage, dtype=torch.float64)], dim=1).requires_grad_()
    real.requires_grad_()
    function(padded, torch.arange(5).unsqueeze(0) < 3).square().sum().backward()
    function(real, torch.ones(1, 3, dtype=torch.bool)).square().sum().backward()
    assert bool((padded.grad[:, 3:] == 0).all())
    torch.testing.assert_close(padded.grad[:, :3], real.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_the_maximum_is_subtracted_before_exp(size):
    values, mask = torch.tensor([[size, -size, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    assert masking.masked_softmax(values, mask).tolist() == [[1.0, 0.0, 0.0]]
    assert masking.masked_logsumexp(values, mask).tolist() == pytest.approx([size])
    assert masking.masked_log_softmax(values, mask).tolist()[0] == pytest.approx([0.0, -2 * size, -size])


def test_a_finite_log_weight_on_padding_keeps_the_exponent_differentiable():
    logits, mask = torch.randn(2, 4), torch.tensor([[True, True, False, False], [True] * 4])
    p = torch.tensor(2.0, requires_grad=True)
    log_a = masking.masked_log_softmax(logits, mask)
    masking.masked_logsumexp(p * log_a, mask).sum().backward()
    assert bool(p.grad.isfinite())


def test_zero_padding_leaves_its_argument_alone():
    values, mask = torch.full((1, 3, 2), torch.nan), torch.tensor([[True, False, False]])
    values[:, 0] = 1.0
    assert torch.equal(masking.zero_padding(values, mask)[0, :, 0], torch.tensor([1.0, 0.0, 0.0]))
    assert bool(values[:, 1:].isnan().all())
