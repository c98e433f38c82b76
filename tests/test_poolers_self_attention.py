"""Self-attention against torch's own, and the claim that the weights shown are the weights used."""

from __future__ import annotations

import math

import pytest
import torch
from pooler_variants import SIZE, Variant, states
from tiny_classifiers import ids_of, tiny
from torch.nn import functional as F
from toy_data import recipe, toy

from models.attribution import METHODS
from models.attribution.reading import Reading
from models.errors import PoolScopeError
from models.poolers import POOLERS
from models.training.trainer import train

EVEN = [(heads, then) for heads in (1, 2, 3) for then in ("mean", "query")]
each_kind = pytest.mark.parametrize(("heads", "then"), EVEN)


def build(size=6, **options):
    return Variant("self_attention", options).build(size=size).requires_grad_(False)


def rows_of(pooler, mixed, real):
    """Weights b (N,): how the mixed states (N, D) of one text are averaged."""
    if pooler.then == "mean":
        return torch.full((real,), 1 / real, dtype=torch.float64)
    return (mixed @ pooler.summary / math.sqrt(mixed.shape[-1])).softmax(0)


@each_kind
def test_the_mixed_states_are_torchs_and_the_weights_the_means_of_its_maps(heads, then):
    """A head's token weight is its map averaged over the real rows, whatever stands in the padded ones."""
    pooler, (hidden, mask) = build(heads=heads, then=then), states(size=6)
    theirs = torch.nn.MultiheadAttention(6, heads, bias=False, batch_first=True).double().eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([pooler.query.weight, pooler.key.weight, pooler.value.weight]))
        theirs.out_proj.weight.copy_(torch.eye(6))
        mixed, maps = theirs(hidden, hidden, hidden, key_padding_mask=~mask, average_attn_weights=False)
    weights, said = pooler.head_weights(hidden, mask), pooler.maps(hidden, mask)
    for row, real in enumerate(mask.sum(1).tolist()):
        b = rows_of(pooler, mixed[row, :real], real)
        torch.testing.assert_close(pooler(hidden, mask)[row], b @ mixed[row, :real])
        composed = torch.einsum("j,hji->ih", b, maps[row, :, :real])
        torch.testing.assert_close(weights[row], composed)
        torch.testing.assert_close(pooler.attention(hidden, mask)[row], composed.mean(-1))
        if then == "query":
            torch.testing.assert_close(said["query"][row, :real], b)
    assert list(said) == [f"head {i + 1}" for i in range(heads if heads > 1 else 0)] + ["query"] * (then == "query")
    for head in range(heads if heads > 1 else 0):
        assert torch.equal(said[f"head {head + 1}"], weights[..., head])


@each_kind
def test_every_dimension_is_its_heads_weights_on_projected_states(heads, then):
    """r_d = Σ_i w_i v_id, term by term; a width of 5 falls into heads of 3 + 2 and of 2 + 2 + 1."""
    pooler, (hidden, mask) = build(SIZE, heads=heads, then=then), states()
    widths = {1: [5], 2: [3, 2], 3: [2, 2, 1]}[heads]
    pooled, shares, parts = pooler(hidden, mask), pooler.shares(hidden, mask), pooler.contributions(hidden, mask)
    for row, real in enumerate(mask.sum(1).tolist()):
        h = hidden[row, :real]
        q, k, v = (h @ part.weight.T for part in (pooler.query, pooler.key, pooler.value))
        heads_of = zip(*(part.split(widths, -1) for part in (q, k, v)), strict=True)
        mixed = torch.cat([F.scaled_dot_product_attention(*one) for one in heads_of], dim=-1)
        torch.testing.assert_close(pooled[row], rows_of(pooler, mixed, real) @ mixed)
        d = 0
        for head, width in enumerate(widths):
            for _ in range(width):
                w = pooler.head_weights(hidden, mask)[row, :real, head]
                torch.testing.assert_close(shares[row, :real, d], w)
                torch.testing.assert_close(parts[row, :real, d], w * v[:, d])
                total = sum(float(w[i] * v[i, d]) for i in range(real))
                assert float(pooled[row, d]) == pytest.approx(total, abs=1e-12)
                d += 1
        assert d == SIZE
    if heads > 1:
        assert bool((shares[0, :, 0] - shares[0, :, -1]).abs().max() > 1e-2), "two heads with one map tell nothing"


