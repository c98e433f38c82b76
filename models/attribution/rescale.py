"""DeepLIFT's rescale rule as a way to differentiate, without hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

LEAST = 1e-10  # changes smaller than that have no chord; the tangent stands for it


class Rescaling(TorchFunctionMode):
    """While it is entered, this thread's tanh, ReLU and maxima over tokens take chords for slopes.

    Batches hold two rows, a text and its baseline. Nothing is changed on the modules: Captum's DeepLift
    hangs hooks on them and needs every bend to be a module of its own.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  # whatever the function returns
        """Replace what bends, pass on everything else."""
        if func is torch.Tensor.amax:
            assert args[1] == 1
        rule: Any = _RULES.get(func)
        return func(*args, **(kwargs or {})) if rule is None else rule.apply(args[0])


class _Tanh(torch.autograd.Function):
    """y = tanh x; the multiplier is Δy / Δx."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401  # autograd's own context
        y = torch.tanh(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # noqa: ANN401  # as above
        x, y = ctx.saved_tensors
        return _handed_back(grads[0], x, y, 1 - y[0] * y[0])


class _Relu(torch.autograd.Function):
    """y = max(x, 0); the multiplier is Δy / Δx."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401  # as above
        y = torch.relu(x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # noqa: ANN401  # as above
        x, y = ctx.saved_tensors
        return _handed_back(grads[0], x, y, (x[0] > 0).to(x))


class _Max(torch.autograd.Function):
    """r = max_i h_i over tokens, (2, T, D) → (2, D); the change goes to one token per dimension.

    Where the text has the larger maximum, to the token that wins there; elsewhere to the winner of the baseline.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor) -> Tensor:  # noqa: ANN401  # as above
        r, winners = h.max(1)
        ctx.save_for_backward(h, r, winners)
        return r

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # noqa: ANN401  # as above
        h, r, winners = ctx.saved_tensors
        place = torch.where(r[0] >= r[1], winners[0], winners[1]).unsqueeze(0)
        moved = (h[0] - h[1]).gather(0, place)
        slope = torch.where(moved.abs() < LEAST, torch.ones_like(moved), (r[0] - r[1]) / moved)
        back = torch.zeros_like(h)
        back[0] = back[0].scatter(0, place, grads[0][0] * slope)
        return back


def _handed_back(grad: Tensor, x: Tensor, y: Tensor, tangent: Tensor) -> Tensor:
    """Multiply the text's row by the slope of the chord; nothing goes back through the baseline's."""
    moved = x[0] - x[1]
    slope = torch.where(moved.abs() < LEAST, tangent, (y[0] - y[1]) / moved)
    return torch.stack([grad[0] * slope, torch.zeros_like(grad[1])])


_RULES: Mapping[Callable[..., Any], Any] = {torch.tanh: _Tanh, torch.relu: _Relu, torch.Tensor.amax: _Max}
