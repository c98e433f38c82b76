"""One account of all perturbed texts of a reading: no text is sent through the classifier twice."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.attribution.accounts import Accounts, row_bytes
from models.attribution.perturbed import PerturbedTexts
from models.attribution.probe import bytes_per_cell
from models.attribution.states import ID_BYTES, States
from models.classifier import PoolingClassifier
from models.errors import PoolScopeError
from models.shared import pieces

# Beyond some thousand tokens a larger batch is no faster on a CPU, and falls out of its caches.
MOST_CELLS: Final = 4096
# What texts have in common is the more the more of them are read at once; they are pooled in smaller pieces.
SHARED_CELLS: Final = 16_384
# So few need no measuring.
FIRST_CELLS: Final = 1024
BUDGET: Final = 256 * 2**20
# Rows of one length are not copied to blank their padding, as rows of several are: at most one copy of the states.
PADDED: Final = 1.5

# A row as numbers, or as the bytes that :func:`key_of` makes of it.
Row = Sequence[int] | NDArray[np.integer[Any]] | bytes
_Answered = tuple[Sequence[bytes], tuple[Tensor, ...]]


class Ledger:
    """Logits (N, C) of perturbed texts, each distinct row of ids computed once and kept in a book.

    *Counts.* ``forwards`` rows were sent through the encoder; ``reused`` distinct rows of a request needed not: their
    logits stood in the book, from this ledger or from an earlier one, or their token states, from
    another reader over the same encoder. The text itself, whose logits the reading brings, counts as neither.

    *Same row, same number.* Whoever asks again, in whatever order, gets the stored number to the
    bit. Which other rows stood in the batch depends on who asked first, so between two ledgers the
    numbers may differ by floating-point noise (about 1e-6 of a logit in single precision); the same
    requests in the same order give the same bits.

    *Memory.* Results are kept in ``accounts``, whose bound it is; a ledger that is given none opens a book
    for itself. What was dropped there is computed again. Rows go longest first, in chunks of at most 4,096 tokens with
    padding, 16,384 where the encoder reads what they have in common once. Unless there are no more than 1,024 tokens
    in all, their tensors stay under ``budget`` bytes (256 MiB), beside what is prepared once of every word: a chunk is
    as large as the bytes per token leave room for that were measured on this classifier (:func:`bytes_per_cell`). A
    single row that exceeds the budget must be read nevertheless.

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
        accounts: Accounts | None = None,
    ) -> None:
        """Begin to count; ``own`` are the ids of the unperturbed text and its logits (C,)."""
        self.forwards = 0
        self.reused = 0
        self.between: Callable[[int], None] | None = None
        self._classifier = classifier
        self._digest, self._encoder = classifier.spec.digest, classifier.encoder_digest
        # Without a digest nobody could tell its rows from those of another classifier.
        self._accounts = Accounts() if accounts is None or not self._digest else accounts
        self._own = None if own is None else (key_of(own[0]), own[1])
        # No method of its own: a ring of references would keep the book until the collector looks.
        left = partial(_leave, self._accounts.states, self._encoder, b"" if self._own is None else self._own[0])
        self._texts = PerturbedTexts(classifier, None if classifier.encoder.light else left)
        self._budget = budget

    def __len__(self) -> int:
        """Count the rows that are kept in its book."""
        return len(self._accounts.rows)

    def logits(self, rows: Iterable[Row]) -> Tensor:
        """Return the logits (N, C) of N rows of ids, in their order; rows may repeat and differ in length.

        Raises:
            PoolScopeError: no row came, or one without an id, which nothing can read.
        """
        keys = [key_of(row) for row in rows]
        if not keys or b"" in keys:
            raise PoolScopeError("A text without a token cannot be read; expected rows of one id or more.")
        asked = dict.fromkeys(keys)
        own = {} if self._own is None or self._own[0] not in asked else dict([self._own])
        kept = self._accounts.rows.found((self._digest, key) for key in asked if key not in own)
        self.reused += len(kept)
        found = own | {key: logits for (_, key), logits in kept.items()}
        missing = sorted((key for key in asked if key not in found), key=len, reverse=True)
        states = self._accounts.states.found(self._encoder, missing)
        for chunk, answers in self._pooled([key for key in missing if key in states], states):
            found.update(zip(chunk, answers, strict=True))
        for chunk, answers in self._computed([key for key in missing if key not in states]):
            found.update(zip(chunk, answers, strict=True))
        return torch.stack([found[key] for key in keys])

    def pause(self, coming: int) -> None:
        """Look in on ``between`` ahead of ``coming`` rows, or of as many points of a path."""
        if self.between is not None:
            self.between(coming)

    def _pooled(self, rows: Sequence[bytes], states: Mapping[bytes, Tensor]) -> Iterator[_Answered]:
        """Pool the states that another reader over the encoder left, chunk by chunk, and keep what that says."""
        start = 0
        while start < len(rows):
            # Over so few places even a pooler that compares all of them holds some megabytes.
            chunk = rows[start : start + max(1, FIRST_CELLS // _length(rows[start]))]
            start += len(chunk)
            self.pause(len(chunk))
            logits = self._texts.pooled(_rows(chunk), [states[key] for key in chunk])
            self.reused += len(chunk)
            yield self._answered(chunk, logits)

    def _computed(self, missing: Sequence[bytes]) -> Iterator[_Answered]:
        """Send rows, longest first, through the classifier chunk by chunk and keep what it says."""
        if not missing:
            return
        shares = self._texts.shares(np.frombuffer(b"".join(missing), dtype=np.intc))
        few = len(missing) * _length(missing[0]) <= FIRST_CELLS
        start = 0
        while start < len(missing):
            longest = _length(missing[start])
            most = FIRST_CELLS if few else self._cells(longest, SHARED_CELLS if shares else MOST_CELLS)
            chunk = missing[start : start + max(1, most // longest)]
            if not shares:
                # Without the rows that would waste much padding in it.
                chunk = chunk[: next(pieces([_length(key) for key in chunk], most))[1]]
            start += len(chunk)
            self.pause(len(chunk))
            answers = self._texts.logits(_rows(chunk))
            self.forwards += len(chunk)
            yield self._answered(chunk, answers)

    def _answered(self, chunk: Sequence[bytes], logits: Tensor) -> _Answered:
        answers = logits.unbind(0)
        self._accounts.rows.keep(
            ((self._digest, key), answer, row_bytes(key, answer)) for key, answer in zip(chunk, answers, strict=True)
        )
        return chunk, answers

    def _cells(self, longest: int, most: int) -> int:
        """Tokens, padding included, that a chunk of rows of at most ``longest`` may have: ``most`` if memory allows."""
        return min(most, int(self._budget / (PADDED * bytes_per_cell(self._classifier, longest))))


def key_of(row: Row) -> bytes:
    """Return a row as bytes, ``ID_BYTES`` per id: exact, hashable and small; one that is bytes already as it is."""
    if isinstance(row, bytes):
        return row
    return row.astype(np.intc).tobytes() if isinstance(row, np.ndarray) else array("i", row).tobytes()


def _leave(states: States, encoder: str, text: bytes, rows: Sequence[NDArray[np.intc]], hidden: Tensor) -> None:
    """Leave the states (B, T, D) of rows, perturbations of ``text``, to other readers over ``encoder``, if any."""
    if states.expects(encoder):
        states.keep(encoder, text, [row.tobytes() for row in rows], hidden)


def _length(key: bytes) -> int:
    return len(key) // ID_BYTES


def _rows(keys: Sequence[bytes]) -> list[NDArray[np.intc]]:
    return [np.frombuffer(key, dtype=np.intc) for key in keys]
