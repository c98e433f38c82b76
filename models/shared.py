"""Many texts made of few words: what several of them have in common is encoded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shared:
    """Token states of B texts of up to T tokens, by reference.

    ``states`` (S, D) holds distinct states and ``index`` (B, T) says which of them stands where, any of
    them on padding. An ``index`` (B, T, K) names K of them for each place, which stand there side by side. Where
    ``index`` is ``None`` nothing was found to share: ``states`` is (B, T, D).
    """

    states: Tensor
    index: Tensor | None

    def spread(self) -> Tensor:
        """Return the states at every place, (B, T, D)."""
        # Not ``states[index]``: that takes five times as long.
        return self.states if self.index is None else F.embedding(self.index, self.states).flatten(2)

    def part(self, start: int, stop: int, length: int) -> Shared:
        """Return texts ``start`` to ``stop`` alone, cut to ``length`` places, as poolers take them.

        States that stand side by side are put there; what is one state stays by reference.
        """
        if self.index is None:
            return Shared(self.states[start:stop, :length], None)
        part = Shared(self.states, self.index[start:stop, :length])
        return part if self.index.dim() == 2 else Shared(part.spread(), None)


# Places (B, T) in a list of words, −1 on padding, to states.
SharedReader = Callable[[Tensor], Shared]
