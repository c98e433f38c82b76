"""One account of all perturbed texts of a reading: no text is sent through the classifier twice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.attribution.footprint import Footprint
from models.attribution.perturbed import PerturbedTexts
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError

# Beyond some thousand tokens a larger batch is no faster on a CPU, and falls out of its caches.
MOST_CELLS: Final = 4096
FIRST_CELLS: Final = 1024
BUDGET: Final = 256 * 2**20
MOST_ROWS: Final = 16_384
# Rows of one length are not copied to blank their padding, as rows of several are: at most one copy of the states.
PADDED: Final = 1.5
# Shorter rows start a chunk of their own once a chunk is worth a pass by itself.
RAGGED: Final = 0.75
WORTH: Final = 512

Row = Sequence[int] | NDArray[np.integer[Any]]


class Ledger:
    """Logits (N, C) of perturbed texts, each distinct row of ids computed once and kept.

    *Counts.* ``forwards`` rows were sent through the classifier; ``reused`` distinct rows of a
    request were there already. The text itself, whose logits the reading brings, counts as neither.

    *Same row, same number.* Whoever asks again, in whatever order, gets the stored number to the
    bit. Which other rows stood in the batch depends on who asked first, so between two ledgers the
    numbers may differ by floating-point noise (about 1e-6 of a logit in single precision); the same
    requests in the same order give the same bits.

    *Memory.* The newest ``rows`` results are kept (16,384: some 45 MB at 512 tokens), older ones are
    dropped and would be computed again. Rows go longest first, in chunks of at most 4,096 tokens with
    padding, whose tensors stay under ``budget`` bytes (256 MiB): the first chunk has 1,024 tokens and is measured
    (:class:`Footprint`), the others are as large as its bytes per token leave room for. The activations of a pass
    grow at most in proportion to its rows, and per token at most in proportion to the length, so the bound holds;
    a single row that exceeds it must be read nevertheless.

    *Pauses.* Before each chunk ``between``, if there is one, is told how many rows come next; it may
    take its time, and what it raises ends the work, with all finished chunks kept.

    A ledger belongs to one thread, as its reading does; the classifier may be shared.
    """

    def __init__(
        self,
        classifier: PoolingClassifier,
        own: tuple[Row, Tensor] | None = None,
        *,
        budget: int = BUDGET,
        rows: int = MOST_ROWS,
    ) -> None:
        """Open an empty account; ``own`` are the ids of the unperturbed text and its logits (C,)."""
        self.forwards = 0
        self.reused = 0
        self.between: Callable[[int], None] | None = None
        self._texts = PerturbedTexts(classifier)
        self._own = None if own is None else (_key(own[0]), own[1])
        self._budget = budget
        self._most_rows = rows
        self._stored: dict[bytes, Tensor] = {}
        # The chunk that was measured: its cells (rows × length), bytes per cell and length.
        self._measured = (0, 0.0, 1)

    def __len__(self) -> int:
        """Count the rows that are kept."""
        return len(self._stored)

    def logits(self, rows: Iterable[Row]) -> Tensor:
        """Return the logits (N, C) of N rows of ids, in their order; rows may repeat and differ in length.

        Raises:
            PoolScopeError: no row came, or one without an id, which nothing can read.
        """
        keys = [_key(row) for row in rows]
        if not keys or b"" in keys:
            raise PoolScopeError("A text without a token cannot be read; expected rows of one id or more.")
        asked = dict.fromkeys(keys)
        found = {key: self._stored[key] for key in asked if key in self._stored}
        self.reused += len(found)
        if self._own is not None and self._own[0] in asked:
            found[self._own[0]] = self._own[1]
        missing = sorted((key for key in asked if key not in found), key=len, reverse=True)
        for chunk, answers in self._computed(missing):
            found.update(zip(chunk, answers, strict=True))
        return torch.stack([found[key] for key in keys])

    def pause(self, coming: int) -> None:
        """Look in on ``between`` ahead of ``coming`` rows, or of as many points of a path."""
        if self.between is not None:
            self.between(coming)

    def _computed(self, missing: Sequence[bytes]) -> Iterator[tuple[Sequence[bytes], tuple[Tensor, ...]]]:
        """Send rows, longest first, through the classifier chunk by chunk and keep what it says."""
        start = 0
        while start < len(missing):
            chunk = self._chunk(missing, start)
            start += len(chunk)
            self.pause(len(chunk))
            answers = self._forward(chunk, last=start == len(missing)).unbind(0)
            self.forwards += len(chunk)
            self._stored.update(zip(chunk, answers, strict=True))
            for oldest in list(islice(self._stored, max(0, len(self._stored) - self._most_rows))):
                del self._stored[oldest]
            yield chunk, answers

    def _chunk(self, missing: Sequence[bytes], start: int) -> Sequence[bytes]:
        """Take as many rows as memory allows, of lengths that waste little padding."""
        longest = _length(missing[start])
        most = max(1, self._cells(longest) // longest)
        chunk = missing[start : start + most]
        for count, key in enumerate(chunk):
            if count * longest >= WORTH and _length(key) < RAGGED * longest:
                return chunk[:count]
        return chunk

    def _cells(self, length: int) -> int:
        """Tokens, padding included, that a chunk of rows of ``length`` may have by what was measured."""
        cells, bytes_per_cell, measured = self._measured
        if not cells:
            return FIRST_CELLS
        # Attention over all pairs of tokens costs each token in proportion to the length.
        allowed = self._budget / (PADDED * bytes_per_cell * max(1.0, length / measured))
        return int(min(MOST_CELLS, allowed))

    def _forward(self, chunk: Sequence[bytes], *, last: bool) -> Tensor:
        rows = [np.frombuffer(key, dtype=np.intc) for key in chunk]
        longest = _length(chunk[0])
        cells = len(chunk) * longest
        if self._measured[0] and longest <= self._measured[2] or last and cells <= FIRST_CELLS:
            return self._texts.logits(rows)
        with Footprint() as held:
            logits = self._texts.logits(rows)
        self._measured = (cells, held.peak / cells, longest)
        return logits


def _key(row: Row) -> bytes:
    """Return a row as bytes, four per id: exact, hashable and small."""
    return row.astype(np.intc).tobytes() if isinstance(row, np.ndarray) else array("i", row).tobytes()


def _length(key: bytes) -> int:
    return len(key) // 4
