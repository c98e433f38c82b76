"""Vectors in a ``.npz``: arrays ``words`` (N,) and ``vectors`` (N, E), read block by block."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np

from models.errors import PoolScopeError
from models.vectors.source import BLOCK, LONGEST_WORD, Block, Bytes, VectorFile

EXPECTED = "a .npz with arrays 'words' and 'vectors'"


@dataclass(frozen=True, slots=True)
class Archive:
    """A ``.npz``, packed or not; numpy's own reader takes memory for whatever a header claims.

    An array stored by columns (Fortran order) cannot stream by and is held as a whole.
    """

    file: VectorFile

    def count(self) -> int:
        """Return the number of rows that the header of ``vectors`` claims."""
        with zipfile.ZipFile(self.file.path) as archive, archive.open("vectors.npy") as stream:
            return int(_header(stream)[0][0])

    def blocks(self) -> Iterator[Block]:
        """Yield words and vectors (n, E) in the file's order.

        Raises:
            PoolScopeError: arrays of other shapes or kinds.
            EOFError: fewer rows than a header claims; ``zipfile`` and ``numpy`` raise more.
        """
        with ExitStack() as opened:
            archive = opened.enter_context(zipfile.ZipFile(self.file.path))
            words, vectors = (opened.enter_context(archive.open(f"{name}.npy")) for name in ("words", "vectors"))
            (names, kind, _), (shape, number, by_columns) = _header(words), _header(vectors)
            if len(names) != 1 or len(shape) != 2 or names[0] != shape[0]:
                raise PoolScopeError(
                    f"{self.file.name} holds words {names} and vectors {shape}; "
                    "expected one row of numbers per word: save both from the same list"
                )
            if kind.kind not in "US" or kind.itemsize > 4 * LONGEST_WORD or number.kind not in "fiu":
                raise PoolScopeError(
                    f"{self.file.name} holds words of type {kind} and vectors of type {number}; "
                    f"expected {EXPECTED}, one of text and one of numbers: save it again"
                )
            (count, _), size = shape, self.file.size_of(shape[1])
            left = Bytes(words)
            right = Bytes(_by_rows(vectors, shape, number) if by_columns else vectors)
            for start in range(0, count, BLOCK):
                rows = min(BLOCK, count - start)
                spelled = np.frombuffer(left.take(rows * kind.itemsize), dtype=kind)
                numbers = np.frombuffer(right.take(rows * size * number.itemsize), dtype=number).reshape(rows, size)
                with np.errstate(over="ignore"):
                    yield _texts(spelled), numbers.astype(np.float32)
            # The end must be reached: only there the archive's checksums are compared.
            if left.rest() or right.rest():
                raise ValueError("it goes on after its last row")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Return shape, type and whether columns come first, or raise what numpy raises."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, kind = read(stream)
    if kind.hasobject or not kind.itemsize:
        raise ValueError("an array holds Python objects or nothing")
    return shape, kind, by_columns


def _by_rows(vectors: IO[bytes], shape: tuple[int, ...], number: np.dtype[Any]) -> IO[bytes]:
    """Turn an array that is stored by columns; this one has to be held as a whole."""
    content = vectors.read()
    if len(content) != math.prod(shape) * number.itemsize:
        raise ValueError("its header promises another size")
    return io.BytesIO(np.frombuffer(content, dtype=number).reshape(shape[::-1]).T.tobytes())


def _texts(spelled: np.ndarray) -> list[str]:
    if spelled.dtype.kind == "S":
        return [word.decode("utf-8", errors="replace") for word in spelled.tolist()]
    return cast("list[str]", spelled.tolist())
