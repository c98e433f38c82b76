"""Sparsemax and α-entmax: published vectors, both ends of α, and zeros that are zeros."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from entmax import entmax15
from pooler_variants import SIZE, Variant, states
from scipy import optimize, special
from tiny_classifiers import NOT_OVER_LSTM, TEXT, ids_of, tiny
from toy_data import recipe, toy

from models.analysis import analyse
from models.attribution import METHODS
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.experiments.ladder import ladder
from models.poolers import POOLERS
from models.poolers.entmax import HIGHEST, LOWEST, entmax_weights
from models.poolers.sparsemax import sparsemax_weights
from models.records import MethodCall, Request
from models.training.trainer import train

X = torch.tensor([[-2.0, 0.0, 0.5]], dtype=torch.float64)
ALL = torch.ones(1, 3, dtype=torch.bool)
SPARSE = ("sparsemax", "entmax")


def scattered(size=3.0):
    """Scores (4, 12) of texts with 12, 9, 5 and 1 tokens, and their mask."""
    generator = torch.Generator().manual_seed(7)
    scores = size * torch.randn(4, 12, generator=generator, dtype=torch.float64)
    return scores, torch.arange(12) < torch.tensor([12, 9, 5, 1]).unsqueeze(1)


def test_the_published_vectors():
    np.testing.assert_allclose(sparsemax_weights(X, ALL), [[0, 0.25, 0.75]], atol=1e-15)
    np.testing.assert_allclose(entmax_weights(X, ALL, 1.5), [[0, 0.3260, 0.6740]], atol=5e-5)
    np.testing.assert_allclose(special.softmax(X.numpy(), 1), [[0.0486, 0.3592, 0.5922]], atol=5e-5)
    np.testing.assert_allclose(entmax_weights(X, ALL, 1 + 1e-7), special.softmax(X.numpy(), 1), atol=1e-6)


def test_alpha_of_two_is_sparsemax_and_of_one_and_a_half_the_exact_algorithm():
    scores, mask = scattered()
    torch.testing.assert_close(entmax_weights(scores, mask, 2.0), sparsemax_weights(scores, mask), rtol=0, atol=1e-12)
    for row, keep, said in zip(scores, mask, entmax_weights(scores, mask, 1.5), strict=True):
        torch.testing.assert_close(said[keep], entmax15(row[keep], dim=0), rtol=0, atol=1e-10)


def test_alpha_to_one_is_softmax():
    scores, mask = scattered()
    errors = []
    for alpha in (1.1, 1.01, 1.001):
        said = entmax_weights(scores, mask, alpha)
        errors.append(max(
            np.abs(row[keep] - special.softmax(s[keep])).max()
            for row, s, keep in zip(said.numpy(), scores.numpy(), mask.numpy(), strict=True)
        ))  # fmt: skip
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert errors[2] < 1e-3


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    scores, mask = scattered(size=0.6)
    for row, keep, said in zip(scores.numpy(), mask.numpy(), sparsemax_weights(scores, mask).numpy(), strict=True):
        s = row[keep]
        # The projection is max(s − τ, 0) with the τ at which it sums to 1.
        tau = optimize.brentq(lambda t, s=s: np.maximum(s - t, 0).sum() - 1, s.min() - 1, s.max())
        np.testing.assert_allclose(said[keep], np.maximum(s - tau, 0), atol=1e-9)
        assert (said[~keep] == 0).all()


@pytest.mark.parametrize("alpha", [1.2, 1.5, 2.4])
def test_entmax_maximises_its_objective(alpha):
    """sᵀa + (Σ a − Σ a^α) / (α(α−1)) on the simplex, against scipy's general solver."""
    s = np.array([0.4, -0.3, 1.1, 0.0])
    said = entmax_weights(torch.from_numpy(s)[None], torch.ones(1, 4, dtype=torch.bool), alpha)[0].numpy()

    def loss(a):
        return -(s @ a + (a.sum() - (np.clip(a, 0, None) ** alpha).sum()) / (alpha * (alpha - 1)))

    best = optimize.minimize(
        loss, np.full(4, 0.25), method="SLSQP", bounds=[(0, 1)] * 4, tol=1e-14,
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1},
    )  # fmt: skip
    np.testing.assert_allclose(said, best.x, atol=2e-6)
    assert loss(said) <= best.fun + 1e-12


def test_a_larger_alpha_leaves_more_tokens_out():
    scores, mask = scattered(size=1.0)
    zeros = [int((entmax_weights(scores, mask, a)[mask] == 0).sum()) for a in (1.01, 1.3, 1.5, 2.0, HIGHEST)]
    assert zeros[0] == 0
    assert zeros == sorted(zeros)
    assert len(set(zeros)) >= 4


