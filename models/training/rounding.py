"""Word tables as they are shipped: float16, or one byte a number with a scale per word.

Training reads the rounded table, so what is shipped is what was trained on and rounding costs nothing.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from models.errors import PoolScopeError

BITS: Final = (8, 16)
STEPS: Final = 127


def pack(weights: Tensor, bits: int = 16) -> dict[str, Tensor]:
    """Return the stored tensors of a table (V, E).

    With 16 bits ``table`` in float16; with 8 bits ``table`` in int8 and ``scale`` (V, 1) in
    float16, where word v is scale_v · table_v and scale_v = max_d |w_vd| / 127: no number is off
    by more than half a step of its own word.

    Raises:
        PoolScopeError: neither 8 nor 16 bits were asked for.
    """
    if bits not in BITS:
        raise PoolScopeError(f"a word table of {bits} bits was asked for; expected 8 or 16")
    weights = weights.detach().float()
    if bits == 16:
        return {"table": weights.to(torch.float16).contiguous()}
    scale = (weights.abs().amax(1, keepdim=True) / STEPS).to(torch.float16)
    # The scale is rounded first: what is divided by it is what will be multiplied by it. The padding row is 0.
    steps = torch.where(scale > 0, weights / scale.float(), torch.zeros(()))
    return {"table": steps.round().clamp(-STEPS, STEPS).to(torch.int8).contiguous(), "scale": scale.contiguous()}


def unpack(stored: dict[str, Tensor]) -> Tensor:
    """Return the table (V, E) in float32 that :func:`pack` stored."""
    table = stored["table"].float()
    return table * stored["scale"].float() if "scale" in stored else table


def rounded(weights: Tensor, bits: int = 16) -> Tensor:
    """Return ``weights`` as they come back from storage."""
    return unpack(pack(weights, bits))
