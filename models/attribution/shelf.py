"""All open books of a process under one bound: the one that was used longest ago gives way."""

from __future__ import annotations

from threading import Lock
from typing import Final, Protocol
from weakref import ref

MOST_BYTES: Final = 2**30


class Book(Protocol):
    """What stands on a shelf: so many bytes that can be forgotten while their keeper goes on working."""

    @property
    def size(self) -> int:
        """How many bytes are kept."""

    def empty(self) -> None:
        """Forget what is kept, and go on."""


class Shelf:
    """At most ``most`` bytes in all books together, however many visitors there are.

    A book stands here from its first use on, for as long as somebody else holds it. Once all together hold more
    than ``most``, books are emptied, the one that was asked or filled longest ago first, until they do not; the
    one in use never is. What was in an emptied book is computed again. So the bound is exceeded by what books take in
    at this moment, a chunk per thread, and by a single book that may hold more than ``most`` by itself.

    *Locks.* Any number of threads may use any books. The shelf's lock is taken first, those of a book's parts inside
    it; no part calls out while it holds its own.
    """

    def __init__(self, most: int) -> None:
        """Start without a book."""
        self.most = most
        # By use, the oldest first. Weak, for a book ends with its session; without callbacks, for the collector may
        # end it at any moment, in a thread that has the lock.
        self._books: dict[int, tuple[ref[Book], int]] = {}
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How many bytes its books held when each was used last."""
        with self._lock:
            return sum(size for there, size in self._books.values() if there() is not None)

    def used(self, book: Book) -> None:
        """Note that ``book`` was asked or filled, and empty others if there is too much."""
        with self._lock:
            others = [(key, entry) for key, entry in self._books.items() if key != id(book) and entry[0]() is not None]
            size = book.size
            held = size + sum(entry[1] for _, entry in others)
            while held > self.most and others:
                _, (there, taken) = others.pop(0)
                held -= taken
                other = there()
                if other is not None:
                    other.empty()
            self._books = {**dict(others), id(book): (ref(book), size)}


SHELF: Final = Shelf(MOST_BYTES)
