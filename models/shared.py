"""Many texts made of few words: what several of them have in common is encoded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Shared:
    """Token states of B texts of up to T tokens, by reference.

    ``states`` (S, D) holds distinct states and ``index`` (B, T) says which of them stands where, any of
    them on padding. Where ``index`` is ``None`` nothing was found to share: ``states`` is (B, T, D).
    """

    states: Tensor
    index: Tensor | None

    def spread(self) -> Tensor:
        """Return the states at every place, (B, T, D)."""
        return self.states if self.index is None else self.states[self.index]


# Places (B, T) in a list of words, −1 on padding, to states.
SharedReader = Callable[[Tensor], Shared]
