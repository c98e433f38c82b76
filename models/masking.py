"""The only place that knows how padding is ignored.

Shapes: values (B, T) or (B, T, D), mask (B, T) bool with True on real tokens. Every function
reduces or normalises over the token axis 1 and gives padding no influence on value or gradient.
Rows without a real token are the caller's to refuse (``models.poolers.base`` does).
"""

from __future__ import annotations

import torch
from torch import Tensor


def broadcast_mask(mask: Tensor, values: Tensor) -> Tensor:
    """Give ``mask`` (B, T) the rank of ``values``: (B, T) or (B, T, 1)."""
    return mask if values.dim() == 2 else mask.unsqueeze(-1)


def zero_padding(values: Tensor, mask: Tensor) -> Tensor:
    """Set padded positions to exactly 0, whatever stood there (NaN and inf included); ``values`` itself if none are."""
    if _whole(mask):
        return values
    return torch.where(broadcast_mask(mask, values), values, torch.zeros((), dtype=values.dtype))


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return Σ m_i v_i / Σ m_i over tokens."""
    count = broadcast_mask(mask, values).sum(1).to(values.dtype)
    return zero_padding(values, mask).sum(1) / count


def masked_max(values: Tensor, mask: Tensor) -> Tensor:
    """Return max_i v_i over real tokens; the gradient is divided evenly among ties."""
    return minus_inf_padding(values, mask).amax(1)


def masked_min(values: Tensor, mask: Tensor) -> Tensor:
    """Return min_i v_i over real tokens."""
    return -masked_max(-values, mask)


def masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Return softmax over real tokens: ≥ 0, sums to 1, exactly 0 on padding."""
    return zero_padding(torch.softmax(minus_inf_padding(logits, mask), dim=1), mask)


def masked_log_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Return log-softmax over real tokens, with 0 (not −inf) on padding.

    A finite filler keeps ``p * log a`` differentiable in p; whoever reduces must mask again.
    """
    return zero_padding(torch.log_softmax(minus_inf_padding(logits, mask), dim=1), mask)


def masked_logsumexp(values: Tensor, mask: Tensor) -> Tensor:
    """Return log Σ_i exp(v_i) over real tokens, the maximum subtracted inside."""
    return torch.logsumexp(minus_inf_padding(values, mask), dim=1)


def masked_top(logits: Tensor, mask: Tensor, k: int = 1) -> Tensor:
    """Return 1/k on the k largest logits (B, T) of real tokens, 0 elsewhere; it carries no gradient.

    A text of fewer tokens chooses all of them. Tokens tied at the last place divide what is left of it evenly,
    so that the order of equal tokens does not matter.
    """
    values = minus_inf_padding(logits, mask)
    chosen = mask.sum(1, keepdim=True).clamp_max(k)
    last = values.sort(dim=1, descending=True).values.gather(1, chosen - 1)
    above, tied = values > last, (values == last) & mask
    left = (chosen - above.sum(1, keepdim=True)).to(logits.dtype)
    return (above + tied * (left / tied.sum(1, keepdim=True))) / chosen


def minus_inf_padding(values: Tensor, mask: Tensor) -> Tensor:
    """Set padded positions to −inf, whatever stood there: what no maximum and no normaliser will pick."""
    if _whole(mask):
        return values
    return torch.where(broadcast_mask(mask, values), values, torch.full((), -torch.inf, dtype=values.dtype))


def _whole(mask: Tensor) -> bool:
    """Whether nothing is padded, as in a text by itself: then B·T·D numbers need not be copied to stay what they are.

    On a GPU the question would cost more than the copy: it waits for everything before it.
    """
    return not mask.is_cuda and bool(mask.all())
