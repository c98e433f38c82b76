"""Vectors as text, one word with its numbers per line: GloVe, word2vec's and fastText's ``.vec``.

A first line of two integers is word2vec's promise of rows and dimensions. A word may hold spaces
(GloVe 840B): the last E fields are the numbers, whatever stands before them is the word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.errors import PoolScopeError
from models.vectors.source import BLOCK, CHUNK, LONGEST_WORD, Block, VectorFile, text_of
from models.vectors.static import MAX_DIMENSIONS

PROMISE = re.compile(rb"(\d{1,18})[ \t]+(\d{1,9})\s*")
# The longest word and 32 characters for each number; no line of a sound file is longer.
LONGEST_LINE = LONGEST_WORD + 32 * MAX_DIMENSIONS
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TextVectors:
    """A text file of vectors, read line by line."""

    file: VectorFile
    promised: tuple[int, int] | None

    def count(self) -> int:
        """Return the number of rows: the promised one, or that of the lines."""
        if self.promised:
            return self.promised[0]
        lines, last = 0, b"\n"
        with self.file.open() as stream:
            while chunk := stream.read(CHUNK):
                lines, last = lines + chunk.count(b"\n"), chunk[-1:]
        return lines + (last != b"\n")

    def blocks(self) -> Iterator[Block]:
        """Yield words and vectors (n, E) in the file's order.

        Raises:
            PoolScopeError: a line that is no word with E numbers, or another number of lines than
                promised.
        """
        size = self.file.size_of(self.promised[1]) if self.promised else 0
        words: list[str] = []
        rows: list[np.ndarray] = []
        done = 0
        for number, line in self._lines():
            size = size or self._first_size(number, line)
            word, row = self._row(number, line, size)
            words.append(text_of(word))
            rows.append(row)
            done += 1
            if len(rows) == BLOCK:
                yield words, np.stack(rows)
                words, rows = [], []
        if rows:
            yield words, np.stack(rows)
        if not done:
            raise PoolScopeError(
                f"{self.file.name}: no vectors came; expected a word followed by numbers on each line: get it again"
            )
        if self.promised and self.promised[0] != done:
            raise PoolScopeError(
                f"{self.file.name}: {done} vectors came; its first line promises {self.promised[0]}: "
                "get the whole file, or correct that line"
            )

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the rows with their line numbers, counted from 1."""
        with self.file.open() as stream:
            number = 0
            while line := stream.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise PoolScopeError(
                        f"{self.file.name}, line {number} does not end within {LONGEST_LINE} bytes; expected a word "
                        "followed by numbers on each line: name a file of vectors"
                    )
                if number == 1:
                    line = line.removeprefix(BOM)
                if number > 1 or not self.promised:
                    yield number, line

    def _first_size(self, number: int, line: bytes) -> int:
        """Return E, the numbers at the end of the first row; its first field is a word even if it is a number."""
        fields = line.split()
        size = min(_numbers_at_end(fields), len(fields) - 1)
        if size < 1:
            raise self._no_row(number, line)
        if size > MAX_DIMENSIONS:
            raise PoolScopeError(
                f"{self.file.name}, line {number}: {size} numbers came; expected 1 to {MAX_DIMENSIONS}: get it again"
            )
        return size

    def _row(self, number: int, line: bytes, size: int) -> tuple[bytes, np.ndarray]:
        """Return the word and its numbers (E,)."""
        # Nearly every line takes this short way; numpy stops at what is no number.
        word, _, tail = line.partition(b" ")
        row = _parsed(tail)
        if word.strip() and len(row) == size:
            return word, row
        fields = line.split()
        row = _parsed(b" ".join(fields[-size:]))
        # A number before the last E would make "of 1" a word where a row is simply too long.
        if len(row) == size and (len(fields) == size + 1 or (len(fields) > size and not _is_number(fields[-size - 1]))):
            return b" ".join(fields[:-size]), row
        came = min(_numbers_at_end(fields), len(fields) - 1)
        if came < 1:
            raise self._no_row(number, line)
        raise PoolScopeError(
            f"{self.file.name}, line {number}: {came} numbers came; expected {size}, as in the rest of the file: "
            "get it again or take the line out"
        )

    def _no_row(self, number: int, line: bytes) -> PoolScopeError:
        return PoolScopeError(
            f"{self.file.name}, line {number}: {text_of(line[:40])!r} is not a word followed by numbers; "
            "expected GloVe, word2vec or fastText vectors: name such a file or take the line out"
        )


def _parsed(numbers: bytes) -> np.ndarray:
    """Return numbers that stand between blanks, none where something else stands there."""
    try:
        return np.fromstring(numbers, dtype=np.float32, sep=" ")
    except ValueError:
        return np.empty(0, dtype=np.float32)


def _is_number(field: bytes) -> bool:
    return len(_parsed(field)) == 1


def _numbers_at_end(fields: list[bytes]) -> int:
    count = 0
    while count < len(fields) and _is_number(fields[-1 - count]):
        count += 1
    return count
