"""What twins are trained on and measured by, against scipy, numpy and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from models.masking import masked_log_softmax, masked_softmax
from models.twins.measures import conicity, jensen_shannon, kullback_leibler, permitted_mass, total_variation

MASK = torch.tensor([[True] * 5, [True, True, True, False, False], [True, False, False, False, False]])


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_total_variation_is_half_the_sum_and_the_difference_of_two_classes():
    p, q = drawn(4, 3).softmax(1), drawn(4, 3, seed=1).softmax(1)
    np.testing.assert_allclose(total_variation(p, q), 0.5 * np.abs(p.numpy() - q.numpy()).sum(1), rtol=1e-12)
    one, other = torch.tensor([[0.9, 0.1]]), torch.tensor([[0.4, 0.6]])
    assert float(total_variation(one, other)) == pytest.approx(0.5)


def test_divergences_are_scipys():
    logits, others = drawn(3, 5), drawn(3, 5, seed=1)
    a, b = masked_softmax(logits, MASK), masked_softmax(others, MASK)
    kl = kullback_leibler(masked_log_softmax(logits, MASK), masked_log_softmax(others, MASK))
    np.testing.assert_allclose(kl, rel_entr(a.numpy(), b.numpy()).sum(1), atol=1e-12)
    np.testing.assert_allclose(jensen_shannon(a, b), jensenshannon(a.numpy(), b.numpy(), axis=1) ** 2, atol=1e-12)
    assert float(kl[0]) > 0.1
    apart = jensen_shannon(torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]]))
    assert float(apart) == pytest.approx(math.log(2))


def test_a_vanishing_base_weight_leaves_the_divergence_finite():
    far = torch.tensor([[0.0, -2000.0]], dtype=torch.float64)
    log = masked_log_softmax(far, torch.ones(1, 2, dtype=torch.bool))
    even = torch.full((1, 2), math.log(0.5), dtype=torch.float64)
    assert float(kullback_leibler(even, log)) == pytest.approx(1000 - math.log(2))


def test_permitted_mass_keeps_its_digits():
    attention = torch.tensor([[1.0, 1e-20, 2e-20]])
    assert float(permitted_mass(attention, torch.tensor([[True, False, False]]))) == pytest.approx(3e-20)


def test_conicity_by_numpy_whatever_stands_on_padding():
    hidden = drawn(3, 5, 4)
    found = conicity(torch.where(MASK.unsqueeze(-1), hidden, torch.full((), torch.nan, dtype=torch.float64)), MASK)
    for row, length in enumerate(MASK.sum(1).tolist()):
        states = hidden[row, :length].numpy()
        mean = states.mean(0)
        cosines = [abs(h @ mean) / np.linalg.norm(h) / np.linalg.norm(mean) for h in states]
        assert float(found[row]) == pytest.approx(np.mean(cosines), abs=1e-12)
    assert float(found[2]) == pytest.approx(1)
    # Nor does what stands there reach a gradient.
    soiled = hidden.masked_fill(~MASK.unsqueeze(-1), torch.nan).requires_grad_()
    conicity(soiled, MASK).sum().backward()
    assert bool(soiled.grad.isfinite().all())
    # One direction with any lengths is the narrowest cone; a right angle is not.
    line = torch.tensor([[[1.0, 0.0], [3.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    assert conicity(line, torch.ones(2, 2, dtype=torch.bool)).tolist() == pytest.approx([1, math.sqrt(0.5)])


def test_gradients_are_those_of_finite_differences():
    logits = drawn(3, 5).requires_grad_()
    others, classes = drawn(3, 5, seed=1), drawn(3, 2, seed=2).softmax(1)
    base = masked_log_softmax(others, MASK)
    assert torch.autograd.gradcheck(lambda x: kullback_leibler(masked_log_softmax(x, MASK), base), logits)
    assert torch.autograd.gradcheck(lambda x: jensen_shannon(x.softmax(1), base.exp()), logits)
    assert torch.autograd.gradcheck(lambda x: total_variation(x[:, :2].softmax(1), classes), logits)
    assert torch.autograd.gradcheck(lambda x: conicity(x, MASK), drawn(3, 5, 4).requires_grad_())
