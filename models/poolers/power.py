"""What the poolers with an exponent have in common."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import PoolScopeError
from models.poolers.base import Pooler
from models.records import Parameter


class Exponent(nn.Module):
    """A learnable scalar that shapes a pooler, one number or one per dimension.

    p = floor + log(1 + e^ρ) with domain (floor, ∞); under a finite ceiling
    p = floor + (ceiling − floor) σ(ρ) with domain (floor, ceiling). The initial effective value is
    kept as a buffer, so a checkpoint can always tell where p started. Training gives every ρ a
    rate of its own and records the effective value.
    """

    rho: nn.Parameter
    initial: Tensor

    def __init__(
        self, initial: float, floor: float, size: int = 1, ceiling: float = math.inf, symbol: str = "p"
    ) -> None:
        """Start at the effective value ``initial`` inside the domain; ``symbol`` is its name in messages."""
        super().__init__()
        if not floor < initial < ceiling:
            expected = f"a finite number above {floor}" if math.isinf(ceiling) else f"a number in ({floor}, {ceiling})"
            raise PoolScopeError(f"{symbol} starts at {initial}; expected {expected}")
        self.floor, self.ceiling = floor, ceiling
        above = float(initial - floor)
        if math.isinf(ceiling):
            # Inverse of softplus, written so that values near the floor keep their digits and large
            # ones do not overflow.
            rho = above + math.log(-math.expm1(-above))
        else:
            rho = math.log(above) - math.log(ceiling - initial)
        self.rho = nn.Parameter(torch.full((size,), rho))
        self.register_buffer("initial", torch.full((size,), float(initial)))

    @property
    def domain(self) -> str:
        """The open interval that the effective value lives in, in words."""
        return f"({self.floor:g}, {'∞' if math.isinf(self.ceiling) else format(self.ceiling, 'g')})"

    def forward(self) -> Tensor:
        """Return the effective p (1,) or (D,)."""
        if math.isinf(self.ceiling):
            return self.floor + F.softplus(self.rho)
        return self.floor + (self.ceiling - self.floor) * torch.sigmoid(self.rho)

    def parameter(self, name: str, meaning: str) -> Parameter:
        """Report the effective values now and at the start under ``name``."""
        return Parameter(name, tuple(self().tolist()), tuple(self.initial.tolist()), meaning, self.domain)


class PowerPooler(Pooler):
    """Base of poolers whose formula has an exponent p that may be read and imposed.

    ``p`` arguments broadcast against (B, T, D): a float, or a tensor such as (B, 1, 1) for one
    exponent per row; ``None`` takes the learned one.
    """

    divides = "pooled"
    p: Exponent

    @property
    def exponent(self) -> Tensor:
        """The learned p, (1,) or (D,)."""
        value: Tensor = self.p()
        return value

    def pool(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Pool at the learned p."""
        return self.pool_at(hidden, mask, weights=weights)

    def shares(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the token shares at the learned p."""
        return self.shares_at(hidden, mask, weights=weights)

    def effective(self, hidden: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor | None:
        """Return the effective attention at the learned p."""
        return self.effective_at(hidden, mask, weights=weights)

    @abstractmethod
    def pool_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Pool with exponent ``p``: (B, T, D) → (B, D)."""

    @abstractmethod
    def shares_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Return the token shares (B, T, D) at exponent ``p``."""

    def effective_at(
        self, hidden: Tensor, mask: Tensor, p: Tensor | float | None = None, weights: Tensor | None = None
    ) -> Tensor | None:
        """Return the effective attention (B, T) at exponent ``p``, or ``None`` without attention."""
        return None

    def _power(self, p: Tensor | float | None, like: Tensor) -> Tensor:
        if p is None:
            return self.exponent.to(like)
        # With the dtype given at once: a plain float would first be rounded to float32.
        return torch.as_tensor(p, dtype=like.dtype, device=like.device)
