"""The formulas of the poolers, computed a second time by scipy and numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states
from scipy import special, stats

from models.poolers import POOLERS
from models.poolers.apln import FORMS
from models.poolers.limits import limit_scale


def arrays(hidden, mask):
    """The rows as numpy arrays (N, D) of their own length: no padding, no mask."""
    return [row[keep].numpy() for row, keep in zip(hidden.detach(), mask, strict=True)]


def additive(scorer, h):
    """vᵀ tanh(W h + b), one token at a time."""
    weight, bias = scorer.project.weight.detach().numpy(), scorer.project.bias.detach().numpy()
    vector = scorer.vector.weight.detach().numpy()[0]
    return np.array([sum(vector * np.tanh(weight @ token + bias)) for token in h])


def check(tensor, rows, rtol=1e-12):
    np.testing.assert_allclose(tensor.detach().numpy(), np.stack(rows), rtol=rtol, atol=1e-14)


def check_maps(tensor, rows):
    for mine, row in zip(tensor.detach().numpy(), rows, strict=True):
        np.testing.assert_allclose(mine[: len(row)], row, rtol=1e-12, atol=1e-14)


def test_mean_is_the_arithmetic_mean():
    hidden, mask = states()
    check(POOLERS["mean"](SIZE)(hidden, mask), [h.mean(0) for h in arrays(hidden, mask)])


def test_max_and_its_winners():
    hidden, mask = states()
    pooler = POOLERS["max"](SIZE)
    check(pooler(hidden, mask), [h.max(0) for h in arrays(hidden, mask)])
    winners = [(np.eye(len(h))[h.argmax(0)]).T for h in arrays(hidden, mask)]
    check_maps(pooler.shares(hidden, mask), winners)


def test_tied_winners_divide_the_dimension_and_its_gradient():
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 0.0], [3.0, -1.0]]], requires_grad=True)
    mask = torch.ones(1, 3, dtype=torch.bool)
    pooler = POOLERS["max"](2)
    expected = torch.tensor([[[0.0, 0.5], [0.5, 0.5], [0.5, 0.0]]])
    torch.testing.assert_close(pooler.shares(hidden, mask), expected)
    (gradient,) = torch.autograd.grad(pooler(hidden, mask).sum(), hidden)
    torch.testing.assert_close(gradient, expected)


# As many rows as tokens as dimensions: a softmax over the wrong axis has the right shape here.
@pytest.mark.parametrize("lengths", [(6, 4, 1), (5, 5, 3, 2, 1)])
def test_additive_attention_is_a_softmax_over_tokens(lengths):
    pooler, (hidden, mask) = Variant("attention").build(), states(lengths=lengths)
    maps = [special.softmax(additive(pooler.scorer, h)) for h in arrays(hidden, mask)]
    check_maps(pooler.attention(hidden, mask), maps)
    check(pooler(hidden, mask), [a @ h for a, h in zip(maps, arrays(hidden, mask), strict=True)])


@pytest.mark.parametrize("lengths", [(6, 4, 1), (5, 5, 3, 2, 1)])
def test_scaled_dot_divides_by_the_root_of_the_width(lengths):
    pooler, (hidden, mask) = Variant("scaled_dot").build(), states(lengths=lengths)
    query = pooler.query.detach().numpy()
    maps = [special.softmax([token @ query / np.sqrt(5) for token in h]) for h in arrays(hidden, mask)]
    check_maps(pooler.attention(hidden, mask), maps)
    check(pooler(hidden, mask), [a @ h for a, h in zip(maps, arrays(hidden, mask), strict=True)])


def test_the_scorer_is_that_of_jain_and_wallace():
    scorer = POOLERS["attention"](8).scorer
    assert tuple(scorer.project.weight.shape) == (4, 8)
    assert scorer.project.bias is not None
    assert scorer.vector.bias is None
    assert tuple(POOLERS["attention"](8, attention_size=8).scorer.project.weight.shape) == (8, 8)


def test_learned_norm_is_a_power_mean_of_distances():
    pooler, (hidden, mask) = Variant("learned_norm").build(), states()
    p, c = pooler.exponent.detach().numpy(), pooler.centre.detach().numpy()
    assert len(set(p)) == SIZE
    rows = [[stats.pmean(abs(h[:, d] - c[d]), p[d]) for d in range(SIZE)] for h in arrays(hidden, mask)]
    check(pooler(hidden, mask), rows)
    shares = [special.softmax(p * np.log(abs(h - c)), axis=0) for h in arrays(hidden, mask)]
    check_maps(pooler.shares(hidden, mask), shares)


@pytest.mark.parametrize("per_dimension", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reading", ["A", "B", "C"])
def test_apln_by_numpy(reading, form, per_dimension):
    options = {"reading": reading, "form": form, "per_dimension": per_dimension, "p_initial": 1.7}
    pooler, (hidden, mask) = Variant("apln", options).build(), states()
    exponents = np.broadcast_to(pooler.exponent.detach().numpy(), SIZE)
    assert len(set(exponents)) == (SIZE if per_dimension else 1)
    limited = arrays(limit_scale(hidden, mask, pooler.limit), mask)
    scores = [additive(pooler.scorer, h) for h in arrays(hidden, mask)]
    maps = [special.softmax(s) for s in scores]
    check_maps(pooler.attention(hidden, mask), maps)

    def pool(a, s, z, p):
        if reading == "A":
            return stats.pmean(z, p, weights=special.softmax(p * s))
        return stats.pmean(z, p, weights=a) if reading == "B" else np.linalg.norm(a * z, ord=p)

    def share(a, s, z, p):
        terms = a * z**p if reading == "B" else (a * z) ** p
        return terms / terms.sum()

    texts = list(zip(maps, scores, limited, strict=True))
    by_dimension = list(enumerate(exponents))
    check(pooler(hidden, mask), [[pool(a, s, z[:, d], p) for d, p in by_dimension] for a, s, z in texts], 1e-10)
    shares = [np.stack([share(a, s, z[:, d], p) for d, p in by_dimension], 1) for a, s, z in texts]
    check_maps(pooler.shares(hidden, mask), shares)
    inside = [a if reading == "B" else np.mean([special.softmax(p * s) for p in exponents], 0) for a, s, _ in texts]
    check_maps(pooler.effective(hidden, mask), inside)


@pytest.mark.parametrize("name", ["attention", "scaled_dot", "apln"])
def test_scores_of_any_size_give_a_finite_map(name):
    """Without the maximum subtracted, exp would overflow here."""
    pooler, (hidden, mask) = Variant(name).build(torch.float32), states(torch.float32)
    with torch.no_grad():
        (pooler.query if name == "scaled_dot" else pooler.scorer.vector.weight).mul_(1e5)
    weights = pooler.attention(hidden, mask)
    torch.testing.assert_close(weights.amax(1), torch.ones(3))
    assert torch.equal(weights.argmax(1), pooler.scores(hidden).masked_fill(~mask, -torch.inf).argmax(1))
    assert bool(pooler(hidden, mask).isfinite().all())


@pytest.mark.parametrize("name", ["mean", "max", "attention", "scaled_dot", "apln"])
@pytest.mark.parametrize("length", [1, 2, 30])
def test_equal_states_are_pooled_to_themselves(name, length):
    """Weights that are multiplied but not summed, then averaged, would be off by 1/N."""
    token = torch.tensor([0.5, 1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    pooled = Variant(name).build()(token.expand(1, length, SIZE), torch.ones(1, length, dtype=torch.bool))
    torch.testing.assert_close(pooled.detach()[0], token, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["attention", "scaled_dot", "apln"])
def test_two_texts_do_not_get_one_map(name):
    pooler, (first, mask), (second, _) = Variant(name).build(), states(seed=1), states(seed=2)
    left, right = pooler.attention(first, mask), pooler.attention(second, mask)
    assert bool(((left - right)[0].abs() > 0.01).any())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_state_at_its_centre_counts_as_nothing(dtype):
    """The logarithm of a distance of 0 is −∞: value and gradients must not know."""
    pooler, (hidden, mask) = Variant("learned_norm").build(dtype), states(dtype)
    hidden[0, 0] = hidden[1] = pooler.centre.detach()
    pooled = pooler(hidden.requires_grad_(), mask)
    others = (hidden[:1, 1:] - pooler.centre).abs() ** pooler.exponent
    torch.testing.assert_close(pooled[0], (others.sum(1)[0] / 6) ** (1 / pooler.exponent), rtol=1e-5, atol=0)
    torch.testing.assert_close(pooled[1], torch.zeros(SIZE, dtype=dtype))
    pooled.sum().backward()
    for gradient in (hidden.grad, *(p.grad for p in pooler.parameters())):
        assert bool(gradient.isfinite().all())
    assert bool((hidden.grad[0, 0] == 0).all())


def test_learned_norm_at_one_is_the_mean_distance_learned_or_imposed():
    """A pooler that clamps its input only while p is learned would differ here on signed states."""
    pooler, (hidden, mask) = POOLERS["learned_norm"](SIZE, p_initial=1 + 1e-12).double(), states()
    expected = [abs(h).mean(0) for h in arrays(hidden, mask)]
    check(pooler(hidden, mask), expected, 1e-9)
    check(pooler.pool_at(hidden, mask, 1.0), expected)
    check(pooler.pool_at(hidden, mask, 2.0), [np.sqrt((h**2).mean(0)) for h in arrays(hidden, mask)])
    check(pooler.pool_at(hidden, mask, 1e7), [abs(h).max(0) for h in arrays(hidden, mask)], 1e-6)