def test_imposed_weights_are_used_by_every_head_or_head_by_head():
    pooler, (hidden, mask) = build(SIZE, heads=2), states()
    imposed = torch.where(mask, torch.arange(1.0, 7.0, dtype=torch.float64), 0)
    values = hidden @ pooler.value.weight.T
    torch.testing.assert_close(pooler(hidden, mask, imposed), torch.einsum("bt,btd->bd", imposed, values))
    each = torch.stack([imposed, imposed.square()], -1)
    both = pooler(hidden, mask, each)
    torch.testing.assert_close(both[:, :3], pooler(hidden, mask, each[..., 0])[:, :3])
    torch.testing.assert_close(both[:, 3:], pooler(hidden, mask, each[..., 1])[:, 3:])
    with pytest.raises(PoolScopeError, match=r"weights came as \(3, 6, 3\); expected \(3, 6\)"):
        pooler(hidden, mask, each[..., [0, 1, 1]])
    each[0, 1, 1] = -1
    with pytest.raises(PoolScopeError, match="must be finite, ≥ 0"):
        pooler(hidden, mask, each)


def test_held_attention_holds_every_head_and_not_their_mean():
    """With the mean imposed on both heads the derivative would be that of another vector, at another place."""
    pooler, (hidden, mask) = build(SIZE, heads=2), states(lengths=(6,))
    weights = pooler.head_weights(hidden, mask)
    leaf = hidden.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(pooler.held(leaf, mask).sum(), leaf)
    expected = torch.stack(
        [sum(weights[0, i, 0 if d < 3 else 1] * pooler.value.weight[d] for d in range(SIZE)) for i in range(6)]
    )
    torch.testing.assert_close(gradient[0], expected)
    torch.testing.assert_close(pooler.held(hidden, mask), pooler(hidden, mask))
    assert bool((pooler(hidden, mask, weights.mean(-1)) - pooler(hidden, mask)).abs().max() > 1e-2)


def test_a_classifiers_detached_gradient_is_the_held_one():
    classifier = tiny("identity", "self_attention", double=True)
    reading = Reading(classifier, ids_of(classifier))
    weights = classifier.pooler.head_weights(reading.hidden, reading.mask)[0]
    head = classifier.head.weight[1].split(classifier.pooler.state_size // 2)
    values = classifier.pooler.value.weight.split(classifier.pooler.state_size // 2)
    expected = sum(weights[:, k, None] * (head[k] @ values[k]) for k in range(2))
    torch.testing.assert_close(reading.embedding_gradient(1, detached=True), expected)
    assert not torch.allclose(reading.embedding_gradient(1), expected)


def test_attention_times_norm_takes_the_length_of_what_is_weighed():
    classifier = tiny("identity", "self_attention", double=True)
    reading = Reading(classifier, ids_of(classifier))
    projected = reading.hidden[0] @ classifier.pooler.value.weight.T
    expected = [float(a) * math.hypot(*v.tolist()) for a, v in zip(reading.weights[0], projected, strict=True)]
    assert METHODS["attention_norm"]()(reading, 0).values == pytest.approx(expected, rel=1e-12)


def test_the_logits_of_a_head_start_with_the_spread_of_the_states():
    """Xavier's start: for states of unit variance Q h · K h / √d has variance 1, neither flat nor a maximum."""
    torch.manual_seed(0)
    pooler = POOLERS["self_attention"](64, heads=4).requires_grad_(False)
    hidden = torch.randn(1, 400, 64)
    q, k = (part(hidden)[0].split(16, -1) for part in (pooler.query, pooler.key))
    spread = [float((q[i] @ k[i].T / 4).var()) for i in range(4)]
    assert spread == pytest.approx([1.0] * 4, rel=0.35)


def test_what_no_self_attention_can_be_built_of_is_refused():
    for heads in (0, 6):
        with pytest.raises(PoolScopeError, match=f"heads came as {heads}; expected 1 to 5"):
            POOLERS["self_attention"](SIZE, heads=heads)
    with pytest.raises(PoolScopeError, match="unknown step 'max' of self_attention; choose one of: mean, query"):
        POOLERS["self_attention"](SIZE, then="max")


def test_the_learned_query_is_learned_and_two_runs_are_one():
    options = {"heads": 3, "then": "query"}
    first, second = (train(recipe(pooler="self_attention", pooler_options=options), toy()) for _ in range(2))
    assert first.metrics["test"]["accuracy"] >= 0.9
    left, right = first.classifier.state_dict(), second.classifier.state_dict()
    assert all(torch.equal(left[name], right[name]) for name in left)
    torch.manual_seed(1)
    start = POOLERS["self_attention"](12, **options).summary
    assert not torch.allclose(first.classifier.pooler.summary, start)
