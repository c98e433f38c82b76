"""The weighted power mean over tokens, with its derivative in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class PowerMean(torch.autograd.Function):
    """r_d = (Σ_i e^{c_i} z_id^p)^{1/p} over the real tokens, for z > 0, computed as exp((1/p) LSE_i(c_i + p log z_id)).

    With w_id = softmax_i(c_i + p log z_id), the token shares: ∂r/∂z_id = r_d w_id / z_id, ∂r/∂c_i = r_d w_id / p and
    ∂r_d/∂p = (r_d / p)(Σ_i w_id log z_id − log r_d). Written down, that takes two thirds of the time of
    differentiating the forward pass operation by operation: each of those passes over (B, T, D) numbers. Half
    precision is lifted to single inside. First derivatives only.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, c: Tensor, p: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401  # torch's own
        """Map z (B, T, D), c (B, T, 1 or D), p that broadcasts to (B, 1, D) and the mask (B, T) to r (B, D)."""
        wide = z.float() if z.dtype in (torch.float16, torch.bfloat16) else z
        logs, exponent = wide.log(), p.to(wide.dtype)
        terms = torch.mul(logs, exponent).add_(c.to(wide.dtype))
        terms.masked_fill_(~mask.unsqueeze(-1), -torch.inf)
        top = terms.amax(1, keepdim=True)
        terms = terms.sub_(top).exp_()
        total = terms.sum(1, keepdim=True)
        log_r = (total.log() + top) / exponent
        ctx.save_for_backward(wide, logs, terms.div_(total), log_r, exponent)
        ctx.dtypes, ctx.shapes = (z.dtype, c.dtype, p.dtype), (c.shape, p.shape)
        return log_r.exp().squeeze(1).to(z.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  # torch's own
        """Return the derivatives by z, c and p."""
        z, logs, shares, log_r, exponent = ctx.saved_tensors
        felt = gradient.unsqueeze(1).to(z.dtype) * log_r.exp()
        by_z = by_c = by_p = None
        if ctx.needs_input_grad[0]:
            by_z = (shares * felt).div_(z).to(ctx.dtypes[0])
        if ctx.needs_input_grad[1]:
            by_c = _by_c(shares, felt / exponent, ctx.shapes[0]).to(ctx.dtypes[1])
        if ctx.needs_input_grad[2]:
            mean = torch.einsum("btd,btd->bd", shares, logs).unsqueeze(1)
            by_p = (felt / exponent * (mean - log_r)).sum_to_size(ctx.shapes[1]).to(ctx.dtypes[2])
        return by_z, by_c, by_p, None


def _by_c(shares: Tensor, felt: Tensor, shape: torch.Size) -> Tensor:
    """Multiply shares (B, T, D) by felt (B, 1, D), summed over d where c has one number per token."""
    if shape[-1] == shares.shape[-1]:
        return (shares * felt).sum_to_size(shape)
    return (shares @ felt.transpose(1, 2)).sum_to_size(shape)


def power_mean(z: Tensor, c: Tensor, p: Tensor, mask: Tensor) -> Tensor:
    """Return :class:`PowerMean` of z (B, T, D) > 0 with log weights c (B, T, 1 or D): (B, D).

    ``p`` is (1,), (D,) or (B, 1, ·); ``mask`` (B, T) leaves tokens out, whatever stands there.
    """
    exponent = p if p.dim() == 3 else p.expand(1) if p.dim() == 0 else p
    found: Tensor = PowerMean.apply(z, c, exponent, mask)  # type: ignore[no-untyped-call]  # torch's own
    return found
