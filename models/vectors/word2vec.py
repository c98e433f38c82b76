"""Vectors in word2vec's binary format: ``N E`` on the first line, then ``word`` and E floats, N times.

Own lines for a format this small: gensim's reader takes memory for whatever the first line promises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.errors import PoolScopeError
from models.vectors.source import BLOCK, Block, Bytes, VectorFile, text_of


@dataclass(frozen=True, slots=True)
class BinaryVectors:
    """A word2vec binary, read row by row; the promised number of rows must be the true one."""

    file: VectorFile
    promised: tuple[int, int]

    def count(self) -> int:
        """Return the promised number of rows."""
        return self.promised[0]

    def blocks(self) -> Iterator[Block]:
        """Yield words and vectors (n, E) in the file's order.

        Raises:
            PoolScopeError: more or fewer rows than promised, or a word that does not end.
        """
        count, size = self.promised[0], self.file.size_of(self.promised[1])
        words: list[str] = []
        rows: list[np.ndarray] = []
        if not count:
            raise PoolScopeError(f"{self.file.name}: no vectors came; its first line promises none: get it again")
        with self.file.open() as stream:
            content = Bytes(stream)
            content.until(b"\n")
            for done in range(count):
                words.append(text_of(self._word(content, done)))
                rows.append(np.frombuffer(self._take(content, 4 * size, done), dtype="<f4"))
                if len(rows) == BLOCK:
                    yield words, np.stack(rows)
                    words, rows = [], []
            if rows:
                yield words, np.stack(rows)
            if content.rest().strip(b"\n"):
                raise PoolScopeError(
                    f"{self.file.name} goes on after the {count} vectors of {size} numbers that its first line "
                    "promises; expected its end there: correct that line or get the file again"
                )

    def _word(self, content: Bytes, done: int) -> bytes:
        try:
            # The original tool ends each vector with a line feed, gensim does not.
            return content.until(b" ").lstrip(b"\n")
        except EOFError:
            raise self._short(done) from None
        except ValueError:
            raise PoolScopeError(
                f"{self.file.name}: no word follows the first {done} vectors; expected {self.promised[0]} of "
                f"{self.promised[1]} numbers, as its first line promises: get the file again"
            ) from None

    def _take(self, content: Bytes, count: int, done: int) -> bytes:
        try:
            return content.take(count)
        except EOFError:
            raise self._short(done) from None

    def _short(self, done: int) -> PoolScopeError:
        return PoolScopeError(
            f"{self.file.name} ends after {done} vectors; its first line promises {self.promised[0]} of "
            f"{self.promised[1]} numbers: get the whole file"
        )
