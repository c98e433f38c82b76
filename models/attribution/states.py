"""Token states of perturbed texts, kept for the other readers over the same encoder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
from torch import Tensor

MOST_BYTES: Final = 128 * 2**20
# A row of ids is told by its bytes.
ID_BYTES: Final = np.dtype(np.intc).itemsize


@dataclass(slots=True)
class _Text:
    """What is kept of the perturbations of one text: for each row its batch of states and its place there."""

    rows: dict[bytes, tuple[Tensor, int]] = field(default_factory=dict)
    size: int = 0


class States:
    """States (T, D) of rows of ids by encoder: the second reader over an encoder only pools them.

    An encoder is named by :attr:`~models.classifier.PoolingClassifier.encoder_digest`, so equal names mean equal
    states. Kept are whole batches (B, T, D), as the encoder left them, and only for encoders that :meth:`expect`
    names: those that more than one reader in sight has.

    *Memory.* ``most`` bytes (128 MiB) for all encoders together, in equal parts. Where a part is full, other texts
    are dropped first, the one used longest ago before the others. A text's own batches never drop each other:
    readers ask in the same order, and dropping the oldest would lose each row just before it is asked for. What
    no longer fits is read by every reader for itself.

    Any number of threads may ask and bring at once; nobody changes a tensor that is here.
    """

    def __init__(self, most: int = MOST_BYTES, told: Callable[[], None] = lambda: None) -> None:
        """Expect nothing yet; ``told`` is called after every use, outside the lock."""
        self._most, self._told = most, told
        self._texts: dict[str, OrderedDict[bytes, _Text]] = {}
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        with self._lock:
            return sum(text.size for texts in self._texts.values() for text in texts.values())

    def expect(self, encoders: Collection[str]) -> None:
        """Keep states of these encoders from now on; forget those of all others."""
        with self._lock:
            self._texts = {name: self._texts.get(name, OrderedDict()) for name in encoders}
        self._told()

    def empty(self) -> None:
        """Forget all states; of the encoders that are expected, those that come next are kept."""
        with self._lock:
            self._texts = {name: OrderedDict() for name in self._texts}

    def expects(self, encoder: str) -> bool:
        """Whether states of ``encoder`` are kept."""
        return encoder in self._texts

    def found(self, encoder: str, rows: Sequence[bytes]) -> dict[bytes, Tensor]:
        """Return the states (T, D) of those ``rows`` of ids, as bytes, that are here."""
        there: dict[bytes, Tensor] = {}
        with self._lock:
            for text in self._texts.get(encoder, {}).values():
                for row in rows:
                    if row in text.rows:
                        batch, place = text.rows[row]
                        there[row] = batch[place, : len(row) // ID_BYTES]
        self._told()
        return there

    def keep(self, encoder: str, text: bytes, rows: Sequence[bytes], batch: Tensor) -> None:
        """Keep a batch (B, T, D) of ``rows``, perturbations of ``text``, where it is expected and there is room."""
        size = batch.untyped_storage().nbytes()
        with self._lock:
            texts = self._texts.get(encoder)
            if texts is None:
                return
            allowed = self._most // len(self._texts)
            if (texts[text].size if text in texts else 0) + size > allowed:
                return
            own = texts.setdefault(text, _Text())
            texts.move_to_end(text)
            while len(texts) > 1 and sum(there.size for there in texts.values()) + size > allowed:
                texts.popitem(last=False)
            own.rows.update((row, (batch, place)) for place, row in enumerate(rows))
            own.size += size
        self._told()
