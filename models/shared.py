"""Many texts made of few words: what several of them have in common is encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor
from torch.nn import functional as F

# Places pooled at once. A shorter text starts a piece of its own once a piece is worth the calls.
PIECE: Final = 4096
RAGGED: Final = 0.75
WORTH: Final = 512


@dataclass(frozen=True, slots=True)
class Shared:
    """Token states of B texts of up to T tokens, by reference.

    ``states`` (S, D) holds distinct states and ``index`` (B, T) says which of them stands where, any of
    them on padding. With ``sides``, states are K parts side by side: ``index`` (B, T, K) names one for each,
    ``states`` (S, D / K) holds first those of the first part, ``sides[0]`` of them, then those of the next. Where
    ``index`` is ``None`` nothing was found to share: ``states`` is (B, T, D).
    """

    states: Tensor
    index: Tensor | None
    sides: tuple[int, ...] = ()

    def spread(self) -> Tensor:
        """Return the states at every place, (B, T, D)."""
        # Not ``states[index]``: that takes five times as long.
        return self.states if self.index is None else F.embedding(self.index, self.states).flatten(2)

    def part(self, start: int, stop: int, length: int) -> Shared:
        """Return texts ``start`` to ``stop`` alone, cut to ``length`` places."""
        if self.index is None:
            return Shared(self.states[start:stop, :length], None)
        return Shared(self.states, self.index[start:stop, :length], self.sides)


# Places (B, T) in a list of words, −1 on padding, to states.
SharedReader = Callable[[Tensor], Shared]


def pieces(lengths: Sequence[int], most: int = PIECE) -> Iterator[tuple[int, int, int]]:
    """Cut texts of these lengths, in their order, into pieces: first text, last text + 1, longest length.

    A piece has little padding and at most ``most`` places, or is one text. To be pooled that is some thousand, so that
    its states stay in the processor's caches.
    """
    start = longest = 0
    for stop, length in enumerate(lengths):
        cells, wider = (stop - start) * longest, max(longest, length)
        full = (stop + 1 - start) * wider > most or cells >= WORTH and length < RAGGED * longest
        if stop > start and full:
            yield start, stop, longest
            start, wider = stop, length
        longest = wider
    if lengths:
        yield start, len(lengths), longest
