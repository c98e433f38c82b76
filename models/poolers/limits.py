"""Scale limits: how signed states become the non-negative z that a real power needs."""

from __future__ import annotations

from typing import Final, Literal, get_args

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.masking import masked_max, masked_min

Limit = Literal["minmax_token", "minmax_matrix", "sigmoid", "relu_clip"]
LIMITS: Final[tuple[str, ...]] = get_args(Limit)

FLOOR: Final = 1e-3
CEILING: Final = 10.0

MEANING: Final[dict[str, str]] = {
    "minmax_token": "min–max over the tokens of the text, per dimension",
    "minmax_matrix": "min–max over the whole matrix of states",
    "sigmoid": "sigmoid of every state",
    "relu_clip": f"ReLU, clipped to [{FLOOR:g}, {CEILING:g}]",
}


def limit_scale(hidden: Tensor, mask: Tensor, limit: str) -> Tensor:
    """Return z (B, T, D) ≥ FLOOR > 0 from hidden (B, T, D); padding is ignored.

    ``minmax_token``: z = (h − min_j h_jd) / (max_j h_jd − min_j h_jd). ``minmax_matrix``: the same
    with both extremes over tokens and dimensions. ``sigmoid``: z = σ(h). ``relu_clip``: z = h
    within [FLOOR, CEILING]. The min–max limits couple tokens: deleting one rescales the others,
    and a text whose states are all equal (one token, per dimension) becomes FLOOR everywhere.

    Raises:
        PoolScopeError: ``limit`` is none of the four.
    """
    if limit == "sigmoid":
        return torch.sigmoid(hidden).clamp_min(FLOOR)
    if limit == "relu_clip":
        return hidden.clamp(FLOOR, CEILING)
    if limit not in LIMITS:
        raise PoolScopeError(f"unknown scale limit {limit!r}; choose one of: {', '.join(LIMITS)}")
    low, high = masked_min(hidden, mask), masked_max(hidden, mask)
    if limit == "minmax_matrix":
        low, high = low.amin(1, keepdim=True), high.amax(1, keepdim=True)
    low, spread = low.unsqueeze(1), (high - low).unsqueeze(1)
    # A spread of 0 would divide 0 by 0; dividing by 1 instead leaves z = 0, that is FLOOR.
    safe = torch.where(spread > 0, spread, torch.ones((), dtype=spread.dtype))
    return ((hidden - low) / safe).clamp(FLOOR, 1.0)
