"""How far a long method has come, and how to stop it: what a ledger's ``between`` is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final

from models.attribution.reading import Reading
from models.errors import PoolScopeError

STOPPED: Final = "Stopped before it was finished, so there is nothing to draw; let it be computed again to see it."


class CancelledError(PoolScopeError):
    """The work was stopped on request; nothing of it is to be kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """``begun`` texts or points of a path have been read or are being read, of ``most`` at most (0: not known)."""

    begun: int
    most: int

    @property
    def part(self) -> float:
        """How much of the most there can be is begun, in [0, 1]."""
        return min(1.0, self.begun / self.most) if self.most else 0.0


class Progress:
    """Counts what one method reads and stops it between two chunks; a stop may come from any thread.

    Between chunks ``turn`` is called, if there is one: the place to let others compute.
    """

    def __init__(self, turn: Callable[[], None] | None = None) -> None:
        """Start at nothing begun."""
        self._turn = turn
        self._stopped = Event()
        self._step = Step(0, 0)

    @property
    def step(self) -> Step:
        """How far the method has come."""
        return self._step

    def follow(self, reading: Reading, most: int) -> None:
        """Begin to count what ``reading`` is read for, ``most`` at most; ``most`` is what a method declares."""
        self._step = Step(0, most)
        reading.ledger.between = self

    def stop(self) -> None:
        """Let the work end before its next chunk."""
        self._stopped.set()

    def __call__(self, coming: int) -> None:
        """Count ``coming`` texts ahead of their chunk.

        Raises:
            CancelledError: somebody stopped the work.
        """
        if self._turn is not None and not self._stopped.is_set():
            self._turn()
        if self._stopped.is_set():
            raise CancelledError(STOPPED)
        self._step = Step(self._step.begun + coming, self._step.most)
