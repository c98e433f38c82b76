"""Scale limits against their definitions, exponents against their domains, and how both are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pooler_variants import SIZE, Variant, states

from models.errors import PoolScopeError
from models.masking import masked_softmax
from models.poolers import POOLERS
from models.poolers.limits import CEILING, FLOOR, LIMITS, MEANING, limit_scale
from models.poolers.power import Exponent


def by_definition(h, limit):
    """Scale the tokens h (N, D) of one text."""
    if limit == "sigmoid":
        z = 1 / (1 + np.exp(-h))
    elif limit == "relu_clip":
        z = np.minimum(np.maximum(h, 0), CEILING)
    else:
        axis = 0 if limit == "minmax_token" else None
        z = (h - h.min(axis)) / (h.max(axis) - h.min(axis))
    return np.maximum(z, FLOOR)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_limits_by_definition(limit, scale):
    hidden, mask = states(lengths=(6, 4))
    z = limit_scale(scale * hidden, mask, limit)
    for row, keep, mine in zip(scale * hidden, mask, z, strict=True):
        np.testing.assert_allclose(mine[keep].numpy(), by_definition(row[keep].numpy(), limit), rtol=1e-12)
    top = {"relu_clip": CEILING}.get(limit, 1.0)
    assert float(z[mask].min()) >= FLOOR
    assert float(z[mask].max()) <= top


def test_minmax_reaches_both_ends_in_its_own_way():
    hidden, mask = states(lengths=(6, 4))
    each, whole = (limit_scale(hidden, mask, f"minmax_{over}") for over in ("token", "matrix"))
    for row in range(2):
        keep = mask[row]
        assert bool((each[row, keep].amax(0) == 1).all())
        assert bool((each[row, keep].amin(0) == FLOOR).all())
        assert int((whole[row, keep] == 1).sum()) == 1
        assert int((whole[row, keep] == FLOOR).sum()) == 1


@pytest.mark.parametrize("limit", LIMITS)
def test_only_minmax_couples_tokens(limit):
    """Deleting the token with the extremes rescales the others under min–max, and only there."""
    hidden, mask = states(lengths=(6,))
    hidden[0, 0] = 5.0
    with_it, without = limit_scale(hidden, mask, limit)[:, 1:], limit_scale(hidden[:, 1:], mask[:, 1:], limit)
    assert torch.equal(with_it, without) == (not limit.startswith("minmax"))


def test_equal_states_fall_to_the_floor_under_minmax():
    flat, mask = torch.full((1, 4, SIZE), 3.0, dtype=torch.float64), torch.ones(1, 4, dtype=torch.bool)
    for limit in ("minmax_token", "minmax_matrix"):
        assert bool((limit_scale(flat, mask, limit) == FLOOR).all())


def test_every_limit_has_words():
    assert set(MEANING) == set(LIMITS)
    for limit in LIMITS:
        assert MEANING[limit] in POOLERS["apln"](SIZE, limit=limit).learned()[0].meaning


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"reading": "D"}, "unknown reading 'D' of apln; choose one of: A, B, C"),
        ({"limit": "none"}, f"unknown scale limit 'none' of apln; choose one of: {', '.join(LIMITS)}"),
        ({"form": "exp"}, "unknown form 'exp' of apln; choose one of: log, pow"),
        ({"p_initial": 0.05}, "p starts at 0.05; expected a finite number above 0.05"),
        ({"p_initial": math.nan}, "p starts at nan; expected a finite number above 0.05"),
        ({"p_initial": math.inf}, "p starts at inf; expected a finite number above 0.05"),
    ],
)
def test_unusable_options_are_refused_with_the_choices(options, sentence):
    with pytest.raises(PoolScopeError) as caught:
        POOLERS["apln"](SIZE, **options)
    assert str(caught.value) == sentence


def test_an_unknown_limit_is_refused_where_it_is_used():
    hidden, mask = states()
    with pytest.raises(PoolScopeError, match="unknown scale limit 'tanh'; choose one of"):
        limit_scale(hidden, mask, "tanh")


@pytest.mark.parametrize("initial", [1.0001, 1.5, 2.0, 50.0, 1000.0])
def test_the_exponent_starts_where_it_was_told(initial):
    exponent = Exponent(initial, floor=1.0, size=3)
    torch.testing.assert_close(exponent().detach(), torch.full((3,), initial), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(exponent.initial, torch.full((3,), initial))
    assert "initial" in exponent.state_dict()


@pytest.mark.parametrize("floor", [0.05, 1.0])
def test_the_exponent_never_leaves_its_domain(floor):
    exponent = Exponent(2.0, floor=floor, size=5)
    rho = torch.tensor([-60.0, -3.0, 0.0, 3.0, 60.0])
    with torch.no_grad():
        exponent.rho.copy_(rho)
    expected = floor + np.log1p(np.exp(rho.double().numpy()))
    np.testing.assert_allclose(exponent().detach().numpy(), expected, rtol=1e-6)
    assert bool((exponent() >= floor).all())


def test_learned_quantities_tell_start_value_and_domain():
    pooler = Variant("apln", {"per_dimension": True, "p_initial": 1.7}).build()
    (p,) = pooler.learned()
    assert p.values == tuple(pooler.exponent.tolist())
    assert p.initial == pytest.approx((1.7,) * SIZE)
    assert p.domain == "(0.05, ∞)"
    p, c = Variant("learned_norm", {"p_initial": 3.0, "centre_initial": -1.0}).build().learned()
    assert (p.name, p.domain, c.name) == ("p", "(1, ∞)", "c")
    assert p.initial == pytest.approx((3.0,) * SIZE)
    assert c.initial == (-1.0,) * SIZE
    assert max(abs(v + 1) for v in c.values) > 0.1
    assert all(v > 1 for v in p.values)


def test_masking_after_the_softmax_would_lose_mass():
    scores, mask = torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[True, True, False]])
    expected = torch.tensor([[1 / (1 + math.e), math.e / (1 + math.e), 0.0]])
    torch.testing.assert_close(masked_softmax(scores, mask), expected)
