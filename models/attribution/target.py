"""What a map explains: one number made of a text's logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.errors import PoolScopeError
from models.records import SCALARS, Scalar

NAMES: Final[Mapping[Scalar, str]] = {
    "logit": "logit",
    "probability": "probability",
    "margin": "margin over the next class",
}
SAME: Final = "The class to explain is the one it is compared with, so there is no difference to divide."


@dataclass(frozen=True, slots=True)
class Target:
    """A differentiable function of the logits z (N, C): the number F (N,) that a method explains for class c.

    ``logit``: F = z_c, or z_c − z_k ``against`` a class k, which is log p_c / p_k; ``probability``:
    F = softmax(z)_c; ``margin``: F = z_c − max_{k≠c} z_k, whose sign says whether c is predicted.
    A plain logit stands for its class number wherever an integer is expected; every other target refuses
    to, so that nothing can explain a logit in its place unnoticed.
    """

    index: int
    against: int | None = None
    scalar: Scalar = "logit"

    def __post_init__(self) -> None:
        """Refuse a scalar that does not exist, and a comparison of anything but logits.

        Raises:
            PoolScopeError: one of the two.
        """
        if self.scalar not in SCALARS:
            raise PoolScopeError(f"There is no scalar {self.scalar!r}; choose one of: {', '.join(SCALARS)}.")
        if self.against is not None and self.scalar != "logit":
            raise PoolScopeError(f"Two classes are compared by their logits; leave out the {self.scalar} or the class.")

    def __call__(self, logits: Tensor) -> Tensor:
        """Return F (…) of logits (…, C)."""
        if self.scalar == "probability":
            return logits.softmax(-1)[..., self.index]
        chosen = logits[..., self.index]
        if self.scalar == "margin":
            others = [c for c in range(logits.shape[-1]) if c != self.index]
            return chosen - logits[..., others].amax(-1)
        return chosen if self.against is None else chosen - logits[..., self.against]

    def __index__(self) -> int:
        """Return the class of a plain logit.

        Raises:
            PoolScopeError: the target is no plain logit.
        """
        if not self.plain:
            raise PoolScopeError(f"This is written for the logit of a class; it cannot explain the {self.word}.")
        return self.index

    @property
    def plain(self) -> bool:
        """Whether it is the logit of one class."""
        return self.scalar == "logit" and self.against is None

    @property
    def word(self) -> str:
        """What F is called."""
        return "difference of two logits" if self.against is not None else NAMES[self.scalar]

    def vector(self, table: Tensor) -> Tensor:
        """Return the same combination of rows (C, …) of whatever is linear in the logits; logits only.

        Raises:
            PoolScopeError: F is not linear in the logits.
        """
        if self.scalar != "logit":
            raise PoolScopeError(f"The {self.word} is not linear in the logits.")
        return table[self.index] if self.against is None else table[self.index] - table[self.against]


def as_target(target: Target | int) -> Target:
    """Return the target itself, or the logit of the class that a number names."""
    return target if isinstance(target, Target) else Target(int(target))


@torch.no_grad()
def value(target: Target, logits: Tensor) -> float:
    """Return F of one text's logits (1, C)."""
    return float(target(logits)[0])
