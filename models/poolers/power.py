"""What the poolers with an exponent have in common."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.errors import PoolScopeError
from models.poolers.base import Pooler


class Exponent(nn.Module):
    """A learnable exponent p = floor + log(1 + e^ρ), one number or one per dimension.

    The domain is (floor, ∞). The initial effective value is kept as a buffer, so a checkpoint
    can always tell where p started.
    """

    rho: nn.Parameter
    initial: Tensor

    def __init__(self, initial: float, floor: float, size: int = 1) -> None:
        """Start at the effective value ``initial`` > ``floor``."""
        super().__init__()
        if not floor < initial < math.inf:
            raise PoolScopeError(f"p starts at {initial}; expected a finite number above {floor}")
        self.floor = floor
        # Inverse of softplus, written so that values near the floor keep their digits and large ones
        # do not overflow.
        above = float(initial - floor)
        rho = above + math.log(-math.expm1(-above))
        self.rho = nn.Parameter(torch.full((size,), rho))
        self.register_buffer("initial", torch.full((size,), float(initial)))

    def forward(self) -> Tensor:
        """Return the effective p (1,) or (D,)."""
        return self.floor + F.softplus(self.rho)


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