@pytest.mark.parametrize("alpha", [1.05, 1.5, 2.0, 2.4])
def test_the_gradient_by_alpha_and_scores_is_that_of_finite_differences(alpha):
    scores, mask = scattered(size=0.4)
    leaves = (scores.clone().requires_grad_(), torch.tensor([alpha], dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(
        lambda s, a: entmax_weights(s, mask, a), leaves, eps=1e-6, atol=1e-5, rtol=1e-4
    )  # fmt: skip


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_score_far_below_the_best_is_exactly_out(name, dtype):
    torch.manual_seed(1)
    pooler = POOLERS[name](SIZE).to(dtype)
    hidden, mask = states(dtype)
    with torch.no_grad():
        pooler.scorer.vector.weight.mul_(30)
    weights = pooler.attention(hidden, mask).detach()
    out = (weights == 0) & mask
    assert bool(out[:2].any(1).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=dtype), rtol=0, atol=1e-6)
    # It is not read: whatever small thing happens to its state, the vector stays to the bit.
    row, place = map(int, out.nonzero()[0])
    moved = hidden.clone()
    moved[row, place] += 1e-3
    assert torch.equal(pooler(moved, mask)[row], pooler(hidden, mask)[row])
    leaf = hidden.clone().requires_grad_()
    pooler(leaf, mask).square().sum().backward()
    assert bool((leaf.grad[out] == 0).all())
    assert bool((leaf.grad[mask & ~out].abs().amax(-1) > 0).all())
    assert bool((pooler.shares(hidden, mask)[out] == 0).all())


@pytest.mark.parametrize("name", SPARSE)
def test_imposed_weights_replace_the_projection(name):
    pooler, (hidden, mask) = Variant(name).build(), states()
    weights = torch.zeros_like(mask, dtype=torch.float64)
    weights[:, 0] = 0.25
    weights[:2, 3] = 0.75
    weights[2, 0] = 1
    expected = torch.einsum("bt,btd->bd", weights, hidden)
    torch.testing.assert_close(pooler(hidden, mask, weights), expected)
    assert torch.equal(pooler.shares(hidden, mask, weights)[..., 0], weights)


@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e6])
@pytest.mark.parametrize("alpha", [LOWEST + 1e-4, 1.5, HIGHEST - 1e-4])
def test_scores_of_any_size_give_a_distribution_and_finite_gradients(scale, alpha):
    scores, mask = scattered()
    leaf = (scale * scores).float().requires_grad_()
    exponent = torch.tensor([alpha], requires_grad=True)
    for weights in (entmax_weights(leaf, mask, exponent), sparsemax_weights(leaf, mask)):
        torch.testing.assert_close(weights.sum(1), torch.ones(4), rtol=0, atol=1e-5)
        assert bool((weights[~mask] == 0).all())
        grads = torch.autograd.grad((weights * scores).sum(), (leaf, exponent), allow_unused=True)
        assert all(g is None or bool(g.isfinite().all()) for g in grads)


def test_one_token_and_ties():
    one = torch.ones(1, 1, dtype=torch.bool)
    same, mask = torch.full((1, 4), 3.0), torch.tensor([[True, True, True, False]])
    for project in (sparsemax_weights, lambda s, m: entmax_weights(s, m, 1.5)):
        assert torch.equal(project(torch.tensor([[-7.0]]), one), torch.tensor([[1.0]]))
        torch.testing.assert_close(project(same, mask), torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0]]))


def test_alpha_is_reported_with_its_start_and_domain():
    (parameter,) = POOLERS["entmax"](SIZE).learned()
    assert (parameter.name, parameter.domain) == ("α", "(1.01, 2.5)")
    assert parameter.initial == (1.5,)
    assert parameter.values == pytest.approx((1.5,), rel=1e-6)
    assert POOLERS["sparsemax"](SIZE).learned() == ()


@pytest.mark.parametrize("alpha", [1.0, 2.5, 3, -1.0])
def test_alpha_must_start_inside_its_domain(alpha):
    with pytest.raises(PoolScopeError, match=r"^α starts at .*; expected a number in \(1.01, 2.5\)$"):
        POOLERS["entmax"](SIZE, alpha_initial=alpha)


def test_training_moves_alpha_and_records_it():
    trained = train(recipe(pooler="entmax", epochs=2, p_lr=0.1), toy())
    (parameter,) = trained.classifier.pooler.learned()
    assert abs(parameter.values[0] - 1.5) > 1e-3
    assert LOWEST < parameter.values[0] < HIGHEST
    assert trained.history[trained.best_epoch - 1]["p"] == pytest.approx(list(parameter.values), abs=1e-6)


@pytest.mark.parametrize("name", SPARSE)
def test_an_analysis_with_zeros_in_it(name):
    """Exact zeros reach every map as zeros, and no map or rung falls over them."""
    classifier = tiny("bilstm", name)
    with torch.no_grad():
        classifier.pooler.scorer.vector.weight.mul_(30)
    found = analyse(classifier, Request(TEXT, tuple(map(MethodCall, METHODS)), target=1))
    weights = found.trace.weights
    assert 0 < weights.count(0.0) < len(weights) - 1
    maps = {a.method: a.scores for a in found.attributions}
    # Thirteen words are too many for one of them.
    assert {name for name, scores in maps.items() if scores is None} == {"shapley_exact", *NOT_OVER_LSTM}
    for method in ("attention_norm", "exact_share"):
        assert [value == 0 for value in maps[method]] == [weight == 0 for weight in weights]
    reading = Reading(classifier, ids_of(classifier))
    assert sum(maps["exact_share"]) == pytest.approx(reading.logit(1) - float(classifier.head.bias[1]), abs=1e-5)
    # A word whose state weighs nothing still has an embedding that its neighbours read.
    assert all(value != 0 for value in maps["input_gradient"])
    assert ladder(classifier, Request(TEXT)).weakest is not None
