"""What the readers of vector files share: opening, gzip, and bytes that must be there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from models.errors import PoolScopeError
from models.vectors.static import MAX_DIMENSIONS

GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
# Rows that are handed on together: few calls, little memory.
BLOCK = 1_024
# No word of a known file comes near; without a limit, damage could fill the memory with one "word".
LONGEST_WORD = 10_000

Block = tuple[list[str], np.ndarray]


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of vectors, gzip'ed or not; ``name`` is what sentences call it."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the content for reading, unpacked if it is gzip'ed."""
        with self.path.open("rb") as raw:
            packed = raw.read(2) == GZIP
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    yield cast(IO[bytes], unpacked)
            else:
                yield raw

    def size_of(self, dimensions: int) -> int:
        """Return the number of dimensions that a file promises.

        Raises:
            PoolScopeError: no word table could have that many.
        """
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise PoolScopeError(
                f"{self.name} promises vectors of {dimensions} numbers; expected 1 to {MAX_DIMENSIONS}: get it again"
            )
        return dimensions


class Bytes:
    """A stream from which exactly what is asked for comes, or a sentence."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Start at the stream's present place."""
        self._stream = stream
        self._buffer = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            EOFError: the file ends before.
        """
        while len(self._buffer) - self._at < count:
            self._more()
        self._at += count
        return self._buffer[self._at - count : self._at]

    def until(self, mark: bytes) -> bytes:
        """Return the bytes before the next ``mark``, one byte, and step over it.

        Raises:
            EOFError: the file ends before.
            ValueError: the mark does not come within :data:`LONGEST_WORD` bytes.
        """
        while (found := self._buffer.find(mark, self._at, self._at + LONGEST_WORD)) < 0:
            if len(self._buffer) - self._at >= LONGEST_WORD:
                raise ValueError("a word without an end")
            self._more()
        self._at, start = found + 1, self._at
        return self._buffer[start:found]

    def rest(self) -> bytes:
        """Return some of what is left, empty at the end."""
        return self._buffer[self._at :] or self._stream.read(CHUNK)

    def _more(self) -> None:
        more = self._stream.read(CHUNK)
        if not more:
            raise EOFError("the end came too early")
        self._buffer, self._at = self._buffer[self._at :] + more, 0


def text_of(word: bytes) -> str:
    """Decode a word; what is not UTF-8 becomes U+FFFD, which no word of a vocabulary holds."""
    return word.decode("utf-8", errors="replace")
