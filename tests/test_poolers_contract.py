"""What every registered pooler promises about values, with every choice of its options."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pooler_variants import ATTENDING, ORDERLESS, POSITIONAL, SIZE, VARIANTS, splits, states

from models.errors import PoolScopeError
from models.poolers.limits import CEILING, FLOOR

DTYPES = {"f32": (torch.float32, 1e-6), "f64": (torch.float64, 1e-12)}
each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
each_attending = pytest.mark.parametrize("variant", ATTENDING, ids=str)
each_dtype = pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)


def maps(pooler, hidden, mask, weights=None):
    """Everything a pooler says about its input, by name."""
    said = {
        "pooled": pooler(hidden, mask, weights),
        "attention": pooler.attention(hidden, mask),
        "effective": pooler.effective(hidden, mask, weights),
        "shares": pooler.shares(hidden, mask, weights),
        "contributions": pooler.contributions(hidden, mask, weights) if splits(pooler) else None,
        **pooler.maps(hidden, mask),
    }
    return {name: value.detach() for name, value in said.items() if value is not None}


def assert_same(left, right, tolerance):
    assert left.keys() == right.keys()
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=tolerance, atol=tolerance, msg=name)


@each_variant
@each_dtype
@pytest.mark.parametrize("garbage", [7.0, float("nan"), float("inf"), float("-inf")])
def test_padding_is_ignored_whatever_stands_there(variant, dtype, tolerance, garbage):
    pooler, (hidden, mask) = variant.build(dtype), states(dtype)
    longer = torch.cat([hidden, torch.zeros(len(hidden), 3, SIZE, dtype=dtype)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(len(mask), 3, dtype=torch.bool)], dim=1)
    longer = longer.masked_fill(~longer_mask.unsqueeze(-1), garbage)
    said, expected = maps(pooler, longer, longer_mask), maps(pooler, hidden, mask)
    for name, value in said.items():
        if name != "pooled":
            assert bool((value[~longer_mask] == 0).all()), f"{name} is not exactly 0 on padding"
            said[name] = value[:, : hidden.shape[1]]
    assert_same(said, expected, tolerance)


@each_variant
@each_dtype
def test_a_batch_is_its_rows_one_by_one(variant, dtype, tolerance):
    pooler, (hidden, mask) = variant.build(dtype), states(dtype)
    together = maps(pooler, hidden, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = maps(pooler, hidden[row : row + 1, :length], mask[row : row + 1, :length])
        here = {n: v[row] if n == "pooled" else v[row, :length] for n, v in together.items()}
        assert_same({n: v[0] for n, v in alone.items()}, here, tolerance)


@pytest.mark.parametrize("variant", ORDERLESS, ids=str)
def test_the_order_of_tokens_does_not_matter(variant):
    pooler, (hidden, mask) = variant.build(), states(lengths=(6, 6))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    expected = {n: v if n == "pooled" else v[:, order] for n, v in maps(pooler, hidden, mask).items()}
    assert_same(maps(pooler, hidden[:, order], mask), expected, 1e-12)


@pytest.mark.parametrize("variant", POSITIONAL, ids=str)
def test_the_order_of_tokens_matters_where_the_pooler_says_so(variant):
    pooler, (hidden, mask) = variant.build(), states(lengths=(6, 6))
    assert bool(((pooler(hidden, mask) - pooler(hidden.flip(1), mask)).abs().amax(1) > 1e-3).all())


@each_variant
def test_arguments_stay_as_they_came(variant):
    pooler, (hidden, mask) = variant.build(), states()
    hidden[1, 4:] = float("nan")
    weights = mask.double() / mask.sum(1, keepdim=True) if pooler.attends else None
    given = [hidden, mask, *([] if weights is None else [weights])]
    before = [value.clone() for value in given]
    state = {name: value.clone() for name, value in pooler.state_dict().items()}
    maps(pooler, hidden, mask, weights)
    for value, kept in zip(given, before, strict=True):
        torch.testing.assert_close(value, kept, rtol=0, atol=0, equal_nan=True)
    assert all(torch.equal(value, state[name]) for name, value in pooler.state_dict().items())


@each_attending
@each_dtype
def test_attention_is_a_distribution_over_real_tokens(variant, dtype, tolerance):
    pooler, (hidden, mask) = variant.build(dtype), states(dtype)
    effective = pooler.effective(hidden, mask)
    for weights in (pooler.attention(hidden, mask), *([] if effective is None else [effective])):
        assert weights.shape == mask.shape
        assert bool((weights[mask] >= 0).all())
        assert pooler.sparse or bool((weights[mask] > 0).all())
        assert bool((weights[~mask] == 0).all())
        torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=dtype), rtol=0, atol=tolerance)
        assert bool(weights[0].max() - weights[0].min() > 1e-3), "a constant map tells nothing"


@each_variant
@each_dtype
def test_shares_and_contributions_sum_up(variant, dtype, tolerance):
    pooler, (hidden, mask) = variant.build(dtype), states(dtype)
    shares = pooler.shares(hidden, mask)
    assert shares.shape == (*mask.shape, pooler.output_size)
    assert bool((shares >= 0).all())
    torch.testing.assert_close(shares.sum(1), torch.ones(3, pooler.output_size, dtype=dtype), rtol=0, atol=tolerance)
    if not splits(pooler):
        with pytest.raises(PoolScopeError, match="no exact split by token"):
            pooler.contributions(hidden, mask)
        return
    parts = pooler.contributions(hidden, mask)
    assert parts.shape == shares.shape
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(parts.sum(1), pooler(hidden, mask), rtol=tolerance, atol=tolerance)


@each_attending
@each_dtype
def test_the_attention_shown_is_the_attention_used(variant, dtype, tolerance):
    pooler, (hidden, mask) = variant.build(dtype), states(dtype)
    # Heads and hops weigh each their own dimensions, so only all their maps together restate what was used.
    own, shown = pooler.own_weights(hidden, mask), pooler.attention(hidden, mask)
    learned = maps(pooler, hidden, mask)
    assert_same(maps(pooler, hidden, mask, own), learned, 5 * tolerance)
    torch.testing.assert_close(shown, own if own.dim() == 2 else own.mean(-1), rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(pooler.held(hidden, mask).detach(), learned["pooled"], rtol=tolerance, atol=tolerance)
    other = torch.where(mask, torch.arange(1.0, 7.0, dtype=dtype), 0.0)
    other = other / other.sum(1, keepdim=True)
    changed = (pooler(hidden, mask, other) - pooler(hidden, mask))[:2].abs().amax(1)
    assert bool((changed > 1e-4).all()), "imposed weights change nothing"
    said = maps(pooler, hidden, mask, other)
    ones = torch.ones(3, pooler.output_size, dtype=dtype)
    torch.testing.assert_close(said["shares"].sum(1), ones, rtol=0, atol=tolerance)
    if splits(pooler):
        torch.testing.assert_close(
            said["contributions"].sum(1), said["pooled"], rtol=10 * tolerance, atol=10 * tolerance
        )


@each_variant
@each_dtype
def test_one_token_is_returned_after_the_poolers_own_rescaling(variant, dtype, tolerance):
    pooler = variant.build(dtype)
    token = states(dtype, lengths=(1,))[0]
    pooled = pooler(token, torch.ones(1, 1, dtype=torch.bool)).detach().numpy()
    h = token[0].numpy()
    if variant.name == "learned_norm":
        h = np.abs(h - pooler.centre.detach().numpy())
    if variant.name == "gem":
        h = np.maximum(h, pooler.epsilon)
    if variant.name == "self_attention":
        h = h @ pooler.value.weight.detach().numpy().T
    if variant.name == "hierarchical":
        h = pooler.gru(token)[0][0].detach().numpy()
    if variant.name == "structured":
        h = np.tile(h, pooler.hops)
    if variant.name == "apln":
        lowest = np.full_like(h, FLOOR)
        h = {
            "relu_clip": np.clip(h, FLOOR, CEILING),
            "sigmoid": 1 / (1 + np.exp(-h)),
            "minmax_token": lowest,
            "minmax_matrix": (h - h.min()) / (h.max() - h.min()),
        }[variant.options["limit"]]
        h = np.maximum(h, FLOOR)
    np.testing.assert_allclose(pooled, h, rtol=5 * tolerance, atol=tolerance)


@each_variant
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_extreme_scales_stay_right_in_single_precision(variant, scale):
    hidden, mask = states()
    expected = maps(variant.build(torch.float64), scale * hidden, mask)
    said = maps(variant.build(torch.float32), (scale * hidden).float(), mask)
    for name, value in said.items():
        assert bool(value.isfinite().all()), name
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-4, atol=1e-4 * min(scale, 1), msg=name)


@each_variant
def test_a_state_dict_holds_all_that_was_learned(variant):
    first, second = variant.build(seed=0), variant.build(seed=5)
    hidden, mask = states()
    if list(first.parameters()):
        assert not torch.equal(first(hidden, mask), second(hidden, mask))
    second.load_state_dict(first.state_dict())
    assert_same(maps(second, hidden, mask), maps(first, hidden, mask), 0)
    assert second.learned() == first.learned()
