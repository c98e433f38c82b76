"""Gradients of every registered pooler: right, finite, alive, and in agreement with the shares shown."""

from __future__ import annotations

import pytest
import torch
from pooler_variants import LEARNING, SIZE, VARIANTS, splits, states
from torch.func import functional_call

from models.poolers import POOLERS
from models.poolers.limits import CEILING, FLOOR

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@each_variant
def test_gradients_are_those_of_finite_differences(variant):
    pooler, (hidden, mask) = variant.build(size=3), states(lengths=(4, 2), size=3, seed=3)
    names, values = zip(*pooler.named_parameters(), strict=True) if list(pooler.parameters()) else ((), ())
    # A choice is a step: what passes it is a surrogate by its own word, so it is held, far from its next step.
    held = pooler.attention(hidden, mask).detach() if pooler.surrogate else None

    def pooled(hidden, *values):
        return functional_call(pooler, dict(zip(names, values, strict=True)), (hidden, mask, held))

    leaves = [value.detach().clone().requires_grad_() for value in (hidden, *values)]
    assert torch.autograd.gradcheck(pooled, leaves, eps=1e-6, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("variant", LEARNING, ids=str)
def test_every_learned_parameter_feels_signed_input(variant):
    pooler, (hidden, mask) = variant.build(torch.float32), states(torch.float32, lengths=(6, 4))
    if pooler.tiered:  # with one sentence there is nothing to choose among sentences
        mask = mask * torch.tensor([1, 1, 2, 2, 3, 4])
        pooler.part_size = 2
    assert bool((hidden < 0).any() and (hidden > 0).any())
    # What training minimises: a pooler may learn from it what its own output does not tell.
    pooler.train().objective(hidden, mask, lambda pooled: pooled.square().sum(-1)).backward()
    for name, parameter in pooler.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
        assert bool((parameter.grad.abs() > 1e-6).any()), f"{name} cannot learn"
        if variant.name == "learned_norm":
            assert bool((parameter.grad != 0).all()), f"a dimension of {name} cannot learn"


@each_variant
@pytest.mark.parametrize("garbage", [7.0, float("nan"), float("inf")])
def test_padding_reaches_no_gradient(variant, garbage):
    hidden, mask = states(lengths=(6, 4))
    hidden = hidden.masked_fill(~mask.unsqueeze(-1), garbage).requires_grad_()
    batch, alone = variant.build(), variant.build()
    batch(hidden, mask)[1].sum().backward()
    single = hidden.detach()[1:, :4].clone().requires_grad_()
    alone(single, mask[1:, :4]).sum().backward()
    assert bool((hidden.grad[~mask] == 0).all())
    torch.testing.assert_close(hidden.grad[1, :4], single.grad[0], rtol=1e-10, atol=1e-12)
    for (name, left), right in zip(batch.named_parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-10, atol=1e-12, msg=name)


@each_variant
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_gradients_stay_finite_at_extreme_scales(variant, scale):
    pooler, (hidden, mask) = variant.build(torch.float32), states(torch.float32)
    hidden = (scale * hidden).requires_grad_()
    pooler.train().objective(hidden, mask, lambda pooled: pooled.sum(-1)).backward()
    for value in (hidden.grad, *(p.grad for p in pooler.parameters())):
        assert bool(value.isfinite().all())


@each_variant
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_tokens_that_are_all_alike_give_finite_gradients(variant, value):
    pooler, mask = variant.build(torch.float32), states()[1]
    hidden = torch.full((*mask.shape, SIZE), value, requires_grad=True)
    pooler.train().objective(hidden, mask, lambda pooled: pooled.sum(-1)).backward()
    for grad in (hidden.grad, *(p.grad for p in pooler.parameters())):
        assert bool(grad.isfinite().all())
    shares = pooler.shares(hidden, mask, mask / mask.sum(1, keepdim=True) if pooler.attends else None)
    if not pooler.positional:
        torch.testing.assert_close(shares[0], torch.full_like(shares[0], 1 / 6), rtol=1e-5, atol=1e-6)


# The scale limits under which a state can be read back from z: elsewhere tokens are coupled.
UNCOUPLED = [v for v in VARIANTS if v.options.get("limit") in {None, "relu_clip", "sigmoid"}]
HOMOGENEOUS = [v for v in UNCOUPLED if POOLERS[v.name].homogeneous]


def test_which_poolers_are_not_homogeneous():
    """All others are held to Euler's theorem below; of these one has an integral instead, one no split at all."""
    assert {name for name, kind in POOLERS.items() if not kind.homogeneous} == {"hierarchical", "log_sum_exp"}
    assert {name for name, kind in POOLERS.items() if kind.path_integrated} == {"log_sum_exp"}


@pytest.mark.parametrize("variant", HOMOGENEOUS, ids=str)
def test_contributions_are_state_times_gradient_with_the_attention_held(variant):
    """Euler: Σ_i h_i · ∂r_d/∂h_i = r_d, and term by term it is what `contributions` says."""
    pooler, (hidden, mask) = variant.build(), states()
    if pooler.reference[0] == "z":
        hidden = (1 + hidden.abs()).clamp(2 * FLOOR, CEILING / 2)
    hidden.requires_grad_()
    pooled = pooler.held(hidden, mask)
    gradients = [torch.autograd.grad(part.sum(), hidden, retain_graph=True)[0] for part in pooled.unbind(-1)]
    state, inner = hidden.detach(), torch.ones(())
    if pooler.name == "learned_norm":
        state = state - pooler.centre.detach()
    if variant.options.get("limit") == "sigmoid":
        state = state.sigmoid()
        inner = state * (1 - state)
    euler = torch.stack([(state * gradient / inner).sum(-1) for gradient in gradients], dim=-1)
    torch.testing.assert_close(euler.sum(1), pooled.detach(), rtol=1e-9, atol=1e-12)
    parts = pooler.contributions(hidden, mask).detach()
    torch.testing.assert_close(parts, euler, rtol=1e-9, atol=1e-12)
    assert pooler.reference[0] == ("z" if pooler.name in {"apln", "gem"} else "h")


@each_variant
def test_a_linear_head_splits_exactly_into_tokens(variant):
    """logit_c = b_c + Σ_i Σ_d W_cd contribution_id, signed, nothing left over."""
    pooler, (hidden, mask) = variant.build(), states()
    if not splits(pooler):
        pytest.skip("the pooler says that it has no exact split")
    head = torch.nn.Linear(pooler.output_size, 3).double()
    parts = torch.einsum("btd,cd->btc", pooler.contributions(hidden, mask), head.weight).detach()
    logits = head(pooler(hidden, mask)).detach()
    torch.testing.assert_close(parts.sum(1) + head.bias.detach(), logits, rtol=1e-10, atol=1e-10)
    assert bool((parts < 0).any() and (parts > 0).any())
