"""A mapping that forgets what was asked for longest ago once it is full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most ``count`` values of at most ``size`` bytes together, the least recently used ones dropped first.

    What a value takes is said by who brings it. A value larger than all there is room for is not kept, and drops
    no other. Any number of threads may ask and bring at once.
    """

    def __init__(self, count: int, size: int, told: Callable[[], None] = lambda: None) -> None:
        """Start empty; ``told`` is called after every use, outside the lock."""
        self._count, self._bytes, self._told = count, size, told
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()
        self.size = 0

    def __len__(self) -> int:
        """Count the values that are kept."""
        return len(self._kept)

    def found(self, keys: Iterable[K]) -> dict[K, V]:
        """Return those of ``keys`` that are here, each of them used by that."""
        there = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    there[key] = self._kept[key][0]
        self._told()
        return there

    def keep(self, values: Iterable[tuple[K, V, int]]) -> None:
        """Keep values, each with its key and its bytes, and drop the oldest beyond the bound."""
        with self._lock:
            for key, value, size in values:
                self.size -= self._kept.pop(key, (None, 0))[1]
                if size <= self._bytes:
                    self._kept[key] = value, size
                    self.size += size
            while len(self._kept) > self._count or self.size > self._bytes:
                _, (_, dropped) = self._kept.popitem(last=False)
                self.size -= dropped
        self._told()

    def empty(self) -> None:
        """Forget everything; what comes next is kept."""
        with self._lock:
            self._kept.clear()
            self.size = 0

    def close(self) -> None:
        """Forget everything, and keep nothing from now on."""
        with self._lock:
            self._count = 0
        self.empty()
