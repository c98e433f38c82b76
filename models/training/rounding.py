"""Numbers as they are shipped: float16, or a few bits each with a scale per row.

Word tables have 16 or 8 bits. Training reads the rounded table, so what is shipped is what was
trained on and rounding costs nothing. The matrices of a twin are rounded after training, to 8 bits or
fewer; its card holds the scores of the rounded ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
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


def pack_rows(weights: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Return codes (R, ⌈C·bits/8⌉) in bytes and scale (R, 1) in float16 of a matrix (R, C).

    With s = 2^(bits−1) − 1 and scale_r = max_c |w_rc| / s, a number is w_rc ≈ scale_r (q_rc − s), q a
    whole number from 0 to 2s, off by half a scale at most. A row's q are written one after the other,
    high bit first, and filled up with zeros to whole bytes.

    Raises:
        PoolScopeError: not a matrix of a byte's width or more, or bits outside 2 … 8.
    """
    if weights.dim() != 2 or weights.shape[1] < 8 or not 2 <= bits <= 8:
        raise PoolScopeError(
            f"a tensor {tuple(weights.shape)} was to be packed in {bits} bits; "
            "expected a matrix of 8 columns or more, and 2 to 8 bits"
        )
    weights, steps = weights.detach().float().cpu(), 2 ** (bits - 1) - 1
    scale = (weights.abs().amax(1, keepdim=True) / steps).to(torch.float16)
    # As in pack: what is divided by the scale is what will be multiplied by it.
    number = torch.where(scale > 0, weights / scale.float(), torch.zeros(())).round().clamp(-steps, steps) + steps
    digits = number.to(torch.int64).numpy()[..., None] >> np.arange(bits - 1, -1, -1) & 1
    codes = np.packbits(digits.reshape(len(weights), -1).astype(np.uint8), axis=1)
    return torch.from_numpy(codes), scale.contiguous()


def unpack_rows(codes: Tensor, scale: Tensor, columns: int) -> Tensor:
    """Return the matrix (R, C) in float32 that :func:`pack_rows` stored; its bits follow from C and the bytes.

    Raises:
        PoolScopeError: these are no codes and scales of a matrix with so many columns.
    """
    bits = 8 * codes.shape[-1] // max(1, columns) if codes.dim() == 2 and codes.dtype == torch.uint8 else 0
    if not 2 <= bits <= 8 or codes.shape[1] != -(-columns * bits // 8) or scale.shape != (len(codes), 1):
        raise PoolScopeError(
            f"codes {codes.dtype} {tuple(codes.shape)} with scales {tuple(scale.shape)} came for {columns} columns; "
            "expected bytes (R, ⌈columns·bits/8⌉) and (R, 1)"
        )
    digits = np.unpackbits(codes.numpy(), axis=1, count=columns * bits).reshape(len(codes), columns, bits)
    number = digits.astype(np.int64) @ (1 << np.arange(bits - 1, -1, -1))
    return torch.from_numpy(number - (2 ** (bits - 1) - 1)).float() * scale.float()
