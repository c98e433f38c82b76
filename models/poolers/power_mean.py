"""The weighted power mean over tokens, with its derivative in closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# Numbers of one slice: two buffers of that size, and what they read, stay in a core's cache of a megabyte.
SLICE: Final = 2**17
HALF: Final = (torch.float16, torch.bfloat16)


class PowerMean(torch.autograd.Function):
    """r_d = (Σ_i e^{c_i} z_id^p)^{1/p} over the real tokens, for z > 0, computed as exp((1/p) LSE_i(c_i + p log z_id)).

    With w_id = softmax_i(c_i + p log z_id), the token shares: ∂r/∂z_id = r_d w_id / z_id, ∂r/∂c_i = r_d w_id / p and
    ∂r_d/∂p = (r_d / p)(Σ_i w_id log z_id − log r_d). One logarithm and one exponential per number is all that the
    formula needs; everything else is passes over (B, T, D) numbers, and what these cost is memory. So texts are taken
    a few at a time, few enough for the cache, and of all numbers in between only the shares are kept: less than half
    the time of the same derivative over the whole batch at once, which took two thirds of that of differentiating
    operation by operation. Half precision is lifted to single inside. First derivatives only.
    """

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, c: Tensor, p: Tensor, mask: Tensor, low: float, high: float  # noqa: ANN401  # torch's
    ) -> Tensor:  # fmt: skip
        """Map states (B, T, D), c (B, T, 1 or D), p that broadcasts to (B, 1, D) and the mask (B, T) to r (B, D).

        z are the states within [low, high].
        """
        dtype = torch.float32 if states.dtype in HALF else states.dtype
        weights, exponent = _along(c.to(dtype), states, 2), _along(p.to(dtype), states, 1)
        shares = torch.empty_like(states, dtype=dtype)
        log_r, mean = (shares.new_empty(len(states), 1, states.shape[2]) for _ in range(2))
        # On a GPU the question would cost more than the filling.
        dead = None if not mask.is_cuda and bool(mask.all()) else ~mask.unsqueeze(-1)
        for part in _parts(states):
            logs = _within(states[part].to(dtype), low, high).log_()
            terms = torch.addcmul(weights[part], logs, exponent[part], out=shares[part])
            if dead is not None:
                terms.masked_fill_(dead[part], -torch.inf)
            top = terms.amax(1, keepdim=True)
            total = _exp(terms.sub_(top)).sum(1, keepdim=True)
            terms.div_(total)
            log_r[part] = (total.log_() + top) / exponent[part]
            if ctx.needs_input_grad[2]:
                mean[part] = logs.mul_(terms).sum(1, keepdim=True)
        ctx.save_for_backward(states, shares, log_r, mean, exponent)
        ctx.limits, ctx.dtypes, ctx.shapes = (low, high), (c.dtype, p.dtype), (c.shape, p.shape)
        return log_r.exp().squeeze(1).to(states.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  # torch's own
        """Return the derivatives by the states, c and p."""
        states, shares, log_r, mean, exponent = ctx.saved_tensors
        felt = gradient.unsqueeze(1).to(shares.dtype) * log_r.exp()
        by_states = by_c = by_p = None
        if ctx.needs_input_grad[0]:
            by_states = torch.empty_like(states)
            for part in _parts(states):
                wide = states[part].to(shares.dtype)
                z = _within(wide, *ctx.limits)
                slope = torch.mul(shares[part], felt[part]).div_(z)
                # Beyond a limit z stands still.
                by_states[part] = slope.mul_(z.eq_(wide))
        if ctx.needs_input_grad[1]:
            by_c = _by_c(shares, felt / exponent, ctx.shapes[0]).to(ctx.dtypes[0])
        if ctx.needs_input_grad[2]:
            by_p = (felt / exponent * (mean - log_r)).sum_to_size(ctx.shapes[1]).to(ctx.dtypes[1])
        return by_states, by_c, by_p, None, None, None


def lifted(values: Tensor) -> Tensor:
    """Return values of half precision in single, any others as they are."""
    return values.float() if values.dtype in HALF else values


def _parts(states: Tensor) -> Iterator[slice]:
    """Yield slices of the batch that fit the cache; a GPU takes all of it at once."""
    batch, cells = len(states), states.shape[1] * states.shape[2]
    rows = batch if states.is_cuda else max(1, SLICE // cells)
    return (slice(start, start + rows) for start in range(0, batch, rows))


def _along(values: Tensor, states: Tensor, places: int) -> Tensor:
    """Give values that broadcast to the first ``places`` axes of the states a place for each text."""
    whole = values.reshape((1,) * (3 - values.dim()) + tuple(values.shape))
    return whole.expand(len(states), *(states.shape[1:places] or (1,)), whole.shape[2])


def _within(states: Tensor, low: float, high: float) -> Tensor:
    """Return the states within [low, high] as a new tensor."""
    return states.clone() if (low, high) == (-math.inf, math.inf) else states.clamp(low, high)


def _exp(values: Tensor) -> Tensor:
    """Raise e to values ≤ 0 in place, to 0 what is below three times the smallest normal number.

    The exponential alone takes 16 to 40 times as long where it underflows, as it does for most words under a large p.
    """
    tiny = torch.finfo(values.dtype).tiny
    return F.threshold(values.clamp_min_(math.log(tiny) + 1).exp_(), 3 * tiny, 0.0, inplace=True)


def _by_c(shares: Tensor, felt: Tensor, shape: torch.Size) -> Tensor:
    """Multiply shares (B, T, D) by felt (B, 1, D), summed over d where c has one number per token."""
    if shape[-1] == shares.shape[-1]:
        return (shares * felt).sum_to_size(shape)
    return (shares @ felt.transpose(1, 2)).sum_to_size(shape)


def power_mean(
    states: Tensor, c: Tensor, p: Tensor, mask: Tensor, low: float = -math.inf, high: float = math.inf
) -> Tensor:
    """Return :class:`PowerMean` of z (B, T, D) > 0, the states within [low, high], with log weights c (B, T, 1 or D).

    ``p`` is (1,), (D,) or (B, 1, ·); ``mask`` (B, T) leaves tokens out, whatever stands there.
    """
    found: Tensor = PowerMean.apply(states, c, p, mask, low, high)  # type: ignore[no-untyped-call]  # torch's own
    return found
