"""How a classifier's tensors lie in its file: halves, or with fewer bits codes beside their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from models.training.rounding import pack_rows, unpack_rows

# Below this many numbers a tensor stays float32: biases and exponents cost nothing.
SMALL: Final = 1_024
# Stands before the name of a packed matrix to name its scales; no module's name holds a colon.
SCALE: Final = "scale:"


def packed(state: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """Return what is stored of ``state``: halves, or with fewer bits matrices as codes beside their scales."""
    stored = {}
    for name, value in state.items():
        if bits < 16 and value.dim() == 2 and value.numel() > SMALL:
            stored[name], stored[SCALE + name] = pack_rows(value, bits)
        else:
            stored[name] = _shrink(value)
    return stored


def unpacked(stored: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Undo :func:`packed`; ``shapes`` are those of the classifier's own tensors."""
    return {
        name: unpack_rows(value, stored[SCALE + name], shapes[name][-1]) if SCALE + name in stored else value
        for name, value in stored.items() if not name.startswith(SCALE)
    }  # fmt: skip


def _shrink(value: Tensor) -> Tensor:
    value = value.detach().contiguous()
    return halved(value) if value.numel() > SMALL else value


def halved(value: Tensor) -> Tensor:
    """Round to float16; whole numbers, such as keys, stay what they are."""
    return value.to(torch.float16) if value.is_floating_point() else value


def unshrink(value: Tensor) -> Tensor:
    """Return float32; whole numbers stay what they are."""
    return value.float() if value.is_floating_point() else value
