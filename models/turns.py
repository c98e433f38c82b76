"""Who may compute next: long work hands its place on between chunks, so that nobody waits for the end of it."""

from __future__ import annotations

import os
from collections import deque
from threading import Condition
from types import TracebackType
from typing import Final


class Turns:
    """A queue before a few places; ``with turns:`` waits for one, in the order of arrival.

    Who holds a place calls :meth:`hand_on` between two chunks of work: if somebody waits, the place goes
    to the first of them and the caller to the end of the queue. So of k waiting each computes one chunk in k
    (for one place), and who comes anew waits for as many chunks as there are others, however long their work is.
    """

    def __init__(self, places: int) -> None:
        """Open ``places`` places (one or more)."""
        self._free = places
        self._queue: deque[object] = deque()
        self._changed = Condition()

    def __enter__(self) -> None:
        """Wait for a place."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(lambda: self._free > 0 and self._queue[0] is ticket)
            self._queue.popleft()
            self._free -= 1
            # Another place may be free for who stands first now.
            self._changed.notify_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the place back, whatever happened."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def hand_on(self) -> None:
        """Let the first in the queue compute, if anybody waits, and wait for a place again."""
        with self._changed:
            waits = bool(self._queue)
        if waits:
            self.__exit__(None, None, None)
            self.__enter__()


# One core stays free for pages, which are drawn outside the queue.
PLACES: Final = max(1, (os.cpu_count() or 1) - 1)
TURNS: Final = Turns(PLACES)
