"""A mapping that forgets what was asked for longest ago once it is full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most ``count`` values of at most ``size`` bytes together, the least recently used ones dropped first.

    What a value takes is said by who brings it. A value larger than all there is room for is not kept.
    Any number of threads may ask and bring at once.
    """

    def __init__(self, count: int, size: int) -> None:
        """Start empty."""
        self._count, self._bytes = count, size
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
        return there

    def keep(self, values: Iterable[tuple[K, V, int]]) -> None:
        """Keep values, each with its key and its bytes, and drop the oldest beyond the bound."""
        with self._lock:
            for key, value, size in values:
                self.size += size - self._kept.get(key, (None, 0))[1]
                self._kept[key] = value, size
                self._kept.move_to_end(key)
            while len(self._kept) > self._count or self.size > self._bytes:
                _, (_, dropped) = self._kept.popitem(last=False)
                self.size -= dropped

    def close(self) -> None:
        """Forget everything, and keep nothing from now on."""
        with self._lock:
            self._kept.clear()
            self._count = self.size = 0
