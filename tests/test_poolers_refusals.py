"""What no pooler can pool is refused in one sentence that says what came and what was expected."""

from __future__ import annotations

import pytest
import torch
from pooler_variants import SIZE, VARIANTS, states

from models.errors import PoolScopeError
from models.poolers import POOLERS


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_rows_of_padding_only_are_refused_by_number(variant):
    pooler, (hidden, mask) = variant.build(), states()
    mask = mask.clone()
    mask[1] = False
    with pytest.raises(PoolScopeError, match=rf"^{variant.name}: rows \[1\] hold only padding; give every text"):
        pooler(hidden, mask)
    with pytest.raises(PoolScopeError, match="hold only padding"):
        pooler(hidden[:, :0], mask[:, :0])


@pytest.mark.parametrize("name", POOLERS)
def test_what_does_not_fit_is_refused_in_a_sentence(name):
    pooler, (hidden, mask) = POOLERS[name](SIZE), states(torch.float32)
    with pytest.raises(PoolScopeError, match=rf"^{name}: hidden came as \(3, 6, 4\); expected \(B, T, 5\)$"):
        pooler(hidden[..., :4], mask)
    # Whole numbers are sentences to a tiered pooler; halves are nothing to anybody.
    with pytest.raises(PoolScopeError, match=r"mask came as torch.float16 \(3, 6\); expected bool \(3, 6\)"):
        pooler(hidden, mask.half())
    if not pooler.tiered:
        with pytest.raises(PoolScopeError, match="mask came as torch.int64"):
            pooler(hidden, mask.long())
    with pytest.raises(PoolScopeError, match=r"mask came as torch.bool \(3, 5\); expected bool \(3, 6\)"):
        pooler(hidden, mask[:, :5])
    with pytest.raises(PoolScopeError, match="at least one dimension"):
        POOLERS[name](0)


@pytest.mark.parametrize("name", POOLERS)
def test_imposed_weights_must_be_weights(name):
    pooler, (hidden, mask) = POOLERS[name](SIZE), states(torch.float32)
    weights = mask.float()
    if not pooler.attends:
        with pytest.raises(PoolScopeError, match="has no attention"):
            pooler(hidden, mask, weights)
        return
    with pytest.raises(PoolScopeError, match=r"weights came as \(3, 5\); expected \(3, 6\)"):
        pooler(hidden, mask, weights[:, :5])
    for wrong in (-0.1, float("nan"), float("inf")):
        bad = weights.clone()
        bad[0, 2] = wrong
        with pytest.raises(PoolScopeError, match="must be finite, ≥ 0"):
            pooler(hidden, mask, bad)
    with pytest.raises(PoolScopeError, match="positive sum on real tokens"):
        pooler(hidden, mask, (~mask).float())
    # What stands on padding is padding's business.
    pooler(hidden, mask, weights.masked_fill(~mask, float("nan")))
